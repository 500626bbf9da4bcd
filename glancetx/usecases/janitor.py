"""Clears up after daemons that died, or could not clear up themselves."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from glancetx.change import Change, move
from glancetx.errors import GlanceError, StatusConflict, StoreReadOnly
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.shelf import Shelf
from glancetx.usecases.delete import Deletions

#: Images that are taken in one go, and for how many seconds nobody else gets them.
BATCH = 20
HOLD = 60.0

#: The states in which bytes that a store may have belong to nobody.
_ABANDONED = (Status.SAVING, Status.KILLED, Status.DELETED)


class Janitor(Service):
    """
    Looks every ``interval`` seconds for images whose lease has run out.

    Any number of janitors may share one registry: each image goes to one of them.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        registry: IRegistry,
        shelf: Shelf,
        deletions: Deletions,
        interval: float = 10.0,
    ) -> None:
        self._registry = registry
        self._shelf = shelf
        self._deletions = deletions
        self._interval = interval
        self._loop = LoopingCall(lambda: ensureDeferred(self._round()))
        self._loop.clock = clock
        self._done: Deferred[LoopingCall] | None = None

    def startService(self) -> None:
        super().startService()
        self._done = self._loop.start(self._interval)

    def stopService(self) -> Deferred[LoopingCall] | None:
        """Fires when a round that is under way has ended."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        return self._done

    async def clean(self) -> int:
        """Clear up whatever is overdue now; how many images that were."""
        cleaned = 0
        while images := await self._registry.take_overdue(HOLD, BATCH):
            for image in images:
                await self._clear_up(image)
            cleaned += len(images)
        return cleaned

    async def _round(self) -> None:
        try:
            await self.clean()
        except GlanceError as error:
            self._log.warn("the janitor comes again later: {error}", error=error)
        except Exception:  # noqa: BLE001 - one bad round must not be the last
            self._log.failure("the janitor failed and comes again later")

    async def _clear_up(self, image: Image) -> None:
        try:
            if image.status is Status.PENDING_DELETE:
                await self._deletions.remove_bytes(image)
            elif image.status in _ABANDONED:
                await self._discard(image)
        except StatusConflict:
            self._log.info("image {image_id} moved on by itself", image_id=image.image_id)
        except GlanceError as error:
            self._log.warn(
                "image {image_id} is left for a later round: {error}",
                image_id=image.image_id,
                error=error,
            )
        except Exception:  # noqa: BLE001 - the other images must not wait for this one
            self._log.failure("image {image_id} cannot be cleared up", image_id=image.image_id)

    async def _discard(self, image: Image) -> None:
        status = image.status
        if status is Status.SAVING:
            status = Status.KILLED
            killed = move(status, status_reason="The daemon that received the image went away.")
            await self._registry.update(image.image_id, killed, expect={Status.SAVING})
            self._log.info("image {image_id} was abandoned: killed", image_id=image.image_id)
        for shelved in self._shelf:
            try:
                store = shelved.writable
            except StoreReadOnly:
                continue
            await store.discard(image.image_id)
        await self._registry.update(image.image_id, Change(lease=None), expect={status})
