"""What an upload may take of its owner's quota, asked for bit by bit when its size is unknown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from attrs import define

from glancetx.errors import DeletedMeanwhile, StatusConflict
from glancetx.image import Status
from glancetx.interfaces import IByteStream, IRegistry
from glancetx.quota import Room
from glancetx.streams import chunks, from_chunks

MIB = 1 << 20

#: Bytes that are asked for at first, and at most in one further step.
FIRST_STEP = MIB
LARGEST_STEP = 256 * MIB


def first_room(quota: int, size: int | None, cap: int) -> Room:
    """What an upload of this size, or of an unknown one, asks for before it begins."""
    if size is not None:
        return Room(quota=quota, needed=size, wanted=size)
    return Room(quota=quota, needed=0, wanted=min(FIRST_STEP, cap))


@define
class Ration:
    """
    The bytes that an upload of unknown size may bring; more are asked for as they come.

    ``reserved`` is what the image has now, ``cap`` what no image may pass: bytes beyond that are
    not asked for, since whoever counts them refuses them anyway.
    """

    _registry: IRegistry
    _image_id: str
    _quota: int
    _cap: int
    _reserved: int

    def of(self, data: IByteStream) -> IByteStream:
        """
        The stream, which waits while more is asked for, and fails when there is no more.

        No byte passes that is not reserved.

        :raises QuotaExceeded: from its flow, when the quota is used up.
        :raises DeletedMeanwhile: from its flow, when the image was.
        """
        return from_chunks(self._pass(data), data.length)

    async def _pass(self, data: IByteStream) -> AsyncGenerator[bytes, None]:
        size = 0
        async with aclosing(chunks(data)) as source:
            async for chunk in source:
                size += len(chunk)
                if self._reserved < size <= self._cap:
                    await self._grow(size)
                yield chunk
                del chunk

    async def _grow(self, size: int) -> None:
        wanted = min(size + min(size, LARGEST_STEP), self._cap)
        room = Room(quota=self._quota, needed=size, wanted=wanted)
        try:
            image = await self._registry.reserve(self._image_id, room, Status.SAVING)
        except StatusConflict as conflict:
            if conflict.found.is_gone:
                raise DeletedMeanwhile(self._image_id) from None
            raise
        self._reserved = image.reserved
