"""What came back over a connection, taken apart as strictly as a client can."""

from __future__ import annotations

import re
from collections.abc import Sequence

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [ -~]*")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\x00-\x08\x0a-\x1f\x7f]*")


class Malformed(Exception):
    """It is not what a server may answer; the text tells what."""


def read_answers(data: bytes, methods: Sequence[bytes]) -> list[int]:
    """
    The statuses of all answers, those of 1xx left out; the last one may lack a part of its body.

    ``methods`` are those of the requests, in order: an answer to HEAD has no body.

    :raises Malformed: when something else is there.
    """
    statuses: list[int] = []
    while data:
        text, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            raise Malformed(f"a head without an end: {data[:300]!r}")
        status, fields = _head(text)
        if status < 200:
            data = rest
            continue
        method = methods[len(statuses)] if len(statuses) < len(methods) else b""
        statuses.append(status)
        if method == b"HEAD" or status in (204, 304):
            data = rest
        else:
            data = _behind(fields, rest)
    return statuses


def _head(text: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = text.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise Malformed(f"no status line: {first[:300]!r}")
    for line in lines:
        if _FIELD.fullmatch(line) is None:
            raise Malformed(f"no field: {line[:300]!r}")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)}
    return int(match[1]), fields


def _behind(fields: dict[bytes, bytes], rest: bytes) -> bytes:
    if b"content-length" in fields:
        return rest[int(fields[b"content-length"]) :]
    if fields.get(b"transfer-encoding") != b"chunked":
        return b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        rest = rest[int(size, 16) + 2 :]
        if int(size, 16) == 0:
            return rest
    return b""
