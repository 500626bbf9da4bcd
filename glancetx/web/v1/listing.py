"""Query parameters of a listing → what to ask for (contract §5.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import frozen

from glancetx.access import Caller
from glancetx.errors import BadRequest
from glancetx.query import ANYTHING, NEWEST_FIRST, Filters, Order
from glancetx.web.v1 import words

PROPERTY_PREFIX = "property-"
SORT_KEYS = (
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
)

_TEXTS = ("name", "status", "container_format", "disk_format")
_NUMBERS = ("min_ram", "size_min", "size_max")
_PUBLIC_TEXTS = {"true": True, "1": True, "false": False, "0": False, "none": None}

#: What no image needs: a min_disk that is no number finds nothing, and is no mistake (L-13).
_NO_NUMBER = -1


@frozen
class Listing:
    """The parameters of `glancetx.usecases.catalogue.Catalogue.page`."""

    everything: bool = False
    public: bool | None = None
    filters: Filters = ANYTHING
    order: Order = NEWEST_FIRST
    marker: str | None = None
    limit: int | None = None


def read_listing(caller: Caller, arguments: Mapping[bytes, Sequence[bytes]]) -> Listing:
    """
    Understand the query; of a repeated parameter the last one counts, unknown ones are ignored.

    :raises BadRequest: with a sentence about the parameter that is not acceptable.
    """
    texts = {_decode(key): _decode(values[-1]) for key, values in arguments.items()}
    public = _read_public(texts.get("is_public"))
    everything = caller.is_admin and public is not True
    return Listing(
        everything=everything,
        public=public if everything else None,
        filters=_read_filters(texts),
        order=_read_order(texts),
        marker=_read_marker(texts.get("marker")),
        limit=_read_limit(texts.get("limit")),
    )


def _read_public(text: str | None) -> bool | None:
    """Absent is like true: an operator's listing looks like anybody's unless he asks for more."""
    if text is None:
        return True
    try:
        return _PUBLIC_TEXTS[text.lower()]
    except KeyError:
        raise BadRequest("is_public must be None, True, or False") from None


def _read_filters(texts: Mapping[str, str]) -> Filters:
    equal: dict[str, str | int | bool] = {name: texts[name] for name in _TEXTS if name in texts}
    numbers = {name: _read_number(name, texts[name]) for name in _NUMBERS if name in texts}
    if "min_ram" in numbers:
        equal["min_ram"] = numbers.pop("min_ram")
    if "min_disk" in texts:
        number = words.whole_number(texts["min_disk"])
        equal["min_disk"] = _NO_NUMBER if number is None else number
    if "protected" in texts:
        equal["protected"] = _read_protected(texts["protected"])
    properties = {
        key.removeprefix(PROPERTY_PREFIX): value
        for key, value in texts.items()
        if key.startswith(PROPERTY_PREFIX)
    }
    changes_since = _read_changes_since(texts.get("changes-since"))
    return Filters(equal=equal, properties=properties, changes_since=changes_since, **numbers)


def _read_number(name: str, text: str) -> int:
    number = words.whole_number(text)
    if number is None or number < 0:
        raise _bad_filter(name, text)
    return number


def _read_protected(text: str) -> bool:
    try:
        value = _PUBLIC_TEXTS[text.lower()]
    except KeyError:
        raise _bad_filter("protected", text) from None
    if value is None:
        raise BadRequest("protected must be True, or False")
    return value


def _read_changes_since(text: str | None) -> datetime | None:
    """A time without a zone is in UTC; one that cannot be told in UTC is none."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"Unrecognized changes-since value: {text}") from None


def _read_order(texts: Mapping[str, str]) -> Order:
    key = texts.get("sort_key", "created_at")
    if key not in SORT_KEYS:
        raise BadRequest(f"Unsupported sort_key. Acceptable values: {', '.join(SORT_KEYS)}")
    direction = texts.get("sort_dir", "desc")
    if direction not in ("asc", "desc"):
        raise BadRequest("Unsupported sort_dir. Acceptable values: asc, desc")
    return Order("image_id" if key == "id" else key, ascending=direction == "asc")


def _read_marker(text: str | None) -> str | None:
    if text == "":
        raise BadRequest("Invalid marker. Image could not be found.")
    if text is not None and not words.is_image_id(text):
        raise BadRequest("Invalid marker format")
    return text


def _read_limit(text: str | None) -> int | None:
    if text is None:
        return None
    number = words.whole_number(text)
    if number is None:
        raise BadRequest("limit param must be an integer")
    if number < 0:
        raise BadRequest("limit param must be positive")
    return number


def _bad_filter(name: str, text: str) -> BadRequest:
    return BadRequest(f"Bad value passed to filter {name}: {text!r}")


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("Error decoding your request: the query is not valid UTF-8.") from None
