"""Bytes come in: claim, store, verify, activate — or undo."""

from __future__ import annotations

from attrs import field, frozen

from glancetx.change import move
from glancetx.deferreds import finish_first
from glancetx.errors import (
    DeletedMeanwhile,
    GlanceError,
    NotQueued,
    PromiseBroken,
    QuotaExceeded,
    StatusConflict,
    StoreFailed,
    StoreUnavailable,
    TooLarge,
)
from glancetx.image import Image, Location, Status
from glancetx.interfaces import UNOBSERVED, IByteStream, IRegistry, Observer
from glancetx.limits import Limits
from glancetx.shelf import ShelvedStore
from glancetx.streams import Metered, Metering
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.ration import Ration, first_room
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.undoing import Failed, Undoing, take_back


@frozen
class Promise:
    """What was said about the bytes before they came: a size in bytes, an MD5 in hex."""

    size: int | None
    checksum: str | None

    @classmethod
    def of(cls, image: Image) -> Promise:
        """What the record claims; a size of 0 claims nothing."""
        return cls(image.size or None, image.checksum or None)

    def check_size(self, size: int) -> None:
        """
        :raises PromiseBroken: when another size was promised.
        """
        if self.size is not None and size != self.size:
            raise PromiseBroken(
                f"Supplied size ({self.size}) and size generated from uploaded image ({size}) "
                "did not match. Setting image status to 'killed'."
            )

    def check(self, metered: Metered) -> None:
        """
        :raises PromiseBroken: when the bytes are not those that were promised.
        """
        self.check_size(metered.size)
        md5 = metered.digests["md5"]
        if self.checksum is not None and md5 != self.checksum:
            raise PromiseBroken(
                f"Supplied checksum ({self.checksum}) and checksum generated from uploaded image "
                f"({md5}) did not match. Setting image status to 'killed'."
            )


@frozen
class Uploads:
    """Takes the bytes of reserved images in."""

    _registry: IRegistry
    _transfers: Transfers
    _metering: Metering
    _limits: Limits
    _announce: Announcements = field(factory=Announcements)
    observer: Observer = UNOBSERVED

    async def upload(self, image: Image, data: IByteStream, shelved: ShelvedStore) -> Image:
        """
        Keep the data of a queued image and return the record, active.

        When it fails, the image is killed with a reason, and no bytes are left.

        :raises NotQueued: when the image is not queued (any more): one uploader wins.
        :raises PromiseBroken: when the bytes are not what the record claims.
        :raises TooLarge: when more comes than the size cap allows.
        :raises QuotaExceeded: when the owner's images would take more than they may.
        :raises BodyCutShort: when the source ended early.
        :raises DeletedMeanwhile: when somebody deleted the image.
        :raises StoreError: when the store refused or failed.
        """
        with self._transfers.busy():
            data = await self._claim(image, data)
            self._announce.preparing(image)
            location: Location | None = None
            try:
                metered = self._meter(image, data)
                with self.observer.writing(shelved.name, lambda: metered.size):
                    location = await self._store(image, metered, shelved)
                Promise.of(image).check(metered)
                active = await self._activate(image.image_id, metered, location)
            except BaseException as error:
                undoing = Undoing(self._registry, self._transfers, self._announce)
                failed = Failed(image.image_id, shelved, location, error)
                await finish_first(undoing.undo(failed))
                raise
            self._announce.uploaded(active)
            return active

    async def fail(self, image: Image, error: GlanceError) -> None:
        """As `refuse`, when it was up to us: those who are notified wait for the bytes."""
        await self.refuse(image, error)
        self._announce.upload_failed(image.image_id, error)

    async def refuse(self, image: Image, error: GlanceError) -> None:
        """Kill a queued image whose bytes cannot be accepted, for the reason given."""
        killed = move(Status.KILLED, lease=None, status_reason=str(error))
        try:
            await self._registry.update(image.image_id, killed, expect={Status.QUEUED})
        except StatusConflict:
            raise NotQueued(image.image_id) from None

    async def _claim(self, image: Image, data: IByteStream) -> IByteStream:
        """The data, as far as they may come: one uploader wins, and his owner must have room."""
        image_id, quota = image.image_id, self._limits.user_storage_quota
        saving = move(Status.SAVING, lease=self._transfers.lease)
        try:
            if not quota:
                await self._registry.update(image_id, saving, expect={Status.QUEUED})
                return data
            cap, size = self._limits.image_size_cap, _announced(image, data)
            room = first_room(quota, size, cap)
            claimed = await self._registry.reserve(image_id, room, Status.QUEUED, saving)
        except StatusConflict:
            raise NotQueued(image_id) from None
        except QuotaExceeded as error:
            await finish_first(self.fail(image, error))
            raise
        if size is not None:
            return data
        return Ration(self._registry, image_id, quota, cap, claimed.reserved).of(data)

    def _meter(self, image: Image, data: IByteStream) -> Metered:
        promise, cap = Promise.of(image), self._limits.image_size_cap
        if data.length is not None:
            promise.check_size(data.length)
        # What was announced was reserved, and no more than that.
        announced = _announced(image, data)
        return self._metering.meter(data, cap if announced is None else min(announced, cap))

    async def _store(self, image: Image, metered: Metered, shelved: ShelvedStore) -> Location:
        store = shelved.writable
        try:
            adding = store.add(image.image_id, metered)
            key = await self._transfers.run(
                image.image_id,
                adding,
                progress=lambda: metered.size,
                undo=lambda key: take_back(shelved, Location(shelved.name, key)),
            )
        except TooLarge:
            if metered.size <= self._limits.image_size_cap:
                Promise.of(image).check_size(metered.size)
            raise
        except StoreUnavailable as error:
            raise StoreFailed(f"Failed to upload image {image.image_id}") from error
        return Location(shelved.name, key)

    async def _activate(self, image_id: str, metered: Metered, location: Location) -> Image:
        digests = metered.digests
        active = move(
            Status.ACTIVE,
            lease=None,
            size=metered.size,
            checksum=digests["md5"],
            digests=digests,
            locations=(location,),
            status_reason=None,
        )
        try:
            return await self._registry.update(image_id, active, expect={Status.SAVING})
        except StatusConflict as conflict:
            if conflict.found.is_gone:
                raise DeletedMeanwhile(image_id) from None
            raise


def _announced(image: Image, data: IByteStream) -> int | None:
    """How many bytes are to come, by what the source says or else by what the record claims."""
    return Promise.of(image).size if data.length is None else data.length
