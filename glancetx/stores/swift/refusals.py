"""What Swift says when it does not do what it was asked, as errors of ours."""

from __future__ import annotations

from twisted.logger import Logger

from glancetx.errors import StoreError, StoreForbids, StoreFull, StoreUnavailable
from glancetx.httpclient import PASSING

#: Statuses that say: try again. The last one is how Swift's own rate limit says it.
AGAIN = PASSING | {498}

_FORBIDDEN = frozenset({401, 403})

#: A quota is exceeded, or the disks are full.
_FULL = frozenset({413, 507})

_log = Logger()


def refusal(method: str, status: int, transaction: str | None = None) -> StoreError:
    """
    The error that says as much as this status.

    The log is told the transaction, by which Swift's operators find the request in their own logs,
    but not what was asked: there are ids in it that are nobody's business.
    """
    _log.warn(
        "Swift answers {method} with status {status} (transaction {transaction})",
        method=method,
        status=status,
        transaction=transaction or "unknown",
    )
    if status in _FORBIDDEN:
        return StoreForbids()
    return StoreFull() if status in _FULL else StoreUnavailable()
