"""One stream as several, poured one after the other, with next to nothing held in between."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from twisted.internet.defer import Deferred, DeferredLock

from glancetx.deferreds import as_deferred, finish_first
from glancetx.errors import BodyCutShort, ConsumerGone, StreamError
from glancetx.interfaces import IByteStream
from glancetx.streams.chunks import chunks, from_chunks, next_chunk


class Segments:
    """
    Parts a stream at sizes that are chosen on the way.

    ::

        async with aclosing(Segments(stream)) as segments:
            while await segments.has_more():
                await keep(segments.next(size))

    What is held is one chunk: the one that goes across a border, or the first of a segment.
    What breaks the source breaks the segment that is being poured, and whatever else ends a segment
    early ends the source too.
    """

    def __init__(self, stream: IByteStream) -> None:
        self._incoming = chunks(stream)
        #: Bytes that were announced and are still to be given.
        self._left = stream.length
        self._chunk = b""
        self._has_ended = False
        self._is_broken = False
        self._turn = DeferredLock()
        self._fetching: Deferred[bytes | None] | None = None

    async def has_more(self) -> bool:
        """
        Whether another byte comes, which is waited for.

        :raises ConsumerGone: when a segment was left before its end, so that bytes are lost.
        :raises BodyCutShort: when fewer came than the stream had announced; StreamError when more.
        """
        while not self._is_broken and not self._has_ended and not self._chunk:
            chunk = await self._fetch()
            self._has_ended = chunk is None
            self._chunk = chunk or b""
        if self._is_broken:
            raise ConsumerGone()
        self._check_announced()
        return bool(self._chunk)

    def next(self, size: int) -> IByteStream:
        """
        The next ``size`` bytes, or what is left of them when the stream ends before.

        Its length is known when that of the whole is.
        One segment is poured before the next.
        """
        length = None if self._left is None else min(size, self._left)
        return from_chunks(self._take(size if length is None else length), length)

    async def aclose(self) -> None:
        """Stop a source that has not ended, and with it the segment that is being poured."""
        self._is_broken = True
        if self._fetching is not None:
            self._fetching.cancel()
        async with self._turn:
            await finish_first(self._incoming.aclose())

    async def _take(self, size: int) -> AsyncGenerator[bytes, None]:
        is_left = True
        try:
            while size and await self.has_more():
                chunk, self._chunk = self._chunk[:size], self._chunk[size:]
                size -= len(chunk)
                if self._left is not None:
                    self._left -= len(chunk)
                # Whoever has all of it may say so before he asks whether there is more.
                is_left = size > 0
                yield chunk
            is_left = False
        finally:
            self._is_broken = self._is_broken or is_left

    async def _fetch(self) -> bytes | None:
        # Whoever closes us waits until the source has come to rest.
        async with self._turn:
            self._fetching = as_deferred(next_chunk(self._incoming))
            try:
                return await self._fetching
            except BaseException:
                self._is_broken = True
                raise
            finally:
                self._fetching = None

    def _check_announced(self) -> None:
        if self._left is None:
            return
        if self._has_ended and len(self._chunk) < self._left:
            raise BodyCutShort()
        if len(self._chunk) > self._left:
            raise StreamError("The source gave more than it had announced")
