"""
Sources elsewhere, named by users.

Forbidden, closed and silent ones read the same, so that nobody learns about a network by naming
its addresses.
"""

from __future__ import annotations

from glancetx.errors.missing import NotFound
from glancetx.errors.requests import BadRequest
from glancetx.errors.stores import StoreError, StoreUnavailable


class SourceNotSupported(BadRequest):
    """The scheme of a location is not one that users may name."""

    def __init__(self) -> None:
        super().__init__("External sources are not supported")


class InvalidLocation(BadRequest):
    """It is malformed, not allowed, or cannot be reached: all by one sentence."""

    def __init__(self) -> None:
        super().__init__("Invalid location: The HTTP URL is invalid")


class SourceNotFound(NotFound):
    """The remote server knows nothing at this location."""

    def __init__(self) -> None:
        super().__init__("HTTP datastore could not find image at URI")


class SourceRefused(BadRequest):
    """The remote server answered a probe, but not with an image; ``status`` is what it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP URL returned a {status} status code")
        self.status = status


class RemoteUnavailable(StoreUnavailable):
    """The server that has an image cannot be reached, or is none that we would ask."""

    def __init__(self) -> None:
        StoreError.__init__(self, "Remote server where the image is present is unavailable")


class RemoteRefused(StoreError):
    """The server that has an image answered otherwise; ``status`` is what it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The remote server returned a {status} status code")
        self.status = status


class RemoteBroken(StoreError):
    """The server that has an image broke off, or gave other bytes than it had announced."""

    def __init__(self) -> None:
        super().__init__("The remote server did not give the image as announced")


class RemoteChanged(StoreError):
    """The image is another one than when the first of its bytes were read."""

    def __init__(self) -> None:
        super().__init__("The image has changed on the remote server while it was read")
