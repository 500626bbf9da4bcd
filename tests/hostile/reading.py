"""
How many requests a strict server may see in bytes: RFC 9112, read once more and on its own.

Whatever could be read in more than one way ends the connection, so that everything behind it is
nobody's request.
"""

from __future__ import annotations

import re

from attrs import frozen

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-\xff]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00\r\n]*)")
_LENGTH = re.compile(rb"[0-9]{1,19}")
#: Zeros in front change nothing; more digits than that are more than anybody ever sends.
_CHUNK = re.compile(rb"(0*[0-9A-Fa-f]{1,16})[ \t]*(;[^\x00\r\n]*)?\r\n")


@frozen
class Requests:
    """
    Whole requests, the last of which may lack a part of its body, as method and target.

    ``is_clean`` says that nothing but whole requests is there, or nothing that counts: after a
    request that ends its connection nothing does.
    """

    seen: tuple[tuple[bytes, bytes], ...]
    is_clean: bool

    @property
    def most_answers(self) -> int:
        """One for each, and one that refuses what is behind them."""
        return len(self.seen) + (not self.is_clean)


def read_requests(data: bytes) -> Requests:
    """What is in the bytes of one connection."""
    seen: list[tuple[bytes, bytes]] = []
    while data := data.removeprefix(b"\r\n"):
        first, fields, rest = _head(data)
        if first is None:
            return Requests(tuple(seen), False)
        seen.append(first[:2])
        if _is_last(first[2], fields):
            return Requests(tuple(seen), True)
        behind = _behind_body(fields, rest)
        if behind is None:
            return Requests(tuple(seen), False)
        data = behind
    return Requests(tuple(seen), True)


def _is_last(minor_version: bytes, fields: list[tuple[bytes, bytes]]) -> bool:
    options = b",".join(value for name, value in fields if name == b"connection")
    is_closing = b"close" in (option.strip(b" \t").lower() for option in options.split(b","))
    return is_closing or minor_version == b"0"


def _head(
    data: bytes,
) -> tuple[tuple[bytes, bytes, bytes] | None, list[tuple[bytes, bytes]], bytes]:
    """Method, target and version, fields, and what is behind; no method when it is no head."""
    text, end, rest = data.partition(b"\r\n\r\n")
    first, *lines = text.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if not end or match is None or not all(fields):
        return None, [], b""
    found = [(f[1].lower(), f[2].strip(b" \t")) for f in fields if f is not None]
    if not _has_one_framing(found):
        return None, [], b""
    return (match[1], match[2], match[3]), found, rest


def _has_one_framing(fields: list[tuple[bytes, bytes]]) -> bool:
    framing = [(n, v) for n, v in fields if n in (b"content-length", b"transfer-encoding")]
    if not framing:
        return True
    (name, value), *others = framing
    if name == b"content-length":
        return not others and _LENGTH.fullmatch(value) is not None
    return not others and value.lower() in (b"chunked", b"identity")


def _behind_body(fields: list[tuple[bytes, bytes]], rest: bytes) -> bytes | None:
    """What is behind the body, or None when that does not end, or ends in doubt."""
    framing = dict(fields)
    if framing.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _behind_chunks(rest)
    length = int(framing.get(b"content-length", b"0"))
    return rest[length:] if length <= len(rest) else None


def _behind_chunks(rest: bytes) -> bytes | None:
    while match := _CHUNK.match(rest):
        size = int(match[1], 16)
        rest = rest[match.end() :]
        if size == 0:
            return _behind_trailers(rest)
        if len(rest) < size + 2 or rest[size : size + 2] != b"\r\n":
            return None
        rest = rest[size + 2 :]
    return None


def _behind_trailers(rest: bytes) -> bytes | None:
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end or (line and _FIELD.fullmatch(line) is None):
            return None
        if not line:
            return rest
