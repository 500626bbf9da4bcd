"""Images go: the record first, then the bytes, then the record says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import evolve, field, frozen
from twisted.logger import Logger

from glancetx.access import Caller, may_change, may_see
from glancetx.change import Change, move
from glancetx.deferreds import finish_first
from glancetx.errors import (
    DataInUse,
    DeletedMeanwhile,
    ImageProtected,
    NoSuchData,
    NoSuchImage,
    NotAllowed,
    RegistryUnavailable,
    StatusConflict,
    StoreFailed,
    StoreForbids,
    StoreReadOnly,
)
from glancetx.image import Image, Location, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.shelf import Shelf
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.catalogue import TRIES
from glancetx.usecases.transfers import Transfers


@frozen
class Deletions:
    """
    Deletes images and their bytes.

    With ``scrub_time`` the bytes are kept for so many seconds and then left to a janitor: the date
    is the lease of the image, so it stays what it was when the setting changes later.
    """

    _registry: IRegistry
    _shelf: Shelf
    _transfers: Transfers
    _scrub_time: float | None = None
    _announce: Announcements = field(factory=Announcements)
    _log = Logger()

    async def delete(self, caller: Caller, image_id: str) -> None:
        """
        Delete an image for good: its id stays taken, its properties and bytes are gone.
        The bytes may be kept for a while, but there is no way back.

        An upload that is under way is ended.

        :raises NoSuchImage: when there is none that the caller may know of, or it is deleted.
        :raises ImageProtected: when it must be unprotected first, also by operators.
        :raises NotAllowed: when the caller may see it, but not delete it.
        :raises DataInUse: when the store says something depends on it; the image is as before.
        :raises StoreFailed: when the store failed; the image is as before.

        Of an image with several locations those that were removed by then are gone.
        """
        for remaining in reversed(range(TRIES)):
            image = await self._registry.fetch(image_id)
            _check_may_delete(caller, image)
            try:
                with self._transfers.busy():
                    await finish_first(self._delete(image))
                return
            except StatusConflict:
                if not remaining:
                    raise

    def due(self, image: Image) -> datetime:
        """Since when, or from when on, nobody needs the bytes of an image that is to go."""
        if image.deleted_at is None:
            return image.updated_at
        return image.deleted_at + timedelta(seconds=self._scrub_time or 0)

    async def remove_bytes(self, image: Image) -> None:
        """
        Remove the bytes of an image in ``PENDING_DELETE``, and let its record say so.

        The caller holds its lease, at least as long as a transfer's, which is renewed meanwhile.
        Bytes that are gone already, or lie where we only read, are no reason to fail.
        """
        removal = self._remove_all(image.locations, [])
        await self._transfers.run(image.image_id, removal, Status.PENDING_DELETE)
        await self._registry.update(image.image_id, _DELETED, expect={Status.PENDING_DELETE})

    async def _delete(self, image: Image) -> None:
        gone = await self._let_go(image)
        # Its properties are told for the last time.
        self._announce.deleted(evolve(gone, properties=image.properties))

    async def _let_go(self, image: Image) -> Image:
        if image.locations and self._scrub_time is None:
            return await self._delete_with_bytes(image)
        if image.locations:
            going = move(Status.PENDING_DELETE, lease=self._scrub_time)
            return await self._registry.update(
                image.image_id, _without_properties(going), expect={image.status}
            )
        # An uploader at work keeps its lease until it has cleared up.
        deleted = await self._registry.update(
            image.image_id, _without_properties(move(Status.DELETED)), expect={image.status}
        )
        self._transfers.image_deleted(image.image_id)
        return deleted

    async def _delete_with_bytes(self, image: Image) -> Image:
        going = move(Status.PENDING_DELETE, lease=self._transfers.lease)
        await self._registry.update(image.image_id, going, expect={image.status})
        removed: list[Location] = []
        removal = self._remove_all(image.locations, removed)
        try:
            await self._transfers.run(image.image_id, removal, Status.PENDING_DELETE)
        except (DeletedMeanwhile, StatusConflict, RegistryUnavailable):
            # Without a lease it is no longer ours to restore: somebody may be deleting it.
            raise
        except DataInUse:
            await self._restore(image, removed)
            raise
        except Exception as error:
            await self._restore(image, removed)
            if isinstance(error, StoreForbids):
                raise NotAllowed(str(error)) from error
            raise StoreFailed(f"Failed to delete image {image.image_id}") from error
        pending = {Status.PENDING_DELETE}
        return await self._registry.update(image.image_id, _DELETED, expect=pending)

    async def _restore(self, image: Image, removed: Collection[Location]) -> None:
        """Let it be what it was, but for the locations that have been removed."""
        left = tuple(location for location in image.locations if location not in removed)
        restored = move(image.status, lease=None, locations=left)
        try:
            await self._registry.update(image.image_id, restored, expect={Status.PENDING_DELETE})
        except StatusConflict:
            self._log.info(
                "image {image_id} was deleted by another daemon meanwhile",
                image_id=image.image_id,
            )

    async def _remove_all(self, locations: Iterable[Location], removed: list[Location]) -> None:
        """Remove what lies there, one after the other, and note what is gone."""
        # A store that is not here is noticed before the others have lost anything.
        places = [(self._shelf.holding(location), location) for location in locations]
        for shelved, location in places:
            with suppress(StoreReadOnly):
                with suppress(NoSuchData):
                    await shelved.writable.delete(location.key)
                removed.append(location)


def _without_properties(change: Change) -> Change:
    return Change(change.values, properties={}, purge=True, lease=change.lease)


_DELETED = _without_properties(move(Status.DELETED, lease=None, locations=()))


def _check_may_delete(caller: Caller, image: Image) -> None:
    """The decision table of contract §8.1, in its order; members are like those who see nothing."""
    if not may_see(caller, image):
        raise NoSuchImage(image.image_id)
    if image.protected and not image.status.is_gone:
        raise ImageProtected(image.image_id)
    if image.status is Status.PENDING_DELETE:
        raise NotAllowed("Forbidden to delete a pending_delete image.")
    if image.status is Status.DELETED:
        raise NoSuchImage(image.image_id)
    if not may_change(caller, image):
        if image.visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
            raise NotAllowed(f"Forbidden to delete image {image.image_id}.")
        raise NoSuchImage(image.image_id)
