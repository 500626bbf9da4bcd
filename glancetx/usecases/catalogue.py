"""Records: make, show, list and change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import evolve, field, frozen

from glancetx.access import Caller, may_change
from glancetx.change import Change
from glancetx.deferreds import finish_first
from glancetx.errors import (
    BadMetadata,
    Immutable,
    NoSuchImage,
    NotAllowed,
    NotQueued,
    StatusConflict,
    TooLarge,
)
from glancetx.image import Image, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.limits import Limits
from glancetx.policy.protections import Protections, unprotected
from glancetx.query import ANYTHING, NEWEST_FIRST, Filters, ImageQuery, Order
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.sight import fetch_visible

#: How often a change is thought over again because the image moved on meanwhile.
#: An image makes at most four moves in its life, so the last try succeeds.
TRIES = 5

#: What nobody may change once the bytes are there and verified.
SETTLED = ("size", "checksum")

#: The states in which they are; an image that is being deleted may be restored.
HAVE_BYTES = (Status.ACTIVE, Status.DEACTIVATED, Status.PENDING_DELETE)


class Supplement(Protocol):
    """What a request wants of an image besides changing what its record says."""

    def check(self, image: Image) -> None:
        """Raise what stands against it, without asking anybody."""

    async def complete(self, change: Change) -> Change:
        """The change with what comes from elsewhere; asked when all else is in order."""


@frozen
class Catalogue:
    """The records of images, as far as the caller may see and change them."""

    _registry: IRegistry
    _limits: Limits
    _protections: Callable[[], Protections] = unprotected
    _announce: Announcements = field(factory=Announcements)

    async def reserve(self, draft: Image, lease: float | None = None) -> Image:
        """
        Make a record, under a lease of so many seconds when somebody is to work on it at once.

        :raises ImageExists: when the id was ever used.
        :raises TooLarge: when it has too many properties, or its owner too many images.
        """
        self._check_property_count(len(draft.properties))
        return await finish_first(self._insert(draft, lease))

    async def show(self, caller: Caller, image_id: str) -> Image:
        """
        :raises NoSuchImage: when there is none that the caller may know of.
        """
        return await fetch_visible(self._registry, caller, image_id)

    async def page(
        self,
        caller: Caller,
        *,
        everything: bool = False,
        public: bool | None = None,
        filters: Filters = ANYTHING,
        order: Order = NEWEST_FIRST,
        marker: str | None = None,
        limit: int | None = None,
    ) -> list[Image]:
        """
        One page of the images that a listing shows to this caller (contract §5).

        ``everything`` asks for the images of all owners, which only operators get.
        ``public`` keeps only those that are public, or that are not.
        ``marker`` is the id of the last image of the page before; it need not fit the filters.
        A deleted one is known to users only as a change.

        :raises BadMetadata: when the caller may not know of the marker.
        """
        also_gone = filters.changes_since is not None
        after = None if marker is None else await self._marker(caller, marker, also_gone)
        wanted = self._limits.limit_param_default if limit is None else limit
        query = ImageQuery(
            everything=everything and caller.is_admin,
            owner=caller.owner,
            public=public,
            filters=filters,
            order=order,
            after=after,
            limit=min(wanted, self._limits.api_limit_max),
        )
        return await self._registry.select(query)

    async def change(
        self,
        caller: Caller,
        image_id: str,
        revise: Callable[[Image], Change],
        *,
        before_upload: bool = False,
        supplement: Supplement | None = None,
    ) -> Image:
        """
        Change a record.

        ``revise`` is given the record as it is now and says what to change, or raises; it is
        asked again when the image moved on meanwhile.
        ``before_upload`` says that bytes are to follow.
        ``supplement`` adds what has to be asked elsewhere; it has the last word.
        With either of them the change is complete only when `changed` says so.

        :raises NoSuchImage: when there is none that the caller may know of.
        :raises NotAllowed: when he may see it, but not change it, or it is deleted.
        :raises Immutable: when he asks for other bytes than an active image has.
        :raises NotQueued: when bytes are to follow, and the image does not wait for any.
        :raises PropertyProtected: when he may not do what he asks for to one of its properties.
        :raises TooLarge: when it would have too many properties.
        """
        for remaining in reversed(range(TRIES)):
            image = await self.show(caller, image_id)
            _check_may_change(caller, image)
            change = _keep_settled(caller, image, revise(image))
            if before_upload and image.status is not Status.QUEUED:
                raise NotQueued(image_id)
            if supplement is not None:
                supplement.check(image)
            change = self._protections().revise(caller, image, change)
            self._check_property_count(len(change.resulting_properties(image.properties)))
            if supplement is not None:
                change = await supplement.complete(change)
            try:
                is_complete = not before_upload and supplement is None
                return await finish_first(self._update(image, change, is_complete))
            except StatusConflict:
                if not remaining:
                    raise
        raise AssertionError("unreachable")

    def changed(self, image: Image) -> None:
        """Announce a change that is complete only now, with the bytes that were to follow."""
        self._announce.updated(image)

    # What is begun in the registry ends there, and is announced also when nobody waits any more.

    async def _insert(self, draft: Image, lease: float | None) -> Image:
        image = await self._registry.insert(draft, lease, self._limits.image_count_total)
        self._announce.created(image)
        return image

    async def _update(self, image: Image, change: Change, is_complete: bool) -> Image:
        updated = await self._registry.update(image.image_id, change, expect={image.status})
        if is_complete:
            self.changed(updated)
        return updated

    async def _marker(self, caller: Caller, marker: str, also_gone: bool) -> Image:
        try:
            return await fetch_visible(self._registry, caller, marker, also_gone=also_gone)
        except NoSuchImage:
            raise BadMetadata("Invalid marker. Image could not be found.") from None

    def _check_property_count(self, count: int) -> None:
        quota = self._limits.image_property_quota
        if 0 <= quota < count:
            raise TooLarge(
                "The limit has been exceeded on the number of allowed image properties. "
                f"Attempted: {count}, Maximum: {quota}"
            )


def _check_may_change(caller: Caller, image: Image) -> None:
    if image.status is Status.DELETED:
        raise NotAllowed("Forbidden to update deleted image.")
    if may_change(caller, image):
        return
    if image.visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
        raise NotAllowed(f"Forbidden to update image {image.image_id}.")
    raise NoSuchImage(image.image_id)


def _keep_settled(caller: Caller, image: Image, change: Change) -> Change:
    """
    The change without what is settled on an image that has its bytes.

    The owner is told so; from an operator other values are taken as noise of his tools, which
    send back what they once read (contract U-11 asks for 200).
    """
    if image.status not in HAVE_BYTES:
        return change
    differing = [
        name
        for name in SETTLED
        if name in change.values and change.values[name] != getattr(image, name)
    ]
    if differing and not caller.is_admin:
        raise Immutable(differing[0], f"{image.status.value} image")
    values = {name: value for name, value in change.values.items() if name not in SETTLED}
    return evolve(change, values=values)
