"""A registry in memory: the reference for every other one, for tests and for demonstrations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from heapq import nlargest, nsmallest

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from glancetx.change import Change, Keep
from glancetx.clocks import time_of_day
from glancetx.errors import ImageExists, NoSuchImage, StatusConflict, TooManyImages
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry, ISurveyedRegistry
from glancetx.query import UNLISTED, ImageQuery
from glancetx.quota import Room
from glancetx.registry.bounds import check_change, check_image
from glancetx.registry.memory_members import MembersInMemory
from glancetx.registry.memory_survey import SurveyInMemory

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@define
class _Record:
    """An image, and until when somebody answers for its bytes, in the clock's seconds."""

    image: Image
    lease_until: float | None = None


@implementer(IRegistry, ISurveyedRegistry)
class MemoryRegistry(MembersInMemory, SurveyInMemory):
    """
    Keeps records as long as the process lives.

    The clock's ``seconds()`` are taken as seconds since 1970; no two stamps are the same.
    """

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__()
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._last_stamp = datetime.min.replace(tzinfo=UTC)

    async def insert(self, image: Image, lease: float | None = None, quota: int = 0) -> Image:
        check_image(image)
        if image.image_id in self._records:
            raise ImageExists(image.image_id)
        if quota and self._count_of(image.owner) >= quota:
            raise TooManyImages(quota)
        now = self._stamp()
        deleted_at = now if image.status.is_gone else None
        image = evolve(image, created_at=now, updated_at=now, deleted_at=deleted_at)
        lease_until = None if lease is None else self._ahead(lease)
        self._records[image.image_id] = _Record(image, lease_until)
        return image

    async def fetch(self, image_id: str) -> Image:
        return self._find(image_id).image

    async def select(self, query: ImageQuery) -> list[Image]:
        shared = set()
        if query.owner is not None and not query.everything:
            shared = {each.image_id for each in await self.shared_with(query.owner)}
        images = (record.image for record in self._records.values())
        listed = (each for each in images if query.covers(each, is_member=each.image_id in shared))
        first = nsmallest if query.order.ascending else nlargest
        return first(query.limit, listed, key=query.order.place)

    async def update(self, image_id: str, change: Change, expect: Collection[Status]) -> Image:
        change.check_moves(expect)
        check_change(change)
        record = self._find_in(image_id, expect)
        record.image = change.applied_to(record.image, self._stamp())
        if change.status is Status.DELETED:
            self._forget_members(image_id)
        if not isinstance(change.lease, Keep):
            record.lease_until = None if change.lease is None else self._ahead(change.lease)
        return record.image

    async def renew(
        self, image_id: str, expect: Status, lease: float, transferred: int | None = None
    ) -> None:
        record = self._find_in(image_id, (expect,))
        record.lease_until = self._ahead(lease)
        if transferred is not None:
            record.image = evolve(record.image, transferred=transferred)

    async def reserve(
        self, image_id: str, room: Room, expect: Status, change: Change | None = None
    ) -> Image:
        if change is not None:
            change.check_moves((expect,))
        record = self._find_in(image_id, (expect,))
        others = (r.image for r in self._records.values() if r is not record)
        used = sum(image.counted for image in others if image.owner == record.image.owner)
        granted = room.granted(used)
        if change is not None:
            await self.update(image_id, change, (expect,))
        record.image = evolve(record.image, reserved=granted)
        return record.image

    async def take_overdue(
        self, lease: float, limit: int, expect: Collection[Status] = tuple(Status)
    ) -> list[Image]:
        now = self._clock.seconds()
        overdue = sorted(
            (record.lease_until, record.image.image_id)
            for record in self._records.values()
            if record.lease_until is not None
            and record.lease_until <= now
            and record.image.status in expect
        )
        taken = [self._records[image_id] for _, image_id in overdue[:limit]]
        for record in taken:
            record.lease_until = self._ahead(lease)
        return [record.image for record in taken]

    def _count_of(self, owner: str | None) -> int:
        """How many images somebody has that are listed."""
        images = (record.image for record in self._records.values())
        return sum(i.owner == owner and i.status.value not in UNLISTED for i in images)

    def _find(self, image_id: str) -> _Record:
        try:
            return self._records[image_id]
        except KeyError:
            raise NoSuchImage(image_id) from None

    def _find_in(self, image_id: str, expect: Collection[Status]) -> _Record:
        record = self._find(image_id)
        if record.image.status not in expect:
            raise StatusConflict(image_id, record.image.status)
        return record

    def _ahead(self, lease: float) -> float:
        return self._clock.seconds() + lease

    def _stamp(self) -> datetime:
        """The time, always later than the one before."""
        now = _EPOCH + timedelta(seconds=time_of_day(self._clock))
        self._last_stamp = max(now, self._last_stamp + _TICK)
        return self._last_stamp
