"""Single byte ranges (RFC 9110 §14), so that a broken download can be resumed."""

from __future__ import annotations

import re

from attrs import frozen

from glancetx.errors import RangeOutside

#: Blanks are taken all or not at all: thousands of them could else be parted in millions of ways.
_SINGLE = re.compile(r"bytes\s*+=\s*+(\d{0,19})\s*+-\s*+(\d{0,19})", re.ASCII | re.IGNORECASE)


@frozen
class Span:
    """``length`` bytes from ``first`` on, of ``total``."""

    first: int
    length: int
    total: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.first + self.length - 1}/{self.total}"


def requested_span(
    header: str | None, total: int, *, if_range: str | None = None, etag: str | None = None
) -> Span | None:
    """
    The part of ``total`` bytes that a Range header asks for, or None for the whole.

    As the RFC allows, what is not one well-formed range of bytes is ignored, and so is a range
    whose If-Range is not the entity tag (with or without quotes: ours has none on the wire).

    :raises RangeOutside: when no byte of the range exists.
    """
    if header is None or not _still_matches(if_range, etag):
        return None
    match = _SINGLE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    start, end = match.groups()
    if not start:
        length = min(int(end), total)
        first = total - length
    else:
        first = int(start)
        if end and int(end) < first:
            return None
        length = (min(int(end) + 1, total) if end else total) - first
    if length <= 0:
        raise RangeOutside(total)
    return Span(first, length, total)


def _still_matches(if_range: str | None, etag: str | None) -> bool:
    return if_range is None or (etag is not None and if_range.strip().strip('"') == etag)
