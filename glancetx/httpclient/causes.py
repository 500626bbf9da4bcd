"""What the log is told of a request that failed."""

from __future__ import annotations

from OpenSSL.SSL import Error as TlsError
from service_identity import VerificationError
from twisted.python.failure import Failure


def cause_of(error: BaseException) -> BaseException:
    """What is behind an error that tells of others, as those of an Agent do."""
    reasons: list[Failure] = getattr(error, "reasons", None) or []
    cause = reasons[0].value if reasons else None
    return error if cause is None else cause_of(cause)


def is_about_tls(cause: BaseException) -> bool:
    """Whether the two sides could not agree on whom they speak to."""
    return isinstance(cause, (TlsError, VerificationError))


def told(cause: BaseException) -> str:
    """
    Its name only, for what an error says may hold the request.

    What TLS says is told too: it is needed to put it right, and holds no secrets.
    """
    name = type(cause).__name__
    return f"{name}: {cause}" if is_about_tls(cause) else name
