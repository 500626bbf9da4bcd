"""One image after the other: from Glance's words to a record of ours, or to a reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import define, evolve, field, frozen

from glancetx.errors import GlanceError, NoSuchImage, RangeOutside, RegistryUnavailable
from glancetx.glance_import.locations import Locations
from glancetx.glance_import.records import (
    WITH_BYTES,
    CannotImport,
    GlanceImage,
    in_utc,
    to_image,
)
from glancetx.image import Image, Location, Status
from glancetx.member import Member
from glancetx.shelf import Shelf

#: Those whose bytes must be there.
_GIVEN = WITH_BYTES - {Status.PENDING_DELETE}


class Adopting(Protocol):
    """The registry, as far as an importer needs it."""

    async def adopt(self, image: Image, members: Sequence[Member], *, is_due: bool) -> bool: ...
    async def fetch(self, image_id: str) -> Image: ...


@frozen
class Remark:
    """Something about one image."""

    id: str
    error: str


@define
class Report:
    """
    What came of it: ids of images that are ``new`` here, and of those that were here ``already``.

    ``left`` were not imported, and ``remarks`` are about images that were, but not with everything.
    ``tags`` is how many tags version 1 of the API has no place for.
    """

    new: list[str] = field(factory=list)
    already: list[str] = field(factory=list)
    left: list[Remark] = field(factory=list)
    remarks: list[Remark] = field(factory=list)
    tags: int = 0


@frozen
class Importer:
    """
    Imports into the registry, each image in a transaction, and notes it in ``report``.

    With ``is_dry`` nothing is written; with ``checks`` the bytes of images are looked for where
    they should be, without reading them.
    """

    _registry: Adopting
    _shelf: Shelf
    _locations: Locations
    _is_dry: bool
    _checks: bool
    report: Report = field(factory=Report, init=False)

    async def take(self, found: GlanceImage) -> None:
        """
        Import one image, or note why not.

        :raises RegistryUnavailable: when ours cannot be reached.
        """
        try:
            if await self._is_known(found):
                self.report.already.append(found.id)
            else:
                await self._keep(found, await self._image(found))
                self.report.new.append(found.id)
                self.report.tags += found.tags
        except RegistryUnavailable:
            raise
        except (CannotImport, GlanceError) as reason:
            self.report.left.append(Remark(found.id, str(reason)))

    async def _is_known(self, found: GlanceImage) -> bool:
        """
        Whether it is here, or was; it may have been changed or deleted since.

        :raises CannotImport: when its id is taken by another image.
        """
        try:
            known = await self._registry.fetch(found.id)
        except NoSuchImage:
            return False
        are_alive = known.status in _GIVEN and found.our_status in _GIVEN
        if are_alive and (known.size, known.checksum) != (found.size or 0, found.checksum):
            raise CannotImport("another image with this id is here already")
        return True

    async def _keep(self, found: GlanceImage, image: Image) -> None:
        if not self._is_dry:
            is_due = image.status is Status.PENDING_DELETE
            await self._registry.adopt(image, _members(found, image), is_due=is_due)

    async def _image(self, found: GlanceImage) -> Image:
        status = found.our_status
        if status not in WITH_BYTES:
            return to_image(found, ())
        locations, reasons = await self._translated(found, must_be_there=status in _GIVEN)
        if reasons and (locations or status is Status.PENDING_DELETE):
            self.report.remarks.append(Remark(found.id, f"left a copy behind: {reasons[0]}"))
        if not locations and status is Status.PENDING_DELETE:
            # Its id is taken all the same.
            return to_image(evolve(found, status="deleted", deleted=True), ())
        if not locations:
            raise CannotImport(reasons[0] if reasons else "it has no location")
        return to_image(found, locations)

    async def _translated(
        self, found: GlanceImage, *, must_be_there: bool
    ) -> tuple[list[Location], list[str]]:
        """Where its bytes are, and why some are nowhere."""
        locations: list[Location] = []
        reasons: list[str] = []
        for url in found.locations:
            try:
                location = self._locations.ours(url)
                if must_be_there and self._checks and location.key != url:
                    await self._check(location, found.size)
            except CannotImport as reason:
                reasons.append(str(reason))
            else:
                locations.append(location)
        return locations, reasons

    async def _check(self, location: Location, size: int | None) -> None:
        """
        Whether there are just so many bytes, by asking for none of them.

        :raises CannotImport: when there are not.
        """
        store = self._shelf.holding(location).store
        if size is None:
            raise CannotImport("Glance knows no size of it")
        try:
            await store.open(location.key, size, 0)
            await store.open(location.key, size + 1, 0)
        except RangeOutside as outside:
            if outside.size == size:
                return
        except GlanceError as error:
            raise CannotImport(f"the store {location.store!r} says: {error}") from None
        raise CannotImport(f"the store {location.store!r} has another number of bytes")


def _members(found: GlanceImage, image: Image) -> list[Member]:
    if image.status is Status.DELETED:
        return []
    by_name = {
        each.member: Member(
            image_id=found.id,
            member=each.member,
            can_share=each.can_share,
            created_at=in_utc(each.created_at) or image.created_at,
            updated_at=in_utc(each.updated_at) or in_utc(each.created_at) or image.created_at,
        )
        for each in found.members
    }
    return list(by_name.values())
