"""The bytes of an image, from a finished copy or from one that is being made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from glancetx.cache.flight import CopyLost, Flight
from glancetx.errors import CannotRead, StoreUnavailable
from glancetx.files import Descriptor
from glancetx.interfaces import IByteStream, Source
from glancetx.streams import chunks, from_chunks
from glancetx.streams.span import FileSpan, Run

#: How many bytes are read at once.
READ_SIZE = 256 * 1024

#: Reads at most so many bytes of a file from a position on, in a thread; None when it cannot.
Read = Callable[[Descriptor, int, int], Awaitable[bytes | None]]


class KeptStream(FileSpan):
    """
    The bytes of a finished copy, a part of its file.

    ``given`` is called when all of them are given, and ``failed`` when the file turns out not to
    have them.
    """

    def __init__(
        self,
        file: Descriptor,
        start: int,
        length: int,
        run: Run,
        given: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        super().__init__(file, start, length, run)
        self._given = given
        self._failed = failed

    async def flow_to(self, consumer: IConsumer) -> None:
        try:
            await super().flow_to(consumer)
        except StoreUnavailable:
            self._failed()
            raise
        self._given()

    def close(self, sent: int, error: BaseException | None = None) -> None:
        super().close(sent, error)
        if error is None:
            self._given()
        elif isinstance(error, CannotRead):
            self._failed()


@implementer(IByteStream)
class FollowingStream:
    """
    The whole image, from a copy that is being made, at the pace of the consumer.

    It counts as one that follows the flight from its making until it has been poured.
    When the copy is lost it goes on from the source.
    """

    def __init__(self, flight: Flight, source: Source, read: Read) -> None:
        self.length = flight.original.size
        self._flight = flight
        self._source = source
        self._read = read
        flight.join()

    async def flow_to(self, consumer: IConsumer) -> None:
        try:
            await from_chunks(self._bytes(), self.length).flow_to(consumer)
        finally:
            self._flight.leave()

    async def _bytes(self) -> AsyncGenerator[bytes, None]:
        position = 0
        while position < self.length:
            try:
                chunk = await self._follow(position)
            except CopyLost:
                break
            position += len(chunk)
            yield chunk
        if position < self.length:
            rest = await self._source(position, None)
            async with aclosing(chunks(rest)) as incoming:
                async for chunk in incoming:
                    yield chunk

    async def _follow(self, position: int) -> bytes:
        file, readable = await self._flight.until_more(position)
        chunk = await self._read(file, min(READ_SIZE, readable - position), position)
        if not chunk:
            raise CopyLost()
        return chunk
