"""Spares a server that fails, and those who would wait for it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

#: Failures in a row after which a server is taken for one that fails.
FAILURES = 5

#: Seconds for which it is then left alone.
PAUSE = 1.0


class CircuitBreaker:
    """
    Lets nobody through for a pause after many failures in a row, and then one in each pause to try.

    Whoever was let through tells what came of it: the first success lets everybody through.
    """

    def __init__(self, clock: IReactorTime, failures: int = FAILURES, pause: float = PAUSE) -> None:
        self._clock = clock
        self._most = failures
        self._pause = pause
        self._failures = 0
        self._next_try = 0.0

    def lets_through(self) -> bool:
        """Whether this one may ask the server."""
        if self._failures < self._most:
            return True
        if self._clock.seconds() < self._next_try:
            return False
        self._next_try = self._clock.seconds() + self._pause
        return True

    def succeeded(self) -> None:
        """The server has answered."""
        self._failures = 0

    def failed(self) -> None:
        """It has not, or not what it was asked."""
        self._failures += 1
        self._next_try = self._clock.seconds() + self._pause
