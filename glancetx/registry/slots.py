"""Turns with the connections of a pool: who has to wait for one, and for how long."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.errors import RegistryUnavailable

log = Logger()


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
    """
    Lets so many have one at the same time; the others wait, ``timeout`` seconds at most.

    Counts the waits.
    """

    #: How many may wait before nothing more is begun.
    most_waiting = 4096

    def __init__(self, clock: IReactorTime, size: int, timeout: float) -> None:
        super().__init__(size)
        self._clock = clock
        self._timeout = timeout
        self._waits = 0
        self._wait_seconds = 0.0

    def check_begins(self) -> None:
        """
        Asked by those who have done nothing yet; what has begun is to end.

        :raises RegistryUnavailable: when too many wait.
        """
        if len(self.waiting) >= self.most_waiting:
            log.warn("Too many statements wait for a connection to the registry")
            raise RegistryUnavailable

    async def wait(self) -> None:
        """
        Wait for one's turn; it is over with `release`.

        :raises RegistryUnavailable: when it does not come in time.
        """
        turn: Deferred[Any] = self.acquire()
        if turn.called:
            return
        self._waits += 1
        turn.addTimeout(self._timeout, self._clock)
        turn.addBoth(self._waited, self._clock.seconds())
        try:
            await turn
        except TimeoutError:
            log.warn("No connection to the registry became free in time")
            raise RegistryUnavailable from None

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
        self._wait_seconds += self._clock.seconds() - since
        return result
