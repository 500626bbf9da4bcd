"""Bounded threads for what would block the reactor, as a service."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError, fail
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from glancetx.deferreds import finish_first

P = ParamSpec("P")
T = TypeVar("T")

#: How many seconds `Threads.stopService` waits for jobs that do not end.
PATIENCE = 10.0

_log = Logger()


class NotRunning(Exception):
    """A job came before the threads were started, or after they were stopped."""


def _daemon_thread(*args: Any, **kwargs: Any) -> Thread:
    """A thread that dies with the process: one that hangs must not keep it from ending."""
    return Thread(*args, daemon=True, **kwargs)


class _Pool(ThreadPool):
    threadFactory = staticmethod(_daemon_thread)  # type: ignore[assignment]  # noqa: N815


class Threads(Service):
    """
    At most ``size`` threads, started when they are first needed.

    Stopping fires when all jobs, also those in the queue, have ended, or after ``patience``
    seconds: a job that hangs, on a network file system for one, is then left to itself.
    Threads that were stopped may be started again.
    """

    def __init__(
        self, reactor: IReactorFromThreads, name: str, size: int, patience: float = PATIENCE
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._patience = patience
        self._pool: ThreadPool | None = None
        self.size = size

    def startService(self) -> None:
        super().startService()
        self._pool = _Pool(minthreads=0, maxthreads=self.size, name=self._name)
        self._pool.start()

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        pool, self._pool = self._pool, None
        if pool is None:
            return None
        ended: Deferred[None] = Deferred()

        def join() -> None:
            pool.stop()
            self._reactor.callFromThread(ended.callback, None)

        # ThreadPool.stop() blocks until the last job has ended: not in the reactor's thread.
        _daemon_thread(target=join, name=f"{self._name}-stop").start()
        ended.addTimeout(self._patience, IReactorTime(self._reactor))
        return ended.addErrback(self._give_up)

    def _give_up(self, failure: Failure) -> None:
        failure.trap(TimeoutError)
        _log.warn(
            "Threads {name!r}: jobs still run after {patience} seconds and are left alone",
            name=self._name,
            patience=self._patience,
        )

    def load(self) -> tuple[int, int]:
        """How many jobs run now, and how many wait for a thread."""
        if self._pool is None:
            return 0, 0
        found = self._pool._team.statistics()
        return found.busyWorkerCount, found.backloggedWorkCount

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        The job's result, from one of the threads.

        A job cannot be stopped: one that is cancelled ends first, and then tells CancelledError.

        :raises NotRunning: from the Deferred, when the service is not running.
        """
        if self._pool is None:
            return fail(NotRunning(f"threads {self._name!r} are not running"))
        return finish_first(deferToThreadPool(self._reactor, self._pool, job, *args, **kwargs))
