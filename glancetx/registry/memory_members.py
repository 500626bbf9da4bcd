"""The members of images in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from attrs import define, evolve

from glancetx.errors import NoSuchImage, NoSuchMember, TooManyMembers
from glancetx.image import Image
from glancetx.member import Member, Shares
from glancetx.registry.bounds import check_member


class _HasImage(Protocol):
    @property
    def image(self) -> Image: ...


@define
class _Row:
    member: Member
    is_removed: bool = False


class MembersInMemory:
    """The methods of `glancetx.interfaces.IRegistry` that are about members."""

    _records: Mapping[str, _HasImage]

    def __init__(self) -> None:
        super().__init__()
        # By image and member, in the order of their creation; the removed ones are remembered.
        self._rows: dict[str, dict[str, _Row]] = {}

    def _stamp(self) -> datetime:
        raise NotImplementedError

    async def members(self, image_id: str) -> list[Member]:
        return list(self._members(image_id))

    async def membership(self, image_id: str, member: str) -> Member | None:
        return next((each for each in self._members(image_id) if each.member == member), None)

    async def shared_with(self, member: str, owner: str | None = None) -> list[Member]:
        images = sorted(
            (record.image for record in self._records.values()),
            key=lambda image: (image.created_at, image.image_id),
            reverse=True,
        )
        return [
            each
            for image in images
            if owner is None or image.owner == owner
            for each in self._members(image.image_id)
            if each.member == member
        ]

    async def share(
        self, image_id: str, member: str, can_share: bool | None = None, quota: int = -1
    ) -> Member:
        check_member(member)
        self._check_is_there(image_id)
        count = len(list(self._members(image_id)))
        if 0 <= quota <= count:
            raise TooManyMembers(count + 1, quota)
        return self._put(image_id, member, can_share)

    async def replace_members(self, image_id: str, members: Shares) -> None:
        for member in members:
            check_member(member)
        self._check_is_there(image_id)
        for old in list(self._members(image_id)):
            if old.member not in members:
                self._remove(image_id, old.member)
        for member, can_share in members.items():
            self._put(image_id, member, can_share)

    async def unshare(self, image_id: str, member: str) -> None:
        if await self.membership(image_id, member) is None:
            raise NoSuchMember(image_id, member)
        self._remove(image_id, member)

    def _forget_members(self, image_id: str) -> None:
        """The image is deleted, and will not come back."""
        self._rows.pop(image_id, None)

    def _members(self, image_id: str) -> Iterator[Member]:
        if self._is_there(image_id):
            for row in self._rows.get(image_id, {}).values():
                if not row.is_removed:
                    yield row.member

    def _put(self, image_id: str, member: str, can_share: bool | None) -> Member:
        rows, now = self._rows.setdefault(image_id, {}), self._stamp()
        if member in rows:
            old = rows[member].member
            new = evolve(old, updated_at=now)
        else:
            new = Member(image_id=image_id, member=member, created_at=now, updated_at=now)
        if can_share is not None:
            new = evolve(new, can_share=can_share)
        rows[member] = _Row(new)
        return new

    def _remove(self, image_id: str, member: str) -> None:
        old = self._rows[image_id][member].member
        self._rows[image_id][member] = _Row(evolve(old, updated_at=self._stamp()), is_removed=True)

    def _is_there(self, image_id: str) -> bool:
        record = self._records.get(image_id)
        return record is not None and not record.image.status.is_gone

    def _check_is_there(self, image_id: str) -> None:
        if not self._is_there(image_id):
            raise NoSuchImage(image_id)
