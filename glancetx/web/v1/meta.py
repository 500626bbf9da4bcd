"""``x-image-meta-*`` headers → values (contract §3). Pure, and tested with generated data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import field, frozen

from glancetx.errors import BadMetadata, BadRequest
from glancetx.image import Visibility
from glancetx.limits import Limits
from glancetx.web.v1 import words

PREFIX = "x-image-meta-"
PROPERTY_PREFIX = "x-image-meta-property-"
COPY_FROM = "x-glance-api-copy-from"
PURGE = "x-glance-registry-purge-props"

#: Accepted and ignored: the server knows better, or the word has no meaning here.
IGNORED = frozenset({"uri", "copy_from", "deleted"})
TIMES = frozenset({"created_at", "updated_at", "deleted_at"})

_USED = (b"x-image-meta-", b"x-glance-")


@frozen(kw_only=True)
class RequestMeta:
    """
    What the headers of a POST or PUT say.

    ``values`` are attributes to store, by the names of `glancetx.image.Image`; only those that the
    request mentions.
    ``image_id`` and ``status`` are claims; ``store``, ``location`` and ``copy_from`` say where
    the bytes go or come from.
    ``purge`` is None when the request does not say.
    """

    values: Mapping[str, Any] = field(factory=dict)
    properties: Mapping[str, str | None] = field(factory=dict)
    image_id: str | None = None
    status: str | None = None
    store: str | None = None
    location: str | None = None
    copy_from: str | None = None
    purge: bool | None = None


def used_headers(
    headers: Iterable[tuple[bytes, Iterable[bytes]]], *, percent_encoded: bool = False
) -> dict[str, str]:
    """
    The headers that v1 reads, by lower-case name with dashes, each with its joined value.

    Dash and underscore are the same, and a repeated header is joined with a comma (§3.1).
    ``percent_encoded`` undoes what python-glanceclient does to every name and value.

    :raises BadRequest: when something is not UTF-8, or has characters beyond the Basic
        Multilingual Plane.
    """

    def decoded(raw: bytes) -> str:
        return _text(unquote_to_bytes(raw) if percent_encoded else raw)

    joined: dict[str, list[str]] = {}
    for raw_name, raw_values in headers:
        if not raw_name.lower().replace(b"_", b"-").startswith(_USED):
            continue
        name = decoded(raw_name).lower().replace("_", "-")
        joined.setdefault(name, []).extend(decoded(raw) for raw in raw_values)
    return {name: ",".join(values) for name, values in joined.items()}


def read_meta(headers: Mapping[str, str], limits: Limits) -> RequestMeta:
    """
    Understand the headers that `used_headers` found, in the contract's order (§3.6, steps 2, 3).

    :raises BadMetadata: with a sentence about the first header that is not acceptable.
    """
    attributes: dict[str, str] = {}
    properties: dict[str, str | None] = {}
    for name, text in headers.items():
        if name.startswith(PROPERTY_PREFIX):
            properties[_property_key(name)] = text or None
        elif name.startswith(PREFIX):
            attributes[name.removeprefix(PREFIX).replace("-", "_")] = text
    _check_known(attributes)
    values = _numbers(attributes)
    formats: dict[str, str] = {
        key: attributes[key] for key in ("disk_format", "container_format") if key in attributes
    }
    words.check_formats(formats, limits.disk_formats, limits.container_formats)
    values.update(formats)
    for key in TIMES & attributes.keys():
        words.time(key, attributes[key])
    values.update(_simple_values(attributes))
    purge = headers.get(PURGE)
    return RequestMeta(
        values=values,
        properties=properties,
        image_id=attributes.get("id") or None,
        status=attributes.get("status") or None,
        store=attributes.get("store"),
        location=attributes.get("location"),
        copy_from=headers.get(COPY_FROM),
        purge=None if purge is None else words.boolean(purge),
    )


#: Attributes that are stored as they are read, each with its reader.
_SIMPLE = {
    "name": words.name,
    "checksum": words.checksum,
    "protected": words.boolean,
    "owner": lambda text: text or None,
}
_NUMBERS = {
    "size": words.MAX_INT64,
    "min_disk": words.MAX_INT32,
    "min_ram": words.MAX_INT32,
    "virtual_size": words.MAX_INT64,
}
_KNOWN = (
    {"id", "status", "store", "location", "is_public", "disk_format", "container_format"}
    | _SIMPLE.keys()
    | _NUMBERS.keys()
    | IGNORED
    | TIMES
)


def _check_known(attributes: Mapping[str, str]) -> None:
    for name in attributes:
        if name not in _KNOWN:
            raise BadMetadata(f"Bad header: {PREFIX}{name}")


def _numbers(attributes: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, maximum in _NUMBERS.items():
        if name not in attributes:
            continue
        text = attributes[name]
        if name == "virtual_size" and text.strip() in ("", "None"):
            values[name] = None
        else:
            values[name] = words.integer(name, text, maximum)
    return values


def _simple_values(attributes: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: read(attributes[name]) for name, read in _SIMPLE.items() if name in attributes
    }
    if "is_public" in attributes:
        is_public = words.boolean(attributes["is_public"])
        values["visibility"] = Visibility.PUBLIC if is_public else Visibility.SHARED
    return values


def _property_key(name: str) -> str:
    key = name.removeprefix(PROPERTY_PREFIX).replace("-", "_")
    if not key:
        raise BadMetadata("A property must have a name.")
    if len(key) > words.PROPERTY_KEY_CHARACTERS:
        raise BadMetadata(
            f"The name of a property has more than {words.PROPERTY_KEY_CHARACTERS} characters."
        )
    return key


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(
            "Error decoding your request. Either the URL or the request body contained characters "
            "that could not be decoded by Glance."
        ) from None
    if any(character > "\uffff" for character in text):
        raise BadMetadata("Image metadata can't contain 4 byte unicode characters.")
    if "\x00" in text:
        raise BadMetadata("Image metadata can't contain NUL characters.")
    return text
