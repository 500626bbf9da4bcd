"""Notifications that did not arrive: counted, and told without filling the log."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

#: Seconds between two lines of the log at least.
BETWEEN_LINES = 60.0


class Losses:
    """What one receiver has missed; ``total`` is how many notifications since the start."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, receiver: str) -> None:
        self.total = 0
        self._clock = clock
        self._receiver = receiver
        self._untold = 0
        self._told_at: float | None = None
        self._reason = ""

    def add(self, reason: str, count: int = 1) -> None:
        """So many more were lost, for a reason that may stand in the log."""
        self.total += count
        self._untold += count
        self._reason = reason
        now = self._clock.seconds()
        if self._told_at is None or now - self._told_at >= BETWEEN_LINES:
            self._told_at = now
            self.tell()

    def tell(self) -> None:
        """Tell the log now of what it has not been told."""
        if not self._untold:
            return
        self._log.warn(
            "{count} more notifications for {receiver} are lost, {total} by now: {reason}",
            count=self._untold,
            receiver=self._receiver,
            total=self.total,
            reason=self._reason,
        )
        self._untold = 0
