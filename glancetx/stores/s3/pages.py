"""Documents of answers, and lists that come page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.stores.s3.documents import BadDocument
from glancetx.stores.s3.requests import Reply

T = TypeVar("T")

_log = Logger()


def next_marker(
    marker: Mapping[str, str] | None, last: Mapping[str, str]
) -> Mapping[str, str] | None:
    """
    What to ask with for the next page of a list.

    :raises StoreUnavailable: when it would be the same page again, for ever.
    """
    if marker == last:
        _log.error("A server of S3 gave a list that does not end")
        raise StoreUnavailable()
    return marker


def read_reply(reader: Callable[[bytes], T], reply: Reply) -> T:
    try:
        return reader(reply.document)
    except BadDocument as error:
        _log.error("A server of S3 gave a document that makes no sense: {error}", error=error)
    raise StoreUnavailable()
