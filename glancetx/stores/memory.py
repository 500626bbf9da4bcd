"""The reference store: images in memory, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from time import time

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from glancetx.clocks import time_of_day
from glancetx.errors import DataExists, NoSuchData, RangeOutside
from glancetx.holding import Holding
from glancetx.interfaces import IByteStream, IListedStore
from glancetx.streams import chunks, from_chunks

#: How many bytes a reader is given at once.
READ_SIZE = 256 * 1024


@implementer(IListedStore)
class MemoryStore:
    """
    Keeps images until the process ends; the key is the image's id.

    Without a reactor it takes the time from the system.
    """

    def __init__(self, reactor: IReactorTime | None) -> None:
        self._now = time if reactor is None else partial(time_of_day, reactor)
        self._images: dict[str, bytearray] = {}
        #: When each of them was complete, in seconds since 1970.
        self._moments: dict[str, float] = {}

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        image = self._images.get(key)
        if image is None:
            raise NoSuchData()
        if offset > len(image):
            raise RangeOutside(len(image))
        end = len(image) if length is None else min(offset + length, len(image))
        return from_chunks(_slices(image, offset, end), end - offset)

    async def add(self, image_id: str, data: IByteStream) -> str:
        if image_id in self._images:
            raise DataExists(image_id)
        image = bytearray()
        async with aclosing(chunks(data)) as incoming:
            async for chunk in incoming:
                image += chunk
        # Another add of the same image may have been quicker; setdefault lets only one win.
        if self._images.setdefault(image_id, image) is not image:
            raise DataExists(image_id)
        self._moments[image_id] = self._now()
        return image_id

    async def delete(self, key: str) -> None:
        if self._images.pop(key, None) is None:
            raise NoSuchData()
        self._moments.pop(key, None)

    async def discard(self, image_id: str) -> None:
        self._images.pop(image_id, None)
        self._moments.pop(image_id, None)

    async def listing(self) -> AsyncGenerator[Holding, None]:
        for key in list(self._images):
            holding = await self.look_up(key)
            if holding is not None:
                yield holding

    async def look_up(self, key: str) -> Holding | None:
        image = self._images.get(key)
        if image is None:
            return None
        moment = datetime.fromtimestamp(self._moments.get(key, 0.0), UTC)
        return Holding(key=key, image_id=key, size=len(image), changed_at=moment)

    async def drop_unfinished(self, key: str) -> None:
        # What is coming in lies in nobody's sight.
        raise NoSuchData()

    async def free_space(self) -> int | None:
        return None


async def _slices(image: bytearray, start: int, end: int) -> AsyncGenerator[bytes, None]:
    for position in range(start, end, READ_SIZE):
        yield bytes(memoryview(image)[position : min(position + READ_SIZE, end)])
