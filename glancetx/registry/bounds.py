"""What a record can hold at most, whichever registry keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict

from glancetx.change import Change
from glancetx.errors import BadMetadata
from glancetx.image import Image

#: The largest number of each attribute that is one.
LARGEST: Mapping[str, int] = {
    "size": 2**63 - 1,
    "virtual_size": 2**63 - 1,
    "min_disk": 2**31 - 1,
    "min_ram": 2**31 - 1,
}

#: Bytes of UTF-8 of the attributes that are looked up by: several of them are one key of an index,
#: and PostgreSQL takes 2,704 bytes of that.
LONGEST: Mapping[str, int] = dict.fromkeys(
    ("image_id", "name", "owner", "member", "disk_format", "container_format"), 255
)


def check_image(image: Image) -> None:
    """
    :raises BadMetadata: when a registry could not hold this record.
    """
    _check(asdict(image))


def check_change(change: Change) -> None:
    """
    :raises BadMetadata: when a registry could not hold what the change sets.
    """
    _check({**change.values, "properties": change.properties})


def check_member(member: str) -> None:
    """
    :raises BadMetadata: when a registry could not hold this name.
    """
    _check({"member": member})


def is_text(value: str) -> bool:
    """Whether it is all characters: NUL and halves of surrogate pairs are none."""
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in LARGEST and value is not None and not 0 <= value <= LARGEST[name]:
            raise BadMetadata(f"'{name}' must be a number between 0 and {LARGEST[name]}.")
        if not all(map(is_text, _strings(value))):
            raise BadMetadata(f"'{name}' holds a character that is none.")
        if name in LONGEST and value is not None and len(value.encode()) > LONGEST[name]:
            raise BadMetadata(f"'{name}' must not be longer than {LONGEST[name]} bytes.")


def _strings(value: object) -> Iterator[str]:
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
