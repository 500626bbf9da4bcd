"""Bytes go out: record → stream."""

from __future__ import annotations

from contextlib import suppress

from attrs import frozen

from glancetx.errors import (
    BadRequest,
    ImageDeactivated,
    ImageNotActive,
    NotFound,
    StoreUnavailable,
)
from glancetx.image import Image, Location, Status
from glancetx.interfaces import UNOBSERVED, IByteStream, IForeignStore, Observer
from glancetx.shelf import Shelf
from glancetx.usecases.replicas import Replicas


@frozen
class Downloads:
    """Opens the bytes of images for reading."""

    _shelf: Shelf
    _observer: Observer = UNOBSERVED

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
        """Whether some of its bytes lie where a user said, and others may change them."""
        return any(self._foreign(each) is not None for each in image.locations)

    async def size_now(self, image: Image) -> int:
        """
        How many bytes it has now, if they lie elsewhere and the source tells, or else by record.

        What is wrong with a source is told by `open`.
        """
        for location in image.locations:
            store = self._foreign(location)
            if store is None:
                break
            with suppress(BadRequest, NotFound):
                return await store.probe(location.key) or image.size
        return image.size

    async def open(self, image: Image, offset: int = 0, length: int | None = None) -> IByteStream:
        """
        The bytes of an active image from ``offset`` on, at most ``length`` of them.

        They come from the first of its locations that can give them, and when that breaks, from
        the next; see `Replicas`.

        :raises NoSuchData: when the store has lost them.
        :raises RangeOutside: when ``offset`` is beyond the end.
        :raises StoreError: when the store cannot give them.
        """
        return await Replicas(self._shelf, image, self._observer).open(offset, length)

    def _foreign(self, location: Location) -> IForeignStore | None:
        """The store that reads a location which a user named, if it is one and the store here."""
        try:
            return self._shelf.holding(location).foreign
        except StoreUnavailable:
            return None
