"""Who may have a connection to the registry next."""

from __future__ import annotations

from twisted.internet.defer import DeferredSemaphore, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.errors import RegistryUnavailable

log = Logger()


class Slots(DeferredSemaphore):
    """Lets so many have one at the same time; the others wait, ``timeout`` seconds at most."""

    #: How many may wait before nothing more is begun.
    most_waiting = 4096

    def __init__(self, clock: IReactorTime, size: int, timeout: float) -> None:
        super().__init__(size)
        self._clock = clock
        self._timeout = timeout

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
        turn = self.acquire()
        try:
            if not turn.called:
                turn.addTimeout(self._timeout, self._clock)
            await turn
        except TimeoutError:
            log.warn("No connection to the registry became free in time")
            raise RegistryUnavailable from None
