"""How long one waits for a server that neither takes nor gives anything."""

from __future__ import annotations

from typing import Any, Self

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from glancetx.description import number


@frozen
class Limits:
    """
    Seconds to wait.

    ``connect`` is for the connection to any of the addresses, ``head`` is from the last byte that
    is sent to the end of the answer's head, ``idle`` is between two bytes of a body, one way or
    the other.
    """

    connect: float = 10.0
    head: float = 60.0
    idle: float = 60.0

    @classmethod
    def told(cls, connect: str, head: str, idle: str) -> Self:
        """
        As the options of a description say.

        :raises ValueError: when one is no number; the text says which.
        """
        return cls(
            connect=number("connect", connect),
            head=number("head", head),
            idle=number("idle", idle),
        )


class Patience:
    """Cancels a request when the server keeps it waiting for too long."""

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self.was_lost = False
        self._clock = clock
        self._limits = limits
        self._timer: IDelayedCall | None = None
        self._work: Deferred[Any] | None = None

    def watch(self, work: Deferred[Any]) -> None:
        """From now on, and until it rests for good, this is what is cancelled."""
        self._work = work

    def wait_for_head(self) -> None:
        self._expect(self._limits.head)

    def wait_for_room(self) -> None:
        self._expect(self._limits.idle)

    def rest(self) -> None:
        """Nothing is expected of the server now."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _expect(self, seconds: float) -> None:
        self.rest()
        self._timer = self._clock.callLater(seconds, self._lose)

    def _lose(self) -> None:
        self.was_lost = True
        if self._work is not None:
            self._work.cancel()
