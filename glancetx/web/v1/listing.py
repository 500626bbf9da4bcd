"""Query parameters of a listing → what to ask for (contract §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from glancetx.access import Caller
from glancetx.errors import BadRequest
from glancetx.web.v1 import words

_PUBLIC_TEXTS = {"true": True, "1": True, "false": False, "0": False, "none": None}


@frozen
class Listing:
    """The parameters of `glancetx.usecases.catalogue.Catalogue.page`."""

    everything: bool
    public: bool | None
    marker: str | None
    limit: int | None


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


def _read_marker(text: str | None) -> str | None:
    if text == "":
        raise BadRequest("Invalid marker. Image could not be found.")
    if text is not None and not words.is_image_id(text):
        raise BadRequest("Invalid marker format")
    return text


def _read_limit(text: str | None) -> int | None:
    if text is None:
        return None
    digits = text.strip()
    if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit():
        raise BadRequest("limit param must be an integer")
    if digits.startswith("-") and digits.strip("-0"):
        raise BadRequest("limit param must be positive")
    return int(digits[:20])


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("Error decoding your request: the query is not valid UTF-8.") from None
