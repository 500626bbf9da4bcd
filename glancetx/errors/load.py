"""More is asked at once than can be answered; later it may be."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class Overloaded(GlanceError):
    """So much is under way that nothing more is begun; nothing has happened."""

    def __init__(self) -> None:
        super().__init__("The server has too much to do at the moment. Try again later.")


class TooManyRequests(GlanceError):
    """Somebody asks more often than he may; ``retry_after`` seconds later he may ask once more."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after
