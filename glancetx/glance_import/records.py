"""What Glance's database says of an image, and what that is in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import field, frozen

from glancetx.image import UNSTAMPED, Image, Location, Status, Visibility

#: Its states, those of version 2 of its API included, and which of ours each is.
_STATUSES: Mapping[str, Status] = {
    "queued": Status.QUEUED,
    "active": Status.ACTIVE,
    "deactivated": Status.DEACTIVATED,
    "killed": Status.KILLED,
    "saving": Status.KILLED,
    "uploading": Status.KILLED,
    "importing": Status.KILLED,
    "pending_delete": Status.PENDING_DELETE,
    "deleted": Status.DELETED,
}

#: Those that have bytes.
WITH_BYTES = frozenset({Status.ACTIVE, Status.DEACTIVATED, Status.PENDING_DELETE})

_REASONS = {
    "killed": "The upload to Glance had failed.",
    "saving": "The upload to Glance had not ended when the image was imported.",
}


class CannotImport(Exception):
    """An image cannot be imported; the text says why."""


@frozen
class GlanceMember:
    """A row of image_members that is not deleted."""

    member: str
    can_share: bool
    created_at: datetime | None
    updated_at: datetime | None


@frozen(kw_only=True)
class GlanceImage:
    """
    A row of images, and what belongs to it and is not deleted.

    Times are UTC, whether or not they say so.
    ``is_public`` is None where the schema has ``visibility``, and the other way round.
    ``locations`` are URLs, and may hold credentials.
    """

    id: str
    status: str
    deleted: bool
    name: str | None = None
    owner: str | None = None
    visibility: str | None = None
    is_public: bool | None = None
    protected: bool = False
    disk_format: str | None = None
    container_format: str | None = None
    size: int | None = None
    virtual_size: int | None = None
    min_disk: int | None = None
    min_ram: int | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    properties: Mapping[str, str | None] = {}
    locations: Sequence[str] = field(default=(), repr=False)
    members: Sequence[GlanceMember] = ()
    tags: int = 0

    @property
    def our_status(self) -> Status:
        """
        :raises CannotImport: when Glance has a state that we know nothing of.
        """
        if self.deleted and self.status != "pending_delete":
            return Status.DELETED
        try:
            return _STATUSES[self.status]
        except KeyError:
            raise CannotImport(f"its status {self.status!r} is not one of API v1") from None


def to_image(found: GlanceImage, locations: Sequence[Location]) -> Image:
    """
    The record of an image whose bytes lie at these locations of ours.

    A deleted image is a tombstone: nothing is kept of it but that its id is taken (lesson R18).

    :raises CannotImport: when its state is not one of ours.
    """
    status = found.our_status
    created = in_utc(found.created_at) or UNSTAMPED
    updated = in_utc(found.updated_at) or created
    deleted = (in_utc(found.deleted_at) or updated) if status.is_gone else None
    if status is Status.DELETED:
        return Image(
            image_id=found.id,
            status=status,
            owner=found.owner,
            visibility=_visibility(found),
            created_at=created,
            updated_at=updated,
            deleted_at=deleted,
        )
    has_bytes = status in WITH_BYTES
    return Image(
        image_id=found.id,
        status=status,
        name=found.name,
        owner=found.owner,
        visibility=_visibility(found),
        protected=bool(found.protected) and not status.is_gone,
        disk_format=found.disk_format,
        container_format=found.container_format,
        size=found.size or 0,
        virtual_size=found.virtual_size,
        min_disk=found.min_disk or 0,
        min_ram=found.min_ram or 0,
        checksum=found.checksum,
        digests=_digests(found) if has_bytes else {},
        properties=dict(found.properties),
        locations=tuple(locations) if has_bytes else (),
        status_reason=_reason(found, status),
        created_at=created,
        updated_at=updated,
        deleted_at=deleted,
    )


def in_utc(time: datetime | None) -> datetime | None:
    """A time that knows its zone."""
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)


def _visibility(found: GlanceImage) -> Visibility:
    """Before Ocata whatever was not public could have members, which we call shared."""
    if found.visibility is not None:
        return Visibility(found.visibility)
    return Visibility.PUBLIC if found.is_public else Visibility.SHARED


def _digests(found: GlanceImage) -> dict[str, str]:
    digests = {}
    if found.checksum:
        digests["md5"] = found.checksum.lower()
    if found.os_hash_algo and found.os_hash_value:
        digests[found.os_hash_algo.lower()] = found.os_hash_value.lower()
    return digests


def _reason(found: GlanceImage, status: Status) -> str | None:
    if status is not Status.KILLED:
        return None
    return _REASONS.get(found.status, _REASONS["saving"])
