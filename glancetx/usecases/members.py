"""Owners let others see their images."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from glancetx.access import Caller, may_change
from glancetx.errors import (
    ImageDeleted,
    MayNotShare,
    NoSuchMember,
    NotAuthenticated,
    TooManyMembers,
)
from glancetx.image import Image
from glancetx.interfaces import IRegistry
from glancetx.limits import Limits
from glancetx.member import Member
from glancetx.usecases.sight import check_not_read_only, fetch_visible


def check_may_write(caller: Caller) -> None:
    """
    What is asked of a caller who is about to change members, of whatever image.

    :raises ReadOnly: when nobody has identified him.
    :raises NotAuthenticated: when he is no operator and owns nothing.
    """
    check_not_read_only(caller)
    if not caller.is_admin and caller.owner is None:
        raise NotAuthenticated


@frozen
class Members:
    """
    The members of images, as far as the caller may see and change them (contract §2.2).

    Every method that takes an image's id raises `NoSuchImage` when there is none that the caller
    may know of, and `ImageDeleted` when only operators do; those that write raise what
    `check_may_write` does.
    """

    _registry: IRegistry
    _limits: Limits

    async def of_image(self, caller: Caller, image_id: str) -> list[Member]:
        """All members, in the order in which they came; whoever does not own it sees himself."""
        image = await self._fetch(caller, image_id)
        if may_change(caller, image):
            return await self._registry.members(image_id)
        if caller.owner is None:
            return []
        own = await self._registry.membership(image_id, caller.owner)
        return [] if own is None else [own]

    async def shared_with(self, caller: Caller, member: str) -> list[Member]:
        """What a member sees; whoever is not he, nor an operator, is told of his own images."""
        if caller.is_admin or member == caller.owner:
            return await self._registry.shared_with(member)
        if caller.owner is None:
            return []
        return await self._registry.shared_with(member, caller.owner)

    async def add(self, caller: Caller, image_id: str, member: str, can_share: bool | None) -> None:
        """
        Add a member, or change one; with ``can_share`` None an old one stays as he is.

        A member who may share adds others, but leaves those as they are whom he finds.

        :raises MayNotShare: when the caller has no say in who sees the image, or in this.
        :raises TooManyMembers: when there are as many as are allowed.
        """
        image = await self._fetch_to_share(caller, image_id)
        if not may_change(caller, image) and member != caller.owner:
            found = await self._registry.membership(image_id, member)
            if found is not None and can_share not in (None, found.can_share):
                raise MayNotShare(image_id)
        quota = self._limits.image_member_quota
        await self._registry.share(image_id, member, can_share, quota)

    async def replace(
        self, caller: Caller, image_id: str, members: Sequence[tuple[str, bool | None]]
    ) -> None:
        """
        Let these, and nobody else, be members; of one who is named twice the last counts.

        :raises MayNotShare: when the image is not the caller's.
        :raises TooManyMembers: when these are more than are allowed.
        """
        image = await self._fetch_to_share(caller, image_id)
        if not may_change(caller, image):
            raise MayNotShare(image_id)
        quota = self._limits.image_member_quota
        if 0 <= quota < len(members):
            raise TooManyMembers(len(members), quota)
        await self._registry.replace_members(image_id, dict(members))

    async def remove(self, caller: Caller, image_id: str, member: str) -> None:
        """
        Remove a member; one who may share can remove himself.

        :raises MayNotShare: when the caller has no say in who sees the image.
        :raises NoSuchMember: when there is none that the caller may know of.
        """
        image = await self._fetch_to_share(caller, image_id)
        if not may_change(caller, image) and member != caller.owner:
            raise NoSuchMember(image_id, member)
        await self._registry.unshare(image_id, member)

    async def _fetch(self, caller: Caller, image_id: str) -> Image:
        image = await fetch_visible(self._registry, caller, image_id)
        if image.status.is_gone:
            raise ImageDeleted(image_id)
        return image

    async def _fetch_to_share(self, caller: Caller, image_id: str) -> Image:
        """An image in whose members the caller has a say."""
        check_may_write(caller)
        image = await self._fetch(caller, image_id)
        if may_change(caller, image):
            return image
        if caller.owner is not None:
            own = await self._registry.membership(image_id, caller.owner)
            if own is not None and own.can_share:
                return image
        raise MayNotShare(image_id)
