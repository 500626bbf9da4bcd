"""What an image is: its record, its states, and which state may follow which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

from attrs import field, frozen

_UUID = re.compile(
    r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}"
)


def is_image_id(text: str) -> bool:
    """Whether it looks like the id of an image: a UUID, with or without dashes."""
    return _UUID.fullmatch(text) is not None


class Status(Enum):
    """Where an image stands between reservation and deletion."""

    QUEUED = "queued"
    SAVING = "saving"
    ACTIVE = "active"
    KILLED = "killed"
    DEACTIVATED = "deactivated"
    PENDING_DELETE = "pending_delete"
    DELETED = "deleted"

    @property
    def is_gone(self) -> bool:
        """Deleted for everybody but operators, whether or not its bytes are gone yet."""
        return self in (Status.PENDING_DELETE, Status.DELETED)


#: The legal moves; the registry refuses all others.
#: ``PENDING_DELETE`` leads back to the states that have bytes, for a store may refuse to delete.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.SAVING, Status.ACTIVE, Status.KILLED, Status.DELETED}),
    Status.SAVING: frozenset({Status.ACTIVE, Status.KILLED, Status.DELETED}),
    Status.ACTIVE: frozenset({Status.DEACTIVATED, Status.PENDING_DELETE, Status.DELETED}),
    Status.DEACTIVATED: frozenset({Status.ACTIVE, Status.PENDING_DELETE, Status.DELETED}),
    Status.KILLED: frozenset({Status.DELETED}),
    Status.PENDING_DELETE: frozenset({Status.DELETED, Status.ACTIVE, Status.DEACTIVATED}),
    Status.DELETED: frozenset(),
}


class Visibility(Enum):
    """Who may see an image besides its owner."""

    PUBLIC = "public"
    SHARED = "shared"
    PRIVATE = "private"
    COMMUNITY = "community"


@frozen
class Location:
    """
    Where the bytes of an image lie.

    ``key`` is the store's own word for them and is never shown: an external one may carry
    credentials.
    """

    store: str
    key: str = field(repr=False)


#: The time of a record that no registry has stamped yet.
UNSTAMPED = datetime.min.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Image:
    """
    The record of one image.

    ``size`` and ``checksum`` are what the client claimed until the bytes have been verified, and
    the truth about them afterwards; ``digests`` (algorithm → lower-case hex) are always the truth.
    ``size`` and ``virtual_size`` are bytes, ``min_disk`` is GiB and ``min_ram`` MiB.
    ``reserved`` is how many bytes of its owner's quota are set aside for a transfer, and
    ``transferred`` how many have come when that was last told; both are kept by the registry.
    Times are aware, in UTC, and given by the registry.
    """

    image_id: str
    status: Status = Status.QUEUED
    name: str | None = None
    owner: str | None = None
    visibility: Visibility = Visibility.SHARED
    protected: bool = False
    disk_format: str | None = None
    container_format: str | None = None
    size: int = 0
    virtual_size: int | None = None
    min_disk: int = 0
    min_ram: int = 0
    checksum: str | None = None
    digests: Mapping[str, str] = field(factory=dict)
    properties: Mapping[str, str | None] = field(factory=dict)
    locations: tuple[Location, ...] = ()
    status_reason: str | None = None
    reserved: int = 0
    transferred: int = 0
    created_at: datetime = UNSTAMPED
    updated_at: datetime = UNSTAMPED
    deleted_at: datetime | None = None

    @property
    def counted(self) -> int:
        """How many bytes of its owner's quota it takes: what is kept, and what may yet come."""
        is_kept = self.status not in (Status.KILLED, Status.DELETED)
        return self.reserved + (self.size * len(self.locations) if is_kept else 0)
