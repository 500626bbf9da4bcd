"""Bounded threads for what would block the reactor, as a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from glancetx.deferreds import finish_first

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Service):
    """
    At most ``size`` threads, started when they are first needed.

    Stopping waits for the jobs that are under way or queued.
    """

    def __init__(self, reactor: IReactorFromThreads, name: str, size: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=size, name=name)
        self.size = size

    def startService(self) -> None:
        super().startService()
        self._pool.start()

    def stopService(self) -> None:
        super().stopService()
        self._pool.stop()

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        The job's result, from one of the threads.

        A job cannot be stopped: one that is cancelled ends first, and then tells CancelledError.
        """
        return finish_first(deferToThreadPool(self._reactor, self._pool, job, *args, **kwargs))
