"""The words of v1: how header texts mean integers, booleans, times and formats (contract §3.2)."""

from __future__ import annotations

import re
from datetime import datetime

from glancetx.errors import BadMetadata
from glancetx.image import is_image_id as is_image_id

#: Everything else is false, whatever it says.
TRUE_TEXTS = frozenset({"1", "t", "true", "on", "y", "yes"})

MAX_INT32 = (1 << 31) - 1
MAX_INT64 = (1 << 63) - 1
NAME_BYTES = 255
CHECKSUM_CHARACTERS = 32
PROPERTY_KEY_CHARACTERS = 255
AMAZON_FORMATS = ("aki", "ari", "ami")

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")


def boolean(text: str) -> bool:
    """Never fails: real clients send ``None``."""
    return text.strip().lower() in TRUE_TEXTS


def integer(attribute: str, text: str, maximum: int) -> int:
    """
    :raises BadMetadata: when it is no integer, negative, or over the maximum.
    """
    value = whole_number(text)
    if value is None:
        raise BadMetadata(f"Cannot convert image {attribute} '{text.strip()}' to an integer.")
    if value < 0:
        raise BadMetadata(f"Cannot be a negative value: image {attribute} is {value}.")
    if value > maximum:
        raise BadMetadata(f"'{attribute}' value out of range: at most {maximum} is possible.")
    return value


def whole_number(text: str) -> int | None:
    """The number, of any sign and at most 40 digits, or None when it is none."""
    text = text.strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def name(text: str) -> str | None:
    """
    :raises BadMetadata: when it has more than 255 bytes of UTF-8.
    """
    size = len(text.encode("utf-8"))
    if size > NAME_BYTES:
        raise BadMetadata(f"Image name too long: {size}")
    return text or None


def checksum(text: str) -> str | None:
    """
    :raises BadMetadata: when it has more than 32 characters.
    """
    if len(text) > CHECKSUM_CHARACTERS:
        raise BadMetadata(f"Invalid checksum '{text}': it has more than 32 characters.")
    return text or None


def time(attribute: str, text: str) -> None:
    """
    Check a time that is then ignored: times are the registry's.

    :raises BadMetadata: when it is not ISO 8601, or before 1900.
    """
    if not text:
        return
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        year = 0
    if year < 1900:
        raise BadMetadata(f"Invalid time format for {attribute}.")


def image_id(text: str) -> str:
    """
    The id, verbatim.

    :raises BadMetadata: when it does not look like a UUID, with or without dashes.
    """
    if not is_image_id(text):
        raise BadMetadata("Invalid image id format")
    return text


def check_formats(
    formats: dict[str, str], disk_formats: tuple[str, ...], container_formats: tuple[str, ...]
) -> None:
    """
    Check the formats that a request names, and complete Amazon's, which come in pairs.

    ``formats`` has the keys ``disk_format`` and ``container_format``, or one, or none.

    :raises BadMetadata: when a format is not allowed, or the two do not go together.
    """
    disk, container = formats.get("disk_format"), formats.get("container_format")
    amazon = [value for value in (disk, container) if value in AMAZON_FORMATS]
    if amazon:
        disk = formats.setdefault("disk_format", amazon[0])
        container = formats.setdefault("container_format", amazon[0])
    if disk is not None and disk not in disk_formats:
        raise BadMetadata(f"Invalid disk format '{disk or None}' for image.")
    if container is not None and container not in container_formats:
        raise BadMetadata(f"Invalid container format '{container or None}' for image.")
    if amazon and disk != container:
        raise BadMetadata(
            "Invalid mix of disk and container formats. When setting a disk or container format "
            "to one of 'aki', 'ari', or 'ami', the container and disk formats must match."
        )
