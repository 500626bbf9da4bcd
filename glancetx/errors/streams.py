"""Bytes on the move did not arrive."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class StreamError(GlanceError):
    """Bytes on the move did not arrive."""


class BodyCutShort(StreamError):
    """The source ended before it had given all it owed."""

    def __init__(self) -> None:
        super().__init__("Client disconnected before sending all data to backend")


class ConsumerGone(StreamError):
    """Whoever took the bytes wants no more of them."""

    def __init__(self) -> None:
        super().__init__("The consumer went away")


class CannotRead(StreamError):
    """A file has fewer bytes than it had when it was opened, or its medium fails."""
