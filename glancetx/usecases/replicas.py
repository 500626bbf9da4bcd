"""The locations of one image, one after the other, until its bytes are given."""

from __future__ import annotations

from twisted.logger import Logger

from glancetx.deferreds import stop_first
from glancetx.errors import GlanceError, NoSuchData, RangeOutside, StoreError, StoreFailed
from glancetx.image import Image, Location
from glancetx.interfaces import UNOBSERVED, IByteStream, Observer
from glancetx.shelf import Shelf
from glancetx.streams import leave
from glancetx.usecases.failover import FailoverStream

_log = Logger()


class Replicas:
    """
    Opens the locations of one image in their order, each of them once, for one download.

    Bytes of two locations are mixed only when they must be the same: when both are our own, where
    bytes are compared with the record as they come in and never change, and when each has as many
    as the record says.
    A foreign location, which a user may have named, may hold something else by now.
    It is opened when those before it cannot be, and what it gives is given alone.
    """

    def __init__(self, shelf: Shelf, image: Image, observer: Observer = UNOBSERVED) -> None:
        self._shelf = shelf
        self._image = image
        self._observer = observer
        self._left = list(image.locations)
        self._first_error: GlanceError | None = None

    async def open(self, offset: int, length: int | None) -> IByteStream:
        """
        The bytes from ``offset`` on, at most ``length`` of them.

        With one location left it is the stream of its store and nothing else.

        :raises NoSuchData: as the first location that was tried, or there never was one.
        :raises RangeOutside: likewise.
        :raises StoreError: likewise.
        """
        while self._left:
            location = self._left.pop(0)
            try:
                return await self._open(location, offset, length)
            except (NoSuchData, RangeOutside, StoreError) as error:
                self._note(location, error)
        raise self._first_error or NoSuchData(f"the data of image {self._image.image_id}")

    async def _open(self, location: Location, offset: int, length: int | None) -> IByteStream:
        shelved = self._shelf.holding(location)
        opened = await stop_first(shelved.store.open(location.key, offset, length))
        stream = self._observer.reading(shelved.name, opened)
        size = self._image.size
        # Only of what lies elsewhere nobody may have known the size.
        if shelved.is_foreign or not size or len(self._image.locations) == 1:
            return stream
        expected = max(0, size - offset if length is None else min(length, size - offset))
        if stream.length != expected:
            await leave(stream)
            raise StoreFailed("The store has another number of bytes than the image")
        self._left = [each for each in self._left if self._is_ours(each)]
        if not self._left:
            return stream

        async def go_on(given: int, error: GlanceError) -> IByteStream:
            self._note(location, error)
            return await self.open(offset + given, expected - given)

        return FailoverStream(stream, expected, go_on)

    def _is_ours(self, location: Location) -> bool:
        """Whether it is in a store that is here, and that keeps what was verified."""
        try:
            return not self._shelf.holding(location).is_foreign
        except StoreError:
            return False

    def _note(self, location: Location, error: GlanceError) -> None:
        if self._first_error is None:
            self._first_error = error
        if len(self._image.locations) > 1:
            _log.warn(
                "the store {store} cannot give image {image_id}: {error}",
                store=location.store,
                image_id=self._image.image_id,
                error=error,
            )
