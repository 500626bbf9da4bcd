"""One daemon with two workers and a PostgreSQL of its own, and its processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.chaos.clock import MachineClock
from tests.chaos.disk import SmallDisk
from tests.integration.daemon import Daemon, eventually, folder, free_port, is_alive, start
from tests.load.content import MIB

#: Seconds after which the uploads of a worker that died are given up.
LEASE = 3

#: Seconds for which a client may be silent.
SILENCE = 5

QUOTA = 24 * MIB
CAP = 3 * MIB

PLUGINS = Path(__file__).with_name("plugins")

_CONFIG = f"""
transfer_lease = {LEASE}
client_socket_timeout = {SILENCE}
user_storage_quota = {QUOTA}
image_size_cap = {CAP}
drain = 10
"""


@define
class Installation:
    """A daemon, and those before it that were killed."""

    place: Path
    port: int
    disk: SmallDisk
    clock: MachineClock
    hangs: Path
    gone: list[Daemon] = field(factory=list)
    _daemons: list[Daemon] = field(factory=list)
    _test: Any = field(default=None, repr=False)

    @classmethod
    async def start(cls, test: Any) -> Installation:
        """A daemon that is ready."""
        place = folder(test)
        (place / "glance.toml").write_text(_CONFIG)
        disk, clock = SmallDisk.at(test, place / "disk"), MachineClock(place / "clock")
        here = cls(place, free_port(), disk, clock, place / "hangs", test=test)
        await here.launch()
        return here

    @property
    def daemon(self) -> Daemon:
        return self._daemons[-1]

    @property
    def images(self) -> Path:
        return self.disk.path / "images"

    @property
    def dsn(self) -> str:
        return f"host={self.place}/data/registry port=5432 user=glance dbname=postgres"

    def workers(self) -> list[int]:
        """The pids of its workers."""
        return list(self.daemon.workers())

    def postmaster(self) -> int | None:
        """The pid of its PostgreSQL, if that runs."""
        pid = self.daemon.postgres()
        return None if pid is None else int(pid)

    def backends(self) -> list[int]:
        """The pids of the processes of PostgreSQL that serve a connection."""
        return [pid for pid in self._of_postgres() if b"[local]" in _command_of(pid)]

    def postgres(self) -> list[int]:
        """The pids of all processes of PostgreSQL."""
        pid = self.postmaster()
        return [] if pid is None else [pid, *self._of_postgres()]

    def processes(self) -> list[int]:
        """The pids of all that would be left if the supervisor died now."""
        return [*self.workers(), *self.postgres()]

    async def launch(self) -> None:
        """Start the daemon, as systemd does when the one before has died."""
        path = os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        daemon: Daemon = await start(
            self._test,
            *("--data", self.place / "data"),
            *("--config", self.place / "glance.toml"),
            *("--workers", "2"),
            *("--listen", f"tcp:{self.port}:interface=127.0.0.1"),
            *("--store", f"file=hanging:{self.images}:while={self.hangs}"),
            *("--store", "http:allow=127.0.0.1"),
            data=self.place / "data",
            defaults=False,
            environment={"PYTHONPATH": path, "GLANCE_CHAOS_CLOCK": str(self.clock.path)}.items(),
        )
        self._daemons.append(daemon)

    async def replace(self) -> None:
        """kill -9 of the supervisor, and another daemon at once; what was left of it has to go."""
        left = self.processes()
        self.daemon.signal("KILL")
        await self.daemon.ended()
        self.gone.append(self.daemon)
        await self.launch()
        await eventually(lambda: not any(is_alive(pid) for pid in left))

    def _of_postgres(self) -> list[int]:
        parent = self.postmaster()
        if parent is None:
            return []
        try:
            return [int(pid) for pid in _children_of(parent)]
        except OSError:
            return []


def kill(pids: list[int], number: signal.Signals = signal.SIGKILL) -> list[int]:
    """Those of the processes that were there to get the signal."""
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.append(pid)
    return reached


def _children_of(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
