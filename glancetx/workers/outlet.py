"""Where the events of a worker go whose supervisor has the log to itself."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from glancetx.logs import record_of


@implementer(ILogObserver)
class Outlet:
    """
    An observer that sends events on, and drops them while the supervisor does not take any.

    Nobody reads what is dropped, but how many they were is told; waiting would stop the worker, and
    keeping them would fill its memory.
    ``send`` is given a message.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._is_paused = False
        self._dropped = 0

    def __call__(self, event: LogEvent) -> None:
        if self._is_paused:
            self._dropped += 1
        else:
            self._send("log", record_of(event))

    # -- a producer's

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        dropped, self._dropped = self._dropped, 0
        if dropped:
            message = f"{dropped} events are missing from the log here"
            self._send("log", {"level": "warn", "namespace": "glancetx", "message": message})

    def stopProducing(self) -> None:
        self._is_paused = True
