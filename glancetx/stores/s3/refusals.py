"""What a server says instead of doing what it was asked for, and what that means to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from glancetx.errors import (
    NoSuchData,
    StoreError,
    StoreForbids,
    StoreFull,
    StoreUnavailable,
)
from glancetx.httpclient import PASSING

#: Codes with statuses that do not say so by themselves, after which one asks again.
_PASSING_CODES = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)

_FORBIDDEN_CODES = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)

_FULL_CODES = frozenset(
    {"EntityTooLarge", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"}
)

#: Codes of credentials that were good and are so no more.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken"})

NO_BUCKET = "NoSuchBucket"
NO_CONDITIONS = "NotImplemented"


@frozen
class Refusal:
    """
    An answer that is no success.

    ``code`` is S3's own, or empty where there was no document, as after HEAD; ``request_id`` is
    the name by which the server's operator finds it.
    """

    status: int
    code: str = ""
    request_id: str = ""

    @property
    def is_passing(self) -> bool:
        """Whether the same may succeed in a moment."""
        return self.status in PASSING or self.code in _PASSING_CODES

    @property
    def error(self) -> StoreError | NoSuchData:
        """The error of ours that says as much."""
        if self.code in _FULL_CODES or self.status in (413, 507):
            return StoreFull()
        if self.code in _FORBIDDEN_CODES or self.status in (401, 403):
            return StoreForbids()
        if self.status == 404 and self.code != NO_BUCKET:
            return NoSuchData()
        return StoreUnavailable()


class Refused(Exception):
    """A server refused something; only the modules beside this one meet it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.code}")
        self.refusal = refusal


@contextmanager
def as_ours() -> Iterator[None]:
    """Within it, what a server refuses is raised as the error of ours that says as much."""
    try:
        yield
        return
    except Refused as refused:
        error = refused.refusal.error
    # After the except clause, so that no traceback tells more.
    raise error
