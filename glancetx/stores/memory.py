"""The reference store: images in memory, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from zope.interface import implementer

from glancetx.errors import DataExists, NoSuchData, RangeOutside
from glancetx.interfaces import IByteStream, IStore
from glancetx.streams import chunks, from_chunks

#: How many bytes a reader is given at once.
READ_SIZE = 256 * 1024


@implementer(IStore)
class MemoryStore:
    """Keeps images until the process ends; the key is the image's id."""

    def __init__(self, reactor: object) -> None:
        self._images: dict[str, bytearray] = {}

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
        return image_id

    async def delete(self, key: str) -> None:
        if self._images.pop(key, None) is None:
            raise NoSuchData()

    async def discard(self, image_id: str) -> None:
        self._images.pop(image_id, None)


async def _slices(image: bytearray, start: int, end: int) -> AsyncGenerator[bytes, None]:
    for position in range(start, end, READ_SIZE):
        yield bytes(memoryview(image)[position : min(position + READ_SIZE, end)])
