"""Bounded threads for what would block the reactor, as a service."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread, get_native_id
from typing import Any, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError, fail
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from glancetx.deferreds import Patient

P = ParamSpec("P")
T = TypeVar("T")

#: How many seconds `Threads.stopService` waits for jobs that do not end.
PATIENCE = 10.0

#: How much nicer than the reactor threads are, mostly: while all cores are busy, it comes first.
NICENESS = 15

_log = Logger()


class NotRunning(Exception):
    """A job came before the threads were started, or after they were stopped."""


#: A call, and who is told in the reactor's thread what came of it; None ends a thread.
_Job = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Patient[Any]] | None


class Threads(Service):
    """
    At most ``size`` threads, started when they are first needed.

    A queue of the interpreter's own hands jobs over, at about half of what `deferToThread` costs:
    an image passes through thousands of jobs.

    Stopping fires when all jobs, also those in the queue, have ended, or after ``patience``
    seconds: a job that hangs, on a network file system for one, is then left to itself.
    Threads that were stopped may be started again.

    ``niceness`` is how much nicer than the reactor they are.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        name: str,
        size: int,
        patience: float = PATIENCE,
        niceness: int = NICENESS,
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._patience = patience
        self._niceness = niceness
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads: list[Thread] = []
        self._unfinished = 0
        self.size = size

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        jobs, self._jobs = self._jobs, SimpleQueue()
        threads, self._threads = self._threads, []
        if not threads:
            return None
        for _ in threads:
            jobs.put(None)
        ended: Deferred[None] = Deferred()

        def join() -> None:
            for thread in threads:
                thread.join()
            self._reactor.callFromThread(ended.callback, None)

        # It blocks until the last job has ended: not in the reactor's thread.
        Thread(target=join, name=f"{self._name}-stop", daemon=True).start()
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
        waiting = self._jobs.qsize()
        return self._unfinished - waiting, waiting

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        The job's result, from one of the threads.

        A job cannot be stopped: one that is cancelled ends first, and then tells CancelledError.

        :raises NotRunning: from the Deferred, when the service is not running.
        """
        if not self.running:
            return fail(NotRunning(f"threads {self._name!r} are not running"))
        done: Patient[T] = Patient()
        self._unfinished += 1
        self._jobs.put((job, args, kwargs, done))
        if len(self._threads) < self.size:
            self._start_thread()
        return done

    @property
    def are_wanted(self) -> bool:
        """Whether jobs wait for one of the threads."""
        return not self._jobs.empty()

    def tell(self, call: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call something in the reactor's thread; of all that is here only this is for threads."""
        self._reactor.callFromThread(call, *args, **kwargs)

    def _start_thread(self) -> None:
        # It dies with the process: one that hangs must not keep that from ending.
        name = f"{self._name}-{len(self._threads)}"
        thread = Thread(target=self._work, args=(self._jobs,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, jobs: SimpleQueue[_Job]) -> None:
        _be_nicer(self._niceness)
        while (waiting := jobs.get()) is not None:
            job, args, kwargs, done = waiting
            try:
                result = job(*args, **kwargs)
            except BaseException:  # noqa: BLE001 - whoever waits for it is told
                result = Failure()
            self.tell(self._end, done, result)
            # Else what it holds would stay until the next one comes.
            del waiting, job, args, kwargs, done, result

    def _end(self, done: Patient[Any], result: Any) -> None:
        self._unfinished -= 1
        done.fire(result)


def _be_nicer(by: int) -> None:
    """Lower the priority of this thread, where each has its own (Linux, setpriority(2))."""
    if sys.platform == "linux":
        number = get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, number)
        os.setpriority(os.PRIO_PROCESS, number, niceness + by)
