"""Jobs that must run one after the other, on threads that others use too."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

from twisted.python.failure import Failure

from glancetx.threads import Threads

_Job = Callable[[], None]
_Refused = Callable[[Failure], None]


class Strand:
    """
    Runs its jobs in their order, never two of them at once.

    The next one begins as soon as the one before has ended, without asking the reactor first,
    which may be busy: so a thread that hashes is not kept waiting.
    Between two of them whatever else waits for the threads has its turn.

    ``threads`` may be exchanged for others, which have the next job that has not begun.
    """

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self._lock = Lock()
        self._waiting: deque[tuple[_Job, _Refused]] = deque()
        self._is_running = False

    def post(self, job: _Job, refused: _Refused) -> None:
        """
        Run a job, in a thread, when all jobs that came before have ended.

        It raises nothing, and tells by itself what came of it: not every job has anything to tell
        to the reactor, which would be woken for it.
        ``refused`` is told, in the reactor's thread, when the threads are not running.
        """
        with self._lock:
            self._waiting.append((job, refused))
            is_first, self._is_running = not self._is_running, True
        if is_first:
            self._go_on()

    def _go_on(self) -> None:
        threads = self.threads
        threads.run(self._work, threads).addCallbacks(self._rest, self._refused)

    def _rest(self, is_done: bool) -> None:
        if not is_done:
            self._go_on()

    def _work(self, threads: Threads) -> bool:
        """In one of these threads: do what waits; whether that was all."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return True
                job, _ = self._waiting.popleft()
            job()
            # Else the bytes of its batch would stay until the next one comes.
            del job, _
            if threads.are_wanted or threads is not self.threads:
                return False

    def _refused(self, failure: Failure) -> None:
        with self._lock:
            waiting, self._is_running = list(self._waiting), False
            self._waiting.clear()
        for _, refused in waiting:
            refused(failure)
