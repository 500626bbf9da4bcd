"""Downloads with a cache in front of them, and deletions that do not leave a copy behind."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Protocol

from attrs import frozen
from twisted.logger import Logger

from glancetx.access import Caller
from glancetx.copies import Original, original_of
from glancetx.deferreds import finish_first
from glancetx.errors import CacheUnavailable
from glancetx.image import Image
from glancetx.interfaces import IByteStream, IImageCache, Source


class Downloading(Protocol):
    """What `glancetx.usecases.download.Downloads` does, whatever stands in front of it."""

    def check(self, image: Image) -> None: ...
    def is_elsewhere(self, image: Image) -> bool: ...
    def size_now(self, image: Image) -> Awaitable[int]: ...
    def open(
        self, image: Image, offset: int = 0, length: int | None = None
    ) -> Awaitable[IByteStream]: ...


class Deleting(Protocol):
    """What `glancetx.usecases.delete.Deletions` does for clients."""

    def delete(self, caller: Caller, image_id: str) -> Awaitable[None]: ...


@frozen
class CachedDownloads:
    """
    Opens the bytes of images for reading, from their copies where there are any.

    It is asked when everything else about a download has been decided.
    Images all of whose bytes lie in stores of ``bypassed`` names are read from there each time,
    and so are those whose copies could not be judged, or are larger than the cache.
    """

    _downloads: Downloading
    _cache: IImageCache
    _bypassed: Collection[str] = ()

    def check(self, image: Image) -> None:
        """As `Downloads.check`."""
        self._downloads.check(image)

    def is_elsewhere(self, image: Image) -> bool:
        """As `Downloads.is_elsewhere`."""
        return self._downloads.is_elsewhere(image)

    async def size_now(self, image: Image) -> int:
        """As `Downloads.size_now`; whoever gets a copy gets what the record tells."""
        if self.is_elsewhere(image):
            original = self.original_of(image)
            if original is not None and await self._cache.holds(original):
                return image.size
        return await self._downloads.size_now(image)

    async def open(self, image: Image, offset: int = 0, length: int | None = None) -> IByteStream:
        """
        As `Downloads.open`.

        :raises NoSuchData, StoreError: as there, unless there is a copy.
        """
        original = self.original_of(image)
        if original is None:
            return await self._downloads.open(image, offset, length)
        return await self._cache.open(original, self._source(image), offset, length)

    async def prefetch(self, image: Image) -> bool:
        """
        Make a copy before anybody asks; whether there is one in the end.

        :raises NoSuchData, StoreError: as `open`.
        """
        original = self.original_of(image)
        return original is not None and await self._cache.fill(original, self._source(image))

    def original_of(self, image: Image) -> Original | None:
        """What a copy must be like, or None when there is never to be one."""
        original = original_of(image)
        if original is None or not self._cache.can_hold(original):
            return None
        if all(location.store in self._bypassed for location in image.locations):
            return None
        return original

    def _source(self, image: Image) -> Source:
        def source(offset: int, length: int | None) -> Awaitable[IByteStream]:
            return self._downloads.open(image, offset, length)

        return source


@frozen
class EvictingDeletions:
    """Deletes images, and then the copies that this node has of them."""

    _deletions: Deleting
    _cache: IImageCache
    _log = Logger()

    async def delete(self, caller: Caller, image_id: str) -> None:
        """As `Deletions.delete`; a cache that is out of order is no reason to fail."""
        # Who does not wait for the answer has deleted the image all the same.
        await finish_first(self._delete(caller, image_id))

    async def _delete(self, caller: Caller, image_id: str) -> None:
        await self._deletions.delete(caller, image_id)
        try:
            await self._cache.drop(image_id)
        except CacheUnavailable:
            self._log.warn("the copy of {image_id} may be left behind", image_id=image_id)
