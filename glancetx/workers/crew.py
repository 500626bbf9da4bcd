"""The workers of a supervisor: brought up, kept up, succeeded, and ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredLock,
    FirstError,
    TimeoutError,
    ensureDeferred,
    gatherResults,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from glancetx.deferreds import shield
from glancetx.workers.child import WorkerFailed

#: What workers are told to do; the same for all but for what `Hire` adds.
Order = Mapping[str, Any]

_log = Logger()


class Worker(Protocol):
    """What a crew knows of a worker; `WorkerProcess` is one."""

    number: int
    ready: Deferred[None]
    has_ended: bool

    def tell(self, *message: Any) -> None: ...
    def kill(self) -> None: ...
    def ended(self) -> Deferred[str]: ...


#: Starts worker ``number`` with an order.
Hire = Callable[[int, Order], Worker]


@define
class _Post:
    """A worker's place, which successors take over; ``order`` is that of whoever has it."""

    number: int
    worker: Worker
    order: Order
    #: Held by whoever brings a successor up.
    lock: DeferredLock = field(factory=DeferredLock)


class Crew:
    """
    So many workers, each of which has a successor when it dies.

    ``broken`` fires with `WorkerFailed` when nobody serves any more, and successors do not start.
    """

    #: Seconds: for a worker to start, and for one to end after its transfers were cut off.
    start_time = 120.0
    end_time = 60.0
    #: Before a successor is started; twice as long each time, while they die sooner than ``young``.
    first_pause = 0.1
    longest_pause = 5.0
    young = 60.0
    #: How often a successor may fail to start, while nobody serves.
    tries = 6

    def __init__(self, clock: IReactorTime, size: int, hire: Hire) -> None:
        self.broken: Deferred[None] = Deferred()
        self._clock = clock
        self._size = size
        self._hire = hire
        self._posts: list[_Post] = []
        self._living: list[Worker] = []
        self._keeping: list[Deferred[None]] = []
        self._is_stopping = False

    def others(self, than: Worker) -> list[Worker]:
        """All workers but this one, those included that start or retire."""
        return [each for each in self._living if each is not than]

    def living(self) -> list[Worker]:
        """Those who serve or retire, and can be asked something."""
        return [each for each in self._living if each.ready.called]

    async def start(self, order: Order) -> None:
        """
        Returns when all of them serve.

        :raises WorkerFailed: when one of them cannot; the others still have to be stopped.
        """
        numbers = range(1, self._size + 1)
        workers = [self._start(number, order) for number in numbers]
        served = gatherResults([ensureDeferred(self._serves(each)) for each in workers], True)
        try:
            await served
        except FirstError as first:
            first.subFailure.raiseException()
        self._posts = [_Post(each.number, each, order) for each in workers]
        self._keeping = [ensureDeferred(self._keep(post)) for post in self._posts]

    async def hand_over(self, order: Order) -> None:
        """
        Give each worker a successor; it retires when that one serves, and is not waited for.

        Those who still have not ended since the last time are told to stop.

        :raises WorkerFailed: when a successor cannot serve; who is there stays.
        """
        serving = [post.worker for post in self._posts]
        for worker in list(self._living):
            if worker not in serving:
                worker.tell("stop")
        for post in self._posts:
            await post.lock.run(self._succeed, post, order)

    async def stop(self, seconds: float) -> None:
        """Let all of them end what they do within so many seconds; returns when they are gone."""
        self._is_stopping = True
        for keeping in self._keeping:
            keeping.cancel()
        for worker in list(self._living):
            worker.tell("stop")
        if not await self._end_within(seconds + self.end_time):
            for worker in list(self._living):
                _log.warn("worker {worker} does not end: killed", worker=worker.number)
                worker.kill()
            await self._end_within(self.end_time)

    def hurry(self) -> None:
        """Let those who are told to stop not wait for transfers."""
        for worker in list(self._living):
            worker.tell("hurry")

    async def _end_within(self, seconds: float) -> bool:
        ended = shield(gatherResults([worker.ended() for worker in self._living]))
        try:
            await ended.addTimeout(seconds, self._clock)
        except TimeoutError:
            return False
        return True

    def _start(self, number: int, order: Order) -> Worker:
        worker = self._hire(number, order)
        self._living.append(worker)
        worker.ended().addCallback(lambda _: self._living.remove(worker))
        return worker

    async def _serves(self, worker: Worker) -> None:
        """Returns when it serves; one that takes too long is killed."""
        try:
            await worker.ready.addTimeout(self.start_time, self._clock)
        except TimeoutError:
            worker.kill()
            raise WorkerFailed(f"worker {worker.number} takes too long to start") from None

    async def _succeed(self, post: _Post, order: Order) -> None:
        successor = self._start(post.number, order)
        await self._serves(successor)
        predecessor, post.worker, post.order = post.worker, successor, order
        predecessor.tell("retire")

    async def _keep(self, post: _Post) -> None:
        """Bring up a successor whenever the worker dies, at growing intervals while they do."""
        pause, failures = self.first_pause, 0
        try:
            while True:
                worker, began = post.worker, self._clock.seconds()
                how = await worker.ended()
                if post.worker is not worker:
                    continue  # it has been succeeded in order
                _log.error("worker {worker} {how}", worker=post.number, how=how)
                if self._clock.seconds() - began > self.young:
                    pause = self.first_pause
                while post.worker is worker:
                    await deferLater(self._clock, pause)
                    pause = min(2 * pause, self.longest_pause)
                    failures = await self._restart(post, worker, failures)
        except CancelledError:
            pass  # we are stopping

    async def _restart(self, post: _Post, worker: Worker, failures: int) -> int:
        """Try to bring up a successor of a dead worker; how often that has failed by now."""
        try:
            await post.lock.run(self._restart_if, post, worker)
        except WorkerFailed as failure:
            _log.error("worker {worker} cannot start: {why}", worker=post.number, why=str(failure))
            if failures + 1 >= self.tries and not self._somebody_serves():
                self._break(failure)
            return failures + 1
        return 0

    async def _restart_if(self, post: _Post, worker: Worker) -> None:
        """Start a successor, unless there is one meanwhile."""
        if post.worker is worker:
            await self._succeed(post, post.order)

    def _somebody_serves(self) -> bool:
        return any(not post.worker.has_ended for post in self._posts)

    def _break(self, failure: WorkerFailed) -> None:
        if not self.broken.called:
            self.broken.errback(failure)
