"""Two daemons that share everything, and what an operator or a bad day does to them."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.task import deferLater

from tests.integration.daemon import Daemon, folder, free_port, reactor, run, start
from tests.load.content import MIB
from tests.load.model import Model
from tests.registry.server import fresh_database

#: Seconds after which the uploads of a dead daemon are given up.
LEASE = 3

#: Seconds that the bytes of deleted images are kept by the first daemon; the other keeps none.
SCRUB_TIME = 2

QUOTA = 24 * MIB
CAP = 3 * MIB

_CONFIG = f"""
transfer_lease = {LEASE}
user_storage_quota = {QUOTA}
image_size_cap = {CAP}
"""

_DELAYED = f"""
delayed_delete = true
scrub_time = {SCRUB_TIME}
wakeup_time = 1
"""


@define
class Cluster:
    """Daemons that listen on ``ports``, for as long as a test lasts."""

    dsn: str
    images: Path
    model: Model
    ports: list[int]
    daemons: list[Daemon]
    gone: list[Daemon]
    _test: Any
    _place: Path = field(repr=False)

    @classmethod
    async def start(cls, test: Any, model: Model) -> Cluster:
        """Two daemons that are ready: the first delays deletions, the second does not."""
        dsn = await fresh_database(test)
        place = folder(test)
        for number, config in enumerate([_CONFIG + _DELAYED, _CONFIG]):
            (place / f"{number}.toml").write_text(config)
        ports = [free_port(), free_port()]
        cluster = cls(dsn, place / "images", model, ports, [], [], test, place)
        for number in range(2):
            cluster.daemons.append(await cluster._start(number))
        return cluster

    async def kill(self, number: int) -> None:
        """kill -9, and another daemon in its place soon."""
        disturbance = self.model.disturb()
        self.daemons[number].signal("KILL")
        await self.daemons[number].ended()
        self.gone.append(self.daemons[number])
        await deferLater(reactor, 1.0)
        self.daemons[number] = await self._start(number)
        self.model.counts["daemon killed"] += 1
        self.model.calm(disturbance, later=LEASE)

    async def stop_for_a_while(self, number: int) -> None:
        """A daemon sleeps for longer than its leases last, and goes on as if nothing had been."""
        disturbance = self.model.disturb()
        self.daemons[number].transport.signalProcess(signal.SIGSTOP)
        try:
            await deferLater(reactor, 1.5 * LEASE)
        finally:
            self.daemons[number].transport.signalProcess(signal.SIGCONT)
        self.model.counts["daemon stopped"] += 1
        # It finds out at once, and ends what it no longer has a lease for.
        self.model.calm(disturbance, later=LEASE / 2)

    async def command(self, *arguments: str) -> dict[str, Any]:
        """What ``glancetx`` says, as of the first daemon's installation."""
        options = [*self._options(0), "--config", self._place / "0.toml"]
        command = [sys.executable, "-m", "glancetx", *options, *arguments, "--json"]
        return dict(json.loads(await run(self._test, *command).succeeds(60)))

    def _options(self, number: int) -> list[Any]:
        return [
            "--data",
            self._place / str(number),
            "--registry",
            f"postgres:{self.dsn}",
            "--store",
            f"file:{self.images}",
            "--store",
            "http:allow=127.0.0.1",
        ]

    async def _start(self, number: int) -> Daemon:
        listen = f"tcp:{self.ports[number]}:interface=127.0.0.1"
        config = self._place / f"{number}.toml"
        # With one worker: a daemon that sleeps must do so as a whole.
        options = [*self._options(number), "--workers", "1", "--config", config, "--listen", listen]
        daemon: Daemon = await start(self._test, *options, defaults=False)
        return daemon
