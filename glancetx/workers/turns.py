"""Turns that all workers of a daemon share: only so many copies run at the same time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred


class Turns:
    """
    The supervisor's side: grants ``at_once`` turns, in the order in which they were asked for.

    ``grant`` is given the worker whose turn it is.
    """

    def __init__(self, at_once: int, grant: Callable[[Any], None]) -> None:
        self.at_once = at_once
        self._grant = grant
        self._taken: Counter[Any] = Counter()
        self._waiting: deque[Any] = deque()

    def asked_by(self, worker: Any) -> None:
        """A worker would like to have one."""
        self._waiting.append(worker)
        self._go_on()

    def returned_by(self, worker: Any) -> None:
        """A turn is over."""
        self._taken[worker] -= 1
        self._go_on()

    def gone(self, worker: Any) -> None:
        """A worker has died, and with it what it did and what it wanted."""
        del self._taken[worker]
        self._waiting = deque(each for each in self._waiting if each != worker)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._taken.total() < self.at_once:
            worker = self._waiting.popleft()
            self._taken[worker] += 1
            self._grant(worker)


class AskedTurns:
    """A worker's side, which looks like a `DeferredSemaphore`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._waiting: deque[Deferred[Any]] = deque()

    def acquire(self) -> Deferred[Any]:
        """Fires when it is one's turn."""
        turn: Deferred[Any] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        self._tell("turn")
        return turn

    def release(self) -> None:
        """One's turn is over."""
        self._tell("done")

    def granted(self) -> None:
        """The supervisor grants one; whoever wanted it may have been cancelled."""
        if self._waiting:
            self._waiting.popleft().callback(self)
        else:
            self.release()
