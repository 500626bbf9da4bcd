"""The image object of v1's JSON (contract §4.1), in answers and in notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from glancetx.image import Image, Visibility


def time_text(moment: datetime) -> str:
    """UTC without a zone suffix, always with six digits."""
    # In half the time that strftime() takes.
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def core_attributes(image: Image) -> dict[str, Any]:
    """The 17 core attributes of §4.1, as JSON knows them; the properties come beside."""
    return {
        "id": image.image_id,
        "name": image.name,
        "status": image.status.value,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "checksum": image.checksum,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "is_public": image.visibility is Visibility.PUBLIC,
        "protected": image.protected,
        "deleted": image.status.is_gone,
        "owner": image.owner,
        "created_at": time_text(image.created_at),
        "updated_at": time_text(image.updated_at),
        "deleted_at": None if image.deleted_at is None else time_text(image.deleted_at),
    }


def detailed(image: Image) -> dict[str, Any]:
    """The image object of §4.1: exactly 18 keys."""
    return {**core_attributes(image), "properties": dict(image.properties)}
