"""Parts of what lies at a source: how to ask for them, what was given, and of which version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from attrs import frozen

from glancetx.errors import RangeOutside, RemoteBroken, RemoteRefused
from glancetx.httpclient.answer import Answer

#: A change within so many seconds of a Last-Modified may not show in it.
_COARSE = 60

_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,19})-(\d{1,19})|\*)/(\d{1,19}|\*)", re.ASCII)


def range_header(first: int, end: int | None) -> str:
    """A Range for the bytes from ``first`` up to but not including ``end``."""
    return f"bytes={first}-{'' if end is None else end - 1}"


@frozen
class Asked:
    """The bytes that somebody wants: from ``offset`` on, at most ``length``."""

    offset: int = 0
    length: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """What to send. No range is empty: for no bytes at all the first one is asked for."""
        if self.length is None:
            return {"Range": range_header(self.offset, None)} if self.offset else {}
        return {"Range": range_header(self.offset, self.offset + max(self.length, 1))}

    def end_within(self, size: int | None) -> int | None:
        """Where it ends in something of a size, or None when nobody knows."""
        if self.length is None:
            return size
        end = self.offset + self.length
        return end if size is None else min(end, size)


@frozen
class Given:
    """
    The bytes that an answer brings: from ``first`` up to but not including ``stop``.

    ``size`` is that of the whole; both are None when not told.
    ``may_resume`` says that the source knows ranges.
    """

    first: int
    stop: int | None
    size: int | None
    may_resume: bool


@frozen
class ContentRange:
    """What a Content-Range says; ``first`` is None in a refusal, ``size`` None when not told."""

    first: int | None
    last: int | None
    size: int | None


def content_range(answer: Answer) -> ContentRange | None:
    """The Content-Range of an answer, or None when it has none that makes sense."""
    match = _CONTENT_RANGE.fullmatch(answer.header("Content-Range") or "")
    if match is None:
        return None
    first, last, size = (int(part) if part and part != "*" else None for part in match.groups())
    if first is not None and last is not None:
        if last < first or (size is not None and last >= size):
            return None
        if answer.length not in (None, last - first + 1):
            return None
    return ContentRange(first, last, size)


def given_by(answer: Answer, asked: Asked) -> Given:
    """
    What an answer gives to somebody who asked for this.

    :raises RangeOutside: when the offset is beyond the end.
    :raises RemoteBroken: when it gives other bytes than those asked for.
    :raises RemoteRefused: when it gives none.
    """
    if answer.status == 200:
        if answer.length is not None and asked.offset > answer.length:
            raise RangeOutside(answer.length)
        return Given(0, answer.length, answer.length, answer.header("Accept-Ranges") == "bytes")
    if answer.status not in (206, 416) or not asked.headers:
        raise RemoteRefused(answer.status)
    part = content_range(answer)
    if part is None:
        raise RemoteBroken()
    if answer.status == 416:
        check_end(asked.offset, part.size)
        return Given(asked.offset, asked.offset, part.size, may_resume=False)
    if part.first != asked.offset or part.last is None:
        raise RemoteBroken()
    stop = part.last + 1
    wanted = asked.end_within(part.size)
    if asked.length != 0 and wanted is not None:
        if stop > wanted or (stop < wanted and part.size is not None):
            raise RemoteBroken()
    return Given(asked.offset, stop, part.size, may_resume=True)


def check_end(offset: int, size: int | None) -> None:
    """
    See that a server was right to give nothing of something of this size.

    :raises RangeOutside: when the offset is beyond the end, and not just there.
    :raises RemoteBroken: when there are bytes to give, or nobody tells.
    """
    if size is None or size > offset:
        raise RemoteBroken()
    if size < offset:
        raise RangeOutside(size)


@frozen
class Version:
    """One version of what lies at a source: its validator and its size in bytes."""

    validator: tuple[str, str]
    size: int

    def is_of(self, answer: Answer) -> bool:
        """Whether an answer says that it is of this version."""
        name, value = self.validator
        return answer.header(name) == value


def version_of(answer: Answer, size: int | None) -> Version | None:
    """The version that an answer is of, or None when one could not tell it from another."""
    if size is None:
        return None
    tag = answer.header("ETag")
    if tag is not None and tag.startswith('"'):
        return Version(("ETag", tag), size)
    modified, now = answer.header("Last-Modified"), answer.header("Date")
    if modified is None or now is None:
        return None
    try:
        age = parsedate_to_datetime(now) - parsedate_to_datetime(modified)
    except (TypeError, ValueError):
        return None
    return Version(("Last-Modified", modified), size) if age.total_seconds() >= _COARSE else None
