"""What happens to the processes, the disk and the clock of an installation."""

from __future__ import annotations

import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from attrs import define
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.chaos.installation import LEASE, Installation, kill
from tests.chaos.ledger import Ledger
from tests.integration.daemon import eventually, reactor
from tests.load.model import Model
from tests.load.watch import Watch

#: Seconds until a disturbance that is over is no longer felt.
AFTERMATH = 2 * LEASE

#: Seconds that the clock is set forward or back.
STEPS = [-3600, -600, -2 * LEASE, 2 * LEASE, 600, 3600]


@define
class Operator:
    """Does one thing after the other to an installation; whatever it does is in the ledger."""

    here: Installation
    model: Model
    watch: Watch
    ledger: Ledger
    chance: random.Random

    @property
    def deeds(self) -> dict[Callable[[], Awaitable[None]], float]:
        """Whatever may happen, and how often in comparison."""
        return {
            self.kill_worker: 60,
            self.kill_all_workers: 10,
            self.kill_supervisor: 25,
            self.freeze_worker: 8,
            self.kill_backend: 50,
            self.kill_postmaster: 30,
            self.restart_postgres: 20,
            self.freeze_postgres: 20,
            self.freeze_postgres_for_long: 8,
            self.fill_disk: 25,
            self.let_disk_hang: 15,
            self.let_disk_hang_for_long: 5,
            self.set_clock: 25,
            self.hand_over: 15,
            self.kill_worker_in_hand_over: 8,
        }

    async def kill_worker(self) -> None:
        workers = await _some(self.here.workers)
        with self._disturbed("kill -9 of a worker"):
            kill([self.chance.choice(workers)])
            await self._wait(0.3, 1.5)

    async def kill_all_workers(self) -> None:
        workers = await _some(self.here.workers)
        with self._disturbed("kill -9 of all workers"):
            kill(workers)
            await self._wait(1, 2)

    async def kill_supervisor(self) -> None:
        with self._disturbed("kill -9 of the supervisor"):
            await self.here.replace()

    async def freeze_worker(self) -> None:
        workers = await _some(self.here.workers)
        with self._disturbed("worker frozen for longer than its leases"):
            await self._frozen(workers[:1], 1.5 * LEASE)

    async def kill_backend(self) -> None:
        backends = await _some(self.here.backends)
        with self._disturbed("kill -9 of a backend of PostgreSQL"):
            kill([self.chance.choice(backends)])
            await self._wait(0.3, 1.5)

    async def kill_postmaster(self) -> None:
        postmaster = (await _some(self.here.postgres))[0]
        with self._disturbed("kill -9 of PostgreSQL's postmaster"):
            await self._ended(postmaster, signal.SIGKILL)

    async def restart_postgres(self) -> None:
        postmaster = (await _some(self.here.postgres))[0]
        with self._disturbed("PostgreSQL restarted in order"):
            await self._ended(postmaster, signal.SIGINT)

    async def freeze_postgres(self) -> None:
        processes = await _some(self.here.postgres)
        with self._disturbed("PostgreSQL frozen for a moment"):
            await self._frozen(processes, self.chance.uniform(0.2, LEASE / 2))

    async def freeze_postgres_for_long(self) -> None:
        seconds = self.chance.choice([1.5 * LEASE, 2 * LEASE, 12])
        processes = await _some(self.here.postgres)
        with self._disturbed("PostgreSQL frozen for longer than leases or timeouts"):
            await self._frozen(processes, seconds)

    async def fill_disk(self) -> None:
        with self._disturbed("disk full"):
            try:
                await deferToThread(self.here.disk.fill, self.here.workers())
                await self._wait(0.5, 2)
            finally:
                await deferToThread(self.here.disk.relieve, self.here.workers())

    async def let_disk_hang(self) -> None:
        with self._disturbed("store hangs for a moment"):
            await self._hanging(self.chance.uniform(0.3, LEASE / 2))

    async def let_disk_hang_for_long(self) -> None:
        with self._disturbed("store hangs for longer than leases or timeouts"):
            await self._hanging(self.chance.choice([1.5 * LEASE, 8]))

    async def set_clock(self) -> None:
        with self._disturbed("clock set forward or back"):
            self.watch.forgive(4 * LEASE + 10)
            seconds = self.chance.choice(STEPS)
            await deferToThread(self.here.clock.step, self.watch, seconds)
            await self._wait(1, 2)

    async def hand_over(self) -> None:
        with self._disturbed("SIGHUP: workers succeeded"):
            await self._hand_over()

    async def kill_worker_in_hand_over(self) -> None:
        with self._disturbed("SIGHUP, and kill -9 of a worker meanwhile"):
            handed_over = self._hand_over()
            reactor.callLater(self.chance.uniform(0.1, 1), self._kill_any)
            await handed_over

    @contextmanager
    def _disturbed(self, kind: str) -> Iterator[None]:
        disturbance = self.model.disturb()
        self.ledger.inject(kind)
        try:
            yield
        finally:
            self.model.calm(disturbance, later=AFTERMATH)

    async def _wait(self, least: float, most: float) -> None:
        await deferLater(reactor, self.chance.uniform(least, most))

    async def _frozen(self, pids: list[int], seconds: float) -> None:
        reached = kill(pids, signal.SIGSTOP)
        try:
            await deferLater(reactor, seconds)
        finally:
            kill(reached, signal.SIGCONT)

    async def _ended(self, postmaster: int, number: signal.Signals) -> None:
        """This PostgreSQL gets the signal, and there is another one."""
        kill([postmaster], number)
        await eventually(lambda: self.here.postmaster() not in (None, postmaster))
        await self._wait(0.1, 1)

    async def _hanging(self, seconds: float) -> None:
        self.here.hangs.touch()
        try:
            await deferLater(reactor, seconds)
        finally:
            self.here.hangs.unlink()

    async def _hand_over(self) -> None:
        """Returns when all workers have been succeeded, or one successor has not come up."""
        told = self._times_told()
        self.here.daemon.signal("HUP")
        await eventually(lambda: self._times_told() > told)

    def _times_told(self) -> int:
        log = self.here.daemon.log
        return sum(log.count(words) for words in _HANDED_OVER)

    def _kill_any(self) -> None:
        if workers := self.here.workers():
            kill([self.chance.choice(workers)])


async def _some(find: Callable[[], list[int]]) -> list[int]:
    """What is found as soon as there is any."""
    found: list[int] = []

    def look() -> list[int]:
        found[:] = find()
        return found

    await eventually(look)
    return found


#: What a supervisor logs at the end of handing over.
_HANDED_OVER = ["all workers have been succeeded", "workers without a successor stay as they are"]
