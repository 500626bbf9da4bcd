"""Images that lie elsewhere: which locations users may name, and how an image gets one."""

from __future__ import annotations

from attrs import field, frozen

from glancetx.change import Change, move
from glancetx.deferreds import finish_first
from glancetx.errors import (
    BadMetadata,
    BadRequest,
    Conflict,
    NotQueued,
    SourceNotSupported,
    StatusConflict,
)
from glancetx.image import Image, Location, Status
from glancetx.interfaces import IByteStream, IForeignStore, IRegistry
from glancetx.limits import Limits
from glancetx.shelf import Shelf
from glancetx.usecases.announcements import Announcements


@frozen
class Source:
    """A location that a user named, and the store that reads it."""

    name: str
    _store: IForeignStore
    _location: str = field(repr=False)

    @property
    def location(self) -> Location:
        """Where an image lies that stays there."""
        return Location(self.name, self._location)

    async def size(self) -> int | None:
        """
        How many bytes are there now, or None when the source does not tell.

        :raises InvalidLocation, SourceNotFound, SourceRefused: as `IForeignStore.probe`.
        """
        return await self._store.probe(self._location)

    async def open(self) -> IByteStream:
        """
        All bytes that are there.

        :raises NoSuchData, StoreError: as `IReadableStore.open`.
        """
        return await self._store.open(self._location)


@frozen
class Sources:
    """Finds what users name, and makes images of it that stay where they are."""

    _registry: IRegistry
    _shelf: Shelf
    _limits: Limits
    _announce: Announcements = field(factory=Announcements)

    def find(self, location: str) -> Source:
        """
        The source, as far as it can be judged without asking anybody.

        :raises SourceNotSupported: when users may not name such locations.
        :raises InvalidLocation: when it is malformed.
        """
        shelved = self._shelf.foreign(location)
        store = shelved.foreign
        if store is None:
            raise SourceNotSupported()
        store.check(location)
        return Source(shelved.name, store, location)

    async def size_to_copy(self, source: Source) -> int:
        """
        How many bytes a copy would bring, 0 when the source does not tell.

        :raises BadMetadata: when that is more than an image may have.
        :raises InvalidLocation, SourceNotFound, SourceRefused: as `Source.size`.
        """
        size = await source.size() or 0
        if size > self._limits.image_size_cap:
            raise BadMetadata(
                f"Denying attempt to upload image larger than {self._limits.image_size_cap} bytes."
            )
        return size

    async def attach(self, image: Image, source: Source, size: int | None) -> Image:
        """
        Let a queued image be active, with its bytes where they are; the record, active.

        ``size`` is what the source was just found to have, 0 when it does not tell: then what the
        record claims is believed.
        With None it is asked now, and must have what the record claims, as far as it tells.
        The checksum that a record claims is believed: nobody has read the bytes.

        :raises Conflict: when the source has another size; the image stays queued.
        :raises NotQueued: when the image moved on meanwhile.
        :raises InvalidLocation, SourceNotFound, SourceRefused: as `Source.size`.
        """
        if size is None:
            size = await source.size() or image.size
            if size != image.size:
                raise Conflict("Provided image size must match the stored image size.")
        active = move(
            Status.ACTIVE,
            lease=None,
            size=size or image.size,
            locations=(source.location,),
            status_reason=None,
        )
        return await finish_first(self._activate(image.image_id, active))

    async def _activate(self, image_id: str, active: Change) -> Image:
        try:
            image = await self._registry.update(image_id, active, expect={Status.QUEUED})
        except StatusConflict:
            raise NotQueued(image_id) from None
        self._announce.activated(image)
        return image


def check_waits_for_source(image: Image) -> None:
    """
    :raises BadRequest: when the image does not wait for its bytes.
    """
    if image.status is not Status.QUEUED:
        raise BadRequest("Attempted to update Location field for an image not in queued status.")
