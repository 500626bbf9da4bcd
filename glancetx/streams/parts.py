"""Streams in parts: for stores that keep an image in pieces, each of which is sent as a whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from attrs import frozen

from glancetx.interfaces import IByteStream
from glancetx.streams.chunks import chunks


@frozen
class Part:
    """
    One part of a stream, in memory.

    ``number`` counts from 1; ``size`` is that of all ``pieces`` together, in bytes.
    ``is_last`` says that the stream has ended well: there is no part after this one.
    """

    number: int
    pieces: Sequence[bytes]
    size: int
    is_last: bool


async def parts(stream: IByteStream, length_of: Callable[[int], int]) -> AsyncGenerator[Part, None]:
    """
    The stream's bytes in parts; the n-th has ``length_of(n)`` bytes, unless it is the last.

    There is always a last part; of a stream without bytes it is the only one, and empty.
    A part comes when the first byte after it is here, or the end: so that who gets the last one
    knows that nothing has broken.

    While the caller works on a part the source is paused: in memory are the part and at most two
    more chunks of the source.
    The pieces are let go when the next part is asked for, whoever still holds the `Part`.
    Use ``contextlib.aclosing``, as with `chunks`.
    """
    number, held, size = 1, list[bytes](), 0
    async with aclosing(chunks(stream)) as incoming:
        async for chunk in incoming:
            while chunk:
                if size == length_of(number):
                    yield Part(number, held, size, is_last=False)
                    held.clear()
                    number, held, size = number + 1, [], 0
                piece = chunk[: length_of(number) - size]
                chunk = chunk[len(piece) :]
                held.append(piece)
                size += len(piece)
    yield Part(number, held, size, is_last=True)
    held.clear()
