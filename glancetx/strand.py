"""Jobs that must run one after the other, on threads that others use too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from glancetx.deferreds import Patient
from glancetx.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")


class Strand:
    """
    Runs its jobs in their order, never two of them at once.

    The next one begins as soon as the one before has ended, without asking the reactor first,
    which may be busy: so a thread that hashes is not kept waiting.
    Between two of them whatever else waits for the threads has its turn.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = Lock()
        self._waiting: deque[tuple[Callable[[], Any], Patient[Any]]] = deque()
        self._is_running = False

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """As `Threads.run`, when all jobs that came before have ended."""
        done: Patient[T] = Patient()
        with self._lock:
            self._waiting.append((lambda: job(*args, **kwargs), done))
            is_first, self._is_running = not self._is_running, True
        if is_first:
            self._go_on()
        return done

    def _go_on(self) -> None:
        self._threads.run(self._work).addCallbacks(self._rest, self._refused)

    def _rest(self, is_done: bool) -> None:
        if not is_done:
            self._go_on()

    def _work(self) -> bool:
        """In a thread: do what waits; whether that was all."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return True
                job, done = self._waiting.popleft()
            try:
                result = job()
            except BaseException:  # noqa: BLE001 - whoever waits for it is told
                result = Failure()
            self._threads.tell(done.fire, result)
            del job, done, result
            if self._threads.are_wanted:
                return False

    def _refused(self, failure: Failure) -> None:
        with self._lock:
            waiting, self._is_running = list(self._waiting), False
            self._waiting.clear()
        for _, done in waiting:
            done.fire(failure)
