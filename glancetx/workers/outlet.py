"""Where the events of a worker go: to its supervisor, which has the log, or right into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
    formatEventAsClassicLogText,
)
from zope.interface import implementer


def line_of(number: int) -> Callable[[LogEvent], str | None]:
    """What twistd's log says of an event, with a worker's number, as when it goes through there."""

    def line(event: LogEvent) -> str | None:
        text = formatEventAsClassicLogText(event)
        return text and text.replace("] ", f"] worker {number}: ", 1)

    return line


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
            return
        level: Any = event.get("log_level") or LogLevel.info
        namespace = str(event.get("log_namespace") or "-").replace("log_legacy", "-")
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        self._send("log", level.name, namespace, text)

    # -- a producer's

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._send("log", "warn", "glancetx", f"{dropped} events are missing from the log here")

    def stopProducing(self) -> None:
        self._is_paused = True
