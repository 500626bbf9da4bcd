"""Which copies have to go so that another one fits. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class Entry:
    """A finished copy: its ``size`` in bytes, and when it was made, in seconds of the epoch."""

    size: int
    modified: float


def who_must_go(
    needed: int, room: int, entries: Mapping[str, Entry], last_used: Mapping[str, float]
) -> list[str] | None:
    """
    The copies that have to go until ``needed`` bytes more fit into ``room`` bytes.

    Those go first that were not used for the longest time; of which no use is known, since they
    were made.
    None when not even all of them would be enough.
    """

    def used(image_id: str) -> tuple[float, str]:
        return last_used.get(image_id, entries[image_id].modified), image_id

    excess = needed - (room - sum(entry.size for entry in entries.values()))
    going: list[str] = []
    for image_id in sorted(entries, key=used):
        if excess <= 0:
            break
        going.append(image_id)
        excess -= entries[image_id].size
    return going if excess <= 0 else None
