"""What becomes of an upload that failed: its image is killed, and its bytes removed."""

from __future__ import annotations

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from glancetx.change import Change, move
from glancetx.errors import (
    GlanceError,
    NoSuchData,
    RegistryUnavailable,
    StatusConflict,
    StoreFailed,
    StoreUnavailable,
)
from glancetx.image import Image, Location, Status
from glancetx.interfaces import IRegistry
from glancetx.shelf import ShelvedStore
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.reasons import reason_of
from glancetx.usecases.transfers import Transfers

#: The states in which nobody wants the bytes of an upload.
_UNWANTED = (Status.KILLED, Status.PENDING_DELETE, Status.DELETED)

#: Those of them in which nobody else clears up.
_ABANDONED = (Status.KILLED, Status.DELETED)

_log = Logger()


@frozen
class Failed:
    """
    An upload that failed.

    ``location`` is where its bytes are, or None when the store did not say; ``error`` is why.
    """

    image_id: str
    shelved: ShelvedStore
    location: Location | None
    error: BaseException

    @property
    def leaves_nothing(self) -> bool:
        """Whether the store has cleared up by itself."""
        return self.location is None and _leaves_nothing(self.error)


@frozen
class Undoing:
    """Undoes uploads; what cannot be undone now it leaves to a janitor, or does itself later."""

    _registry: IRegistry
    _transfers: Transfers
    _announce: Announcements

    async def undo(self, failed: Failed) -> None:
        """
        Kill the image, remove its bytes and announce that; log what goes wrong, and never raise.

        What turns out to have become active stays so, and that is announced instead.
        """
        try:
            await self._settle(failed)
        except (RegistryUnavailable, CancelledError) as failure:
            self._tell(failed, failure)
            if failed.leaves_nothing or isinstance(failure, CancelledError):
                self._announce.upload_failed(failed.image_id, failed.error)
            else:
                # It may be that no janitor comes any more: see below.
                self._transfers.insist(lambda: self._settle(failed))

    async def _settle(self, failed: Failed) -> None:
        """
        Undo the upload, and announce what came of it.

        :raises RegistryUnavailable: when that cannot be known yet.
        """
        active: Image | None = None
        try:
            active = await self._attempt(failed)
        except (RegistryUnavailable, CancelledError):
            raise
        except Exception as failure:  # noqa: BLE001 - the first error is what the caller needs
            self._tell(failed, failure)
        if active is None:
            self._announce.upload_failed(failed.image_id, failed.error)
        else:
            self._announce.uploaded(active)

    async def _attempt(self, failed: Failed) -> Image | None:
        """
        Kill the image and remove its bytes, or return its record when it became active.

        A janitor who has cleared up already may have come before there was anything to see, so
        whatever is left gets a lease anew.

        :raises RegistryUnavailable: when the image's state cannot be known.
        """
        try:
            if await self._kill(failed):
                change = Change(
                    lease=None if await self._is_clean(failed) else self._transfers.lease
                )
                await self._registry.update(failed.image_id, change, expect=_ABANDONED)
                return None
        except StatusConflict:
            return None
        return await self._registry.fetch(failed.image_id)

    async def _kill(self, failed: Failed) -> bool:
        """Whether the bytes are now nobody's: a cancelled activation may have succeeded."""
        killed = move(Status.KILLED, status_reason=reason_of(failed.error))
        try:
            await self._registry.update(failed.image_id, killed, expect={Status.SAVING})
        except StatusConflict as conflict:
            return conflict.found in _UNWANTED
        return True

    async def _is_clean(self, failed: Failed) -> bool:
        """Whether no bytes are left; those that are there are removed, if that can be done now."""
        if failed.location is None:
            return failed.leaves_nothing
        try:
            await _delete_bytes(failed.shelved, failed.location)
        except Exception as failure:  # noqa: BLE001 - whatever it is, they are still there
            self._tell(failed, failure)
            return False
        return True

    def _tell(self, failed: Failed, failure: Exception) -> None:
        _log.warn(
            "image {image_id} could not be cleared up and is left to the janitor: {failure}",
            image_id=failed.image_id,
            failure=failure,
        )


async def take_back(shelved: ShelvedStore, location: Location) -> None:
    """
    Remove what a store has kept for too long a time.

    :raises StoreFailed: when it cannot be done now; whatever else it were, it would not say so.
    """
    try:
        await _delete_bytes(shelved, location)
    except Exception as error:
        raise StoreFailed("What came too late could not be removed") from error


def _leaves_nothing(error: BaseException) -> bool:
    """
    Whether a store that ended an `add` so has cleared up: one out of reach could not.

    What it said of an `add` that was ended for another reason is that reason's cause.
    """
    is_ours = isinstance(error, GlanceError | CancelledError)
    if not is_ours or isinstance(error, StoreFailed | StoreUnavailable):
        return False
    return error.__cause__ is None or _leaves_nothing(error.__cause__)


async def _delete_bytes(shelved: ShelvedStore, location: Location) -> None:
    try:
        await shelved.writable.delete(location.key)
    except NoSuchData:
        pass
