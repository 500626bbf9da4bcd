"""What was asked for makes no sense, or is more than a limit allows."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class BadRequest(GlanceError):
    """The sentence says what to send instead."""


class BadMetadata(BadRequest):
    """An attribute or property is not acceptable."""


class PromiseBroken(BadRequest):
    """The bytes are not those that were announced."""


class RangeOutside(BadRequest):
    """A read begins after the last byte. ``size`` is where the data ends, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The requested range begins after the last of {size} bytes.")
        self.size = size


class NoSuchStore(BadRequest):
    def __init__(self, name: str) -> None:
        super().__init__(f"Store for scheme {name} not found")
        self.name = name


class TooLarge(GlanceError):
    """More than a limit allows; the sentence names the limit."""


class TooManyMembers(TooLarge):
    def __init__(self, attempted: int, maximum: int) -> None:
        super().__init__(
            "The limit has been exceeded on the number of allowed image members. "
            f"Attempted: {attempted}, Maximum: {maximum}"
        )
        self.attempted = attempted
        self.maximum = maximum


class TooManyImages(TooLarge):
    """The owner has as many images as he may have."""

    def __init__(self, maximum: int) -> None:
        super().__init__(
            "The limit has been exceeded on the number of allowed images. "
            f"Attempted: {maximum + 1}, Maximum: {maximum}"
        )
        self.maximum = maximum


class QuotaExceeded(TooLarge):
    """The owner's images would take more bytes than they may."""

    def __init__(self) -> None:
        super().__init__("Denying attempt to upload image because it exceeds the quota.")
