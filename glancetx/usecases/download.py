"""Bytes go out: record → stream."""

from __future__ import annotations

from contextlib import suppress

from attrs import frozen

from glancetx.errors import BadRequest, ImageDeactivated, ImageNotActive, NoSuchData, NotFound
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

    def is_elsewhere(self, image: Image) -> bool:
        """Whether its bytes lie where a user said, and others may change them."""
        return any(self._shelf.holding(each).foreign is not None for each in image.locations)

    async def size_now(self, image: Image) -> int:
        """
        How many bytes it has now, if they lie elsewhere and the source tells, or else by record.

        What is wrong with a source is told by `open`.
        """
        for location in image.locations:
            store = self._shelf.holding(location).foreign
            if store is not None:
                with suppress(BadRequest, NotFound):
                    return await store.probe(location.key) or image.size
        return image.size

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
