"""All notifiers that an operator chose, as one part of the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from glancetx.interfaces import INotifier, IReloadable

#: Seconds that notifiers get at the end, at most.
FAREWELL = 10.0


class Notifiers(Service):
    """
    Starts and stops notifiers together.

    When they are stopped they have so many seconds to tell what waits, all at the same time.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, notifiers: Sequence[INotifier], seconds: float) -> None:
        self.notifiers = notifiers
        self._clock = clock
        self._seconds = min(seconds, FAREWELL)
        self._stopping: list[Deferred[Any]] = []
        self._is_hurried = False

    def startService(self) -> None:
        super().startService()
        for service in self._services():
            service.startService()

    def stopService(self) -> Deferred[Any]:
        """Fires when all have ended, or were given up."""
        super().stopService()
        self._stopping = [maybeDeferred(service.stopService) for service in self._services()]
        seconds = 0.0 if self._is_hurried else self._seconds
        for stopping in self._stopping:
            stopping.addTimeout(seconds, self._clock).addErrback(self._left)
        return DeferredList(self._stopping)

    def cut(self) -> None:
        """Give up at once what waits at the end, now or when it comes."""
        self._is_hurried = True
        for stopping in list(self._stopping):
            stopping.cancel()

    async def reload(self) -> None:
        """Let those who have read files read them again."""
        for notifier in self.notifiers:
            if IReloadable.providedBy(notifier):
                await IReloadable(notifier).reload()

    def _services(self) -> list[IService]:
        return [IService(each) for each in self.notifiers if IService.providedBy(each)]

    def _left(self, failure: Failure) -> None:
        self._log.warn("a notifier was not waited for: {error}", error=failure.value)
