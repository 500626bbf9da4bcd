"""Copies of images that somebody wants to have before they are asked for."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.deferreds import stop_first
from glancetx.errors import DataCorrupted, GlanceError, NoSuchImage
from glancetx.image import Image, Status
from glancetx.interfaces import IImageCache, IRegistry
from glancetx.usecases.caching import CachedDownloads
from glancetx.usecases.rounds import Rounds

#: Seconds between two looks at the queue.
INTERVAL = 10.0

#: The states of images that will never have bytes to copy (again).
HOPELESS = frozenset({Status.KILLED, Status.PENDING_DELETE, Status.DELETED})


class Prefetch(Rounds):
    """
    Looks every ``interval`` seconds for images of which copies are wanted, oldest wish first.

    An image that waits for its bytes, or cannot be read now, is tried again in the next round;
    the others do not wait for it.
    One that is gone, or cannot be copied, is taken off the queue.
    Several processes may work on one queue: each image is read by one of them.
    """

    postponed = "copies that are wanted have to wait"
    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        registry: IRegistry,
        downloads: CachedDownloads,
        cache: IImageCache,
        interval: float = INTERVAL,
    ) -> None:
        super().__init__(clock, interval)
        self._registry = registry
        self._downloads = downloads
        self._cache = cache

    async def one_round(self) -> None:
        await self.prefetch()

    async def prefetch(self) -> None:
        """Go through the queue once."""
        for image_id in await self._cache.queued():
            try:
                is_done = await stop_first(self._prefetch(image_id))
            except CancelledError:
                raise
            except GlanceError as error:
                self._log.warn(
                    "image {image_id} cannot be copied now: {error}",
                    image_id=image_id,
                    error=error,
                )
            except Exception:  # noqa: BLE001 - the other images must not wait for this one
                self._log.failure("image {image_id} cannot be copied", image_id=image_id)
            else:
                if is_done:
                    await self._cache.unqueue(image_id)

    async def _prefetch(self, image_id: str) -> bool:
        """Whether it is off the queue from now on."""
        try:
            image = await self._registry.fetch(image_id)
        except NoSuchImage:
            return True
        if image.status is not Status.ACTIVE:
            return image.status in HOPELESS
        return await self._copy(image)

    async def _copy(self, image: Image) -> bool:
        if self._downloads.original_of(image) is None:
            self._log.info("image {image_id} is not for the cache", image_id=image.image_id)
            return True
        try:
            return await self._downloads.prefetch(image)
        except DataCorrupted:
            # It was read to its end, and will be no better; the cache has told the log.
            return True
