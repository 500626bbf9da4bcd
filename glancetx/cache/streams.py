"""The bytes of an image, from a finished copy or from one that is being made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from glancetx.cache.flight import CopyLost, Flight
from glancetx.errors import StoreUnavailable
from glancetx.files import Descriptor
from glancetx.interfaces import IByteStream, Source
from glancetx.streams import chunks, from_chunks

#: How many bytes are read at once.
READ_SIZE = 256 * 1024

#: Reads at most so many bytes of a file from a position on, in a thread; None when it cannot.
Read = Callable[[Descriptor, int, int], Awaitable[bytes | None]]


@implementer(IByteStream)
class KeptStream:
    """
    The bytes of a finished copy: those of ``file`` from ``start`` to ``end``.

    Whoever gives them in another way than `flow_to` calls `given` when all of them are given.
    ``failed`` is called when the file turns out not to have them.
    """

    def __init__(
        self,
        file: Descriptor,
        start: int,
        end: int,
        read: Read,
        given: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self.file = file
        self.start = start
        self.end = end
        self.length = end - start
        self.given = given
        self._read = read
        self._failed = failed

    async def flow_to(self, consumer: IConsumer) -> None:
        await from_chunks(self._bytes(), self.length).flow_to(consumer)
        self.given()

    async def _bytes(self) -> AsyncGenerator[bytes, None]:
        position = self.start
        while position < self.end:
            chunk = await self._read(self.file, min(READ_SIZE, self.end - position), position)
            if not chunk:
                self._failed()
                raise StoreUnavailable()
            position += len(chunk)
            yield chunk


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
