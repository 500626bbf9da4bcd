"""What keeps the records of images."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from zope.interface import Interface

from glancetx.change import Change
from glancetx.image import Image, Status
from glancetx.member import Member, Shares
from glancetx.query import ImageQuery
from glancetx.quota import Room


class IRegistry(Interface):
    """
    Keeps the records of images.

    Several daemons share one registry and race: each change names the states it expects, and is
    made entirely or not at all.
    The registry keeps the times: ``created_at`` once, ``updated_at`` at each `update`,
    ``deleted_at`` when the state becomes one that is gone, and None when it is restored.

    A *lease* says that bytes without a record may exist for an image, and until when somebody
    answers for them.  When it runs out, `take_overdue` hands the image to whoever asks first.

    Nobody is a *member* of an image that is deleted, or being deleted; if it is restored, the old
    ones are members again.
    Who is removed and then added again has the ``can_share`` that he had.

    Every method raises `glancetx.errors.RegistryUnavailable` when the registry cannot be reached
    in reasonable time, and is safe to cancel.
    """

    def insert(image: Image, lease: float | None = None, quota: int = 0) -> Awaitable[Image]:
        """
        Keep a new record and return it as stamped.

        With ``lease`` somebody answers for the image for so many seconds from its first instant on.
        Images of one owner that are given a ``quota`` are made one after the other, so that those
        who race never have more.

        :raises ImageExists: when the id was ever used, also by an image that was deleted since.
        :raises TooManyImages: when the owner has ``quota`` images already that are neither killed
            nor gone; 0 allows any number, and images without an owner count together.
        """

    def fetch(image_id: str) -> Awaitable[Image]:
        """
        The record, also of a deleted image.

        :raises NoSuchImage: when the id was never used.
        """

    def select(query: ImageQuery) -> Awaitable[list[Image]]:
        """One page of records, in the order that the query tells."""

    def update(image_id: str, change: Change, expect: Collection[Status]) -> Awaitable[Image]:
        """
        Compare-and-set: make the change if the image is in one of the expected states.

        :raises StatusConflict: when it is in another state; nothing has changed.
        :raises NoSuchImage: when the id was never used.
        :raises ValueError: when the change makes an illegal move.
        """

    def renew(
        image_id: str, expect: Status, lease: float, transferred: int | None = None
    ) -> Awaitable[None]:
        """
        Answer for the image for another ``lease`` seconds. No time of the record changes.

        ``transferred`` tells how many bytes have come by now; None leaves what was told before.
        It is forgotten with the lease, by the update whose ``Change.lease`` is None.

        :raises StatusConflict: when it is no longer in the expected state.
        :raises NoSuchImage: when the id was never used.
        """

    def reserve(
        image_id: str, room: Room, expect: Status, change: Change | None = None
    ) -> Awaitable[Image]:
        """
        Set bytes of the owner's quota aside for a transfer; ``reserved`` tells how many.

        It takes the place of an earlier reservation of this image, and is freed with its lease: by
        the update whose ``Change.lease`` is None.
        Until then it counts, whatever becomes of the image.
        The owner's other images count as `Image.counted` says; images without an owner count
        together.
        Reservations of one owner are made one after the other, so that those who race never get
        more than there is.

        ``change`` is made in the same instant; without one no time of the record changes.

        :raises QuotaExceeded: when less than what is needed remains; nothing has changed.
        :raises StatusConflict: when it is not in the expected state; nothing has changed.
        :raises NoSuchImage: when the id was never used.
        :raises ValueError: when the change makes an illegal move.
        """

    def take_overdue(
        lease: float, limit: int, expect: Collection[Status] = ...
    ) -> Awaitable[list[Image]]:
        """
        Images in an expected state whose lease has run out, at most ``limit``, oldest first.

        Without ``expect`` any state will do.
        Whoever is given an image holds its lease for ``lease`` seconds: no other caller gets it
        meanwhile.
        """

    def members(image_id: str) -> Awaitable[list[Member]]:
        """All members of an image, in the order in which they first became members."""

    def membership(image_id: str, member: str) -> Awaitable[Member | None]:
        """One member of an image, or None when he is not."""

    def shared_with(member: str, owner: str | None = None) -> Awaitable[list[Member]]:
        """
        All memberships that somebody has, those of the newest image first.

        With ``owner`` only those in images that belong to the owner.
        """

    def share(
        image_id: str, member: str, can_share: bool | None = None, quota: int = -1
    ) -> Awaitable[Member]:
        """
        Add a member, or change one; with ``can_share`` None an old one stays as he is.

        :raises TooManyMembers: when the image has ``quota`` members already, also when this is
            one of them; a negative quota allows any number.
        :raises NoSuchImage: when there is none, or no longer one.
        :raises BadMetadata: when this cannot be the name of anybody.
        """

    def replace_members(image_id: str, members: Shares) -> Awaitable[None]:
        """
        Let these, and nobody else, be the members of an image.

        :raises NoSuchImage: when there is none, or no longer one.
        :raises BadMetadata: when one of them cannot be the name of anybody.
        """

    def unshare(image_id: str, member: str) -> Awaitable[None]:
        """
        Remove a member.

        :raises NoSuchMember: when he is not one.
        """
