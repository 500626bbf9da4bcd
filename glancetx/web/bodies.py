"""Small bodies, read whole and understood as JSON."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any, NoReturn

from glancetx.errors import BadRequest, TooLarge
from glancetx.interfaces import IByteStream
from glancetx.streams import chunks

#: Bytes that a body may have, unless it is an image.
LARGEST_BODY = 64 * 1024

#: Arrays and objects that a document may have within each other.
DEEPEST = 32


async def read_body(stream: IByteStream, limit: int = LARGEST_BODY) -> bytes:
    """
    All bytes of a stream that has few.

    :raises TooLarge: when there are more; one that says so beforehand is not read at all.
    :raises StreamError: when it breaks.
    """
    if stream.length is not None and stream.length > limit:
        raise _too_large(limit)
    body = bytearray()
    async with aclosing(chunks(stream)) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > limit:
                raise _too_large(limit)
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """
    The value that a JSON document in UTF-8 stands for.

    :raises BadRequest: when it is none, or is nested too deeply.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_such_number)
    except (ValueError, RecursionError):
        raise BadRequest("Malformed JSON in request body.") from None
    if not _is_shallow(value, DEEPEST):
        raise BadRequest("Malformed JSON in request body: it is nested too deeply.")
    return value


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body is larger than {limit} bytes.")


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_shallow(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_is_shallow(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_is_shallow(each, levels - 1) for each in value)
    return True
