"""Work that is done again and again while a service runs, whatever became of it the last time."""

from __future__ import annotations

from typing import ClassVar

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from glancetx.errors import GlanceError


class Rounds(Service):
    """
    Does `one_round` every ``interval`` seconds; the first at once, unless it is to come ``later``.

    A round that is under way is broken off when this stops.
    ``postponed`` is what the log says of one that failed, in a few words.
    """

    postponed: ClassVar[str]
    _log = Logger()

    def __init__(self, clock: IReactorTime, interval: float, *, later: bool = False) -> None:
        self._clock = clock
        self._often = interval
        self._later = later
        self._round: Deferred[None] = succeed(None)
        self._done: Deferred[LoopingCall] | None = None
        self._loop = LoopingCall(self._begin_round)
        self._loop.clock = clock

    async def one_round(self) -> None:
        """What is to be done; what it raises is told to the log."""
        raise NotImplementedError

    def startService(self) -> None:
        super().startService()
        self._done = self._loop.start(self._often, now=not self._later)

    def stopService(self) -> Deferred[LoopingCall] | None:
        """Break off what is under way, and fire when nobody works on it any more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        self._round.cancel()
        return self._done

    def _begin_round(self) -> Deferred[None]:
        self._round = ensureDeferred(self._attempt_round())
        return self._round

    async def _attempt_round(self) -> None:
        try:
            await self.one_round()
        except CancelledError:
            pass
        except GlanceError as error:
            self._log.warn("{postponed}: {error}", postponed=self.postponed, error=error)
        except Exception:  # noqa: BLE001 - one bad round must not be the last
            self._log.failure("{postponed}", postponed=self.postponed)
