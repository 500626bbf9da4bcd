"""One daemon dies, both are restarted, and clients notice as little as they must."""

from __future__ import annotations

import os
import time
from time import monotonic

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.haproxy.load import SLOW, Client, Failure, Ledger
from tests.haproxy.proxy import Proxy
from tests.haproxy.pulse import Pulse
from tests.integration.daemon import WORKERS, Daemon, folder, free_port, reactor, start
from tests.load.crowd import in_threads
from tests.registry.server import fresh_database

#: How long there is load; the restarts alone take about half a minute.
SECONDS = float(os.environ.get("GLANCE_HAPROXY_SECONDS", 30))
SEED = int(os.environ.get("GLANCE_HAPROXY_SEED", time.time_ns() % 10**9))
CLIENTS = 8

#: Seconds: what the documentation says, and more than HAProxy needs to notice.
NOTICE = 4

#: Seconds that HAProxy may take to learn that connections have died with their server.
NOTICED = 0.2

NAMES = ("one", "two")


class LoadTests(TestCase):
    """Two daemons on one PostgreSQL and one store."""

    timeout = SECONDS + 300

    async def test_death_and_rolling_restart(self) -> None:
        """A death costs the requests that it cut, and a restart costs none."""
        print(f"GLANCE_HAPROXY_SEED={SEED} GLANCE_HAPROXY_SECONDS={SECONDS:g}", flush=True)
        self.dsn, self.place = await fresh_database(self), folder(self)
        self.ports = [free_port(), free_port()]
        self.daemons = [await self.start(number) for number in range(2)]
        self.gone: list[Daemon] = []
        self.proxy = await Proxy.start(self, self.ports)
        await self.proxy.sees(one="UP", two="UP")
        self.ledger = Ledger()
        clients = [Client(f"{SEED}/{n}", self.proxy.port, self.ledger) for n in range(CLIENTS)]
        self.pulse = Pulse(self.dsn)
        self.pulse.begin()
        began, ended = monotonic(), in_threads(self, clients)
        try:
            await deferLater(reactor, SECONDS / 10)
            died = await self.die()
            await deferLater(reactor, max(0, began + SECONDS * 0.3 - monotonic()))
            restarted = monotonic()
            await self.restart()
            print(f"the rolling restart took {monotonic() - restarted:.1f} s", flush=True)
            await deferLater(reactor, max(0, began + SECONDS - monotonic()))
        finally:
            for client in clients:
                client.is_over = True
            await ended
            self.pulse.end()
        await self.judge(died)

    async def start(self, number: int) -> Daemon:
        """A daemon as the documentation has it, but for where it is."""
        daemon: Daemon = await start(
            self,
            *("--data", self.place / str(number), "--registry", f"postgres:{self.dsn}"),
            *("--store", f"file:{self.place / 'images'}", "--workers", WORKERS),
            *("--listen", f"tcp:{self.ports[number]}:interface=127.0.0.1"),
            *("--drain-notice", str(NOTICE)),
            defaults=False,
        )
        return daemon

    async def die(self) -> float:
        """kill -9 of the first daemon, and another in its place; the moment of its death."""
        self.daemons[0].signal("KILL")
        died = monotonic()
        await self.daemons[0].ended()
        await self.proxy.sees(one="DOWN")
        await self.replace(0)
        return died

    async def restart(self) -> None:
        """One daemon after the other ends in order, and another takes its place."""
        for number in range(2):
            self.daemons[number].signal("TERM")
            self.assertEqual(await self.daemons[number].ended(NOTICE + SLOW + 60), 0)
            await self.replace(number)

    async def replace(self, number: int) -> None:
        self.gone.append(self.daemons[number])
        self.daemons[number] = await self.start(number)
        await self.proxy.sees(**{NAMES[number]: "UP"})

    async def judge(self, died: float) -> None:
        """Compare what clients were told with what is there, and with what HAProxy saw."""
        cut = [failure for failure in self.ledger.failures if self.is_excused(failure, died)]
        failures = [failure for failure in self.ledger.failures if failure not in cut]
        passed = self.proxy.passed()
        failed = [each for each in passed if each.has_failed]
        print(f"{len(passed)} requests, {len(cut)} cut by the death: {dict(self.ledger.counts)}")
        if failures:
            self.fail("\n".join(map(str, failures)))
        if self.pulse.stalls:
            print(f"the machine stood still: {self.pulse.stalls}")
        else:
            # The first daemon died, so no request that was passed on to the second has failed.
            self.assertEqual({each.server for each in failed} - {"one"}, set(), failed)
            self.assertLessEqual(len(failed), len(cut))
        self.assertGreater(len({each.server for each in passed}), 1)
        judge = Client(f"{SEED}/judge", self.proxy.port, self.ledger)
        for image_id, digest in self.ledger.images.items():
            await deferToThread(judge.check, image_id, digest)
        self.assertEqual([each for each in self.ledger.failures if each not in cut], [])
        print(f"{len(self.ledger.images)} images are there as they were acknowledged")
        for daemon in [*self.gone, *self.daemons]:
            daemon.assert_quiet()

    def is_excused(self, failure: Failure, died: float) -> bool:
        """Whether it was under way when the daemon died, or nothing was."""
        was_cut = failure.began < died + NOTICED and failure.ended > died
        return was_cut or self.pulse.stood_still(failure.began, failure.ended)
