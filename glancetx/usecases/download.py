"""Bytes go out: record → stream."""

from __future__ import annotations

from attrs import frozen

from glancetx.errors import ImageDeactivated, ImageNotActive, NoSuchData
from glancetx.image import Image, Status
from glancetx.interfaces import IByteStream
from glancetx.shelf import Shelf


@frozen
class Downloads:
    """Opens the bytes of images for reading."""

    _shelf: Shelf

    def check(self, image: Image) -> None:
        """
        :raises ImageDeactivated: when its bytes were withdrawn, also for operators.
        :raises ImageNotActive: when it has no bytes to give.
        """
        if image.status is Status.DEACTIVATED:
            raise ImageDeactivated(image.image_id)
        if image.status is not Status.ACTIVE:
            raise ImageNotActive(image.image_id)

    async def open(self, image: Image, offset: int = 0, length: int | None = None) -> IByteStream:
        """
        The bytes of an active image from ``offset`` on, at most ``length`` of them.

        :raises NoSuchData: when the store has lost them.
        :raises StoreError: when the store cannot give them.
        """
        if not image.locations:
            raise NoSuchData(f"the data of image {image.image_id}")
        location = image.locations[0]
        store = self._shelf.holding(location).store
        return await store.open(location.key, offset, length)
