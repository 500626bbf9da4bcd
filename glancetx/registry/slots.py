"""Turns with the connections of a pool, and how long they are waited for."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime


@frozen(kw_only=True)
class PoolUse:
    """
    How a pool of at most ``size`` connections is used now.

    ``waiting`` statements wait for one; ``waits`` did ever have to, ``wait_seconds`` together.
    """

    size: int
    busy: int
    idle: int
    waiting: int
    waits: int
    wait_seconds: float


class Slots(DeferredSemaphore):
    """So many turns at the same time; counts the waits for one."""

    def __init__(self, clock: IReactorTime, size: int) -> None:
        super().__init__(size)
        self._clock = clock
        self._waits = 0
        self._wait_seconds = 0.0

    def acquire(self) -> Deferred[Any]:
        """Fires when it is one's turn."""
        turn: Deferred[Any] = super().acquire()
        if not turn.called:
            self._waits += 1
            turn.addBoth(self._waited, self._clock.seconds())
        return turn

    def use(self, busy: int, idle: int) -> PoolUse:
        """How a pool is used of whose connections so many are busy and idle."""
        return PoolUse(
            size=self.limit,
            busy=busy,
            idle=idle,
            waiting=len(self.waiting),
            waits=self._waits,
            wait_seconds=self._wait_seconds,
        )

    def _waited(self, result: Any, since: float) -> Any:
        self._wait_seconds += max(0.0, self._clock.seconds() - since)
        return result
