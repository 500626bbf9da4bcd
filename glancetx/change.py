"""What an update sets in an image's record, as a value that both registries apply alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any

from attrs import evolve, field, frozen

from glancetx.image import MOVES, Image, Status


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = auto()


#: "Leave the lease as it is."
KEEP = Keep.KEEP

#: The attributes that a change may set. Id and times are the registry's.
CHANGEABLE = frozenset(
    {
        "status",
        "name",
        "owner",
        "visibility",
        "protected",
        "disk_format",
        "container_format",
        "size",
        "virtual_size",
        "min_disk",
        "min_ram",
        "checksum",
        "digests",
        "locations",
        "status_reason",
    }
)


def _only_changeable(_: object, __: object, values: Mapping[str, object]) -> None:
    if unknown := values.keys() - CHANGEABLE:
        raise ValueError(f"a change cannot set {', '.join(sorted(unknown))}")


@frozen
class Change:
    """
    What an update sets.

    ``values`` maps names of `CHANGEABLE` attributes to their new values.
    ``properties`` are added to the old ones, or replace them all when ``purge`` is true.
    ``lease`` says for how many seconds from now somebody answers for unfinished bytes of this
    image; None that nobody needs to any more, which also frees what was reserved for them and
    forgets how many have come.
    """

    values: Mapping[str, Any] = field(factory=dict, validator=_only_changeable)
    properties: Mapping[str, str | None] = field(factory=dict)
    purge: bool = False
    lease: float | None | Keep = KEEP

    @property
    def status(self) -> Status | None:
        """The state this change moves to, or None when it does not touch it."""
        return self.values.get("status")

    def check_moves(self, expect: Collection[Status]) -> None:
        """
        :raises ValueError: when a move from one of the expected states is not legal, which is a
            mistake of the program and not of its user.
        """
        if self.status is None:
            return
        for status in expect:
            if status is not self.status and self.status not in MOVES[status]:
                raise ValueError(f"no image moves from {status.value} to {self.status.value}")

    def resulting_properties(self, old: Mapping[str, str | None]) -> dict[str, str | None]:
        """The properties of an image that had the old ones."""
        return {**({} if self.purge else old), **self.properties}

    def applied_to(self, image: Image, now: datetime) -> Image:
        """The record after this change, its times kept as every registry keeps them."""
        changed = evolve(
            image,
            **self.values,
            properties=self.resulting_properties(image.properties),
            updated_at=now,
        )
        if self.status is not None:
            deleted_at = (image.deleted_at or now) if self.status.is_gone else None
            changed = evolve(changed, deleted_at=deleted_at)
        return changed if self.lease is not None else evolve(changed, reserved=0, transferred=0)


def move(to: Status, *, lease: float | None | Keep = KEEP, **values: Any) -> Change:
    """A change of state, with whatever else changes in the same instant."""
    return Change(values={"status": to, **values}, lease=lease)
