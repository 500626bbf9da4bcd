"""Why the bytes of an image did not come, for those who wait for them."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from glancetx.errors import BodyCutShort, GlanceError


def reason_of(error: BaseException) -> str:
    """What owner and operators are told about a failed transfer."""
    if isinstance(error, CancelledError):
        return str(BodyCutShort())
    if isinstance(error, GlanceError):
        return str(error)
    return "Internal error"


def is_by_client(error: BaseException) -> bool:
    """Whether the client left, which is nobody's failure."""
    return isinstance(error, CancelledError | BodyCutShort)
