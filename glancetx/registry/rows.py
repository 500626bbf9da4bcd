"""A row of the images table to an `Image`, and the other way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from attrs import asdict, fields
from psycopg2.extras import Json

from glancetx.image import Image, Location, Status, Visibility
from glancetx.registry.connection import Row

#: Attributes of an image in the order of their columns; the id alone has a shorter name there.
_ATTRIBUTES = tuple(attribute.name for attribute in fields(Image))

#: What a statement has to select for `to_image`.
COLUMNS = ", ".join("id" if name == "image_id" else name for name in _ATTRIBUTES)

_TIMES = frozenset({"created_at", "updated_at", "deleted_at"})

# To look a member up by its value costs a tenth of calling its class, and a page has many.
_STATUSES = {status.value: status for status in Status}
_VISIBILITIES = {visibility.value: visibility for visibility in Visibility}


def to_image(row: Row) -> Image:
    """The image of a row that has `COLUMNS`."""
    values = dict(zip(_ATTRIBUTES, row, strict=True))
    values["status"] = _STATUSES[values["status"]]
    values["visibility"] = _VISIBILITIES[values["visibility"]]
    values["locations"] = tuple([Location(**location) for location in values["locations"]])
    for name in _TIMES:
        # Connections ask for UTC, so this is hardly ever more than a look.
        if (time := values[name]) is not None and time.tzinfo is not UTC:
            values[name] = time.astimezone(UTC)
    return Image(**values)


def to_columns(values: Mapping[str, Any]) -> dict[str, object]:
    """Attributes by name as columns by name, each in the way that the database takes it."""
    return {
        "id" if name == "image_id" else name: _to_column(name, value)
        for name, value in values.items()
    }


def new_row(image: Image) -> dict[str, object]:
    """All columns of a new record but its times, which are the database's."""
    return to_columns({name: getattr(image, name) for name in _ATTRIBUTES if name not in _TIMES})


def _to_column(name: str, value: Any) -> object:
    if isinstance(value, Status | Visibility):
        return value.value
    if name == "locations":
        return Json([asdict(location) for location in value])
    if name in ("digests", "properties"):
        return Json(dict(value))
    return value
