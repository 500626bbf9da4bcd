"""What is asked of a server, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import field, frozen

from glancetx.httpclient import Pieces
from glancetx.stores.s3.signature import EMPTY_PAYLOAD


@frozen
class Request:
    """
    Something to ask, which may be asked again.

    ``name`` is that of an object, or None for the bucket; ``payload`` as for `signed_headers`.
    ``accept`` are the statuses that are answers; all others are refusals.
    ``to_the_end`` says that a try, once begun, is not broken off: what came of it must be known.
    """

    method: str
    name: str | None = None
    query: Mapping[str, str] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    content: Pieces | None = None
    payload: str = EMPTY_PAYLOAD
    accept: Collection[int] = (200, 204)
    to_the_end: bool = False


@frozen
class Reply:
    """
    An answer that was read to its end.

    ``length`` is as announced, also after HEAD.
    ``was_repeated`` says that others went before it, of which nobody knows what they have done.
    """

    status: int
    headers: Callable[[str], str | None]
    length: int | None
    document: bytes
    was_repeated: bool = False

    @property
    def modified(self) -> datetime | None:
        """When what was asked for was last changed, if that was told."""
        try:
            return parsedate_to_datetime(self.headers("Last-Modified") or "").astimezone(UTC)
        except (TypeError, ValueError):
            return None
