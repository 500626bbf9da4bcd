"""Images → v1's JSON and headers (contract §4). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

from glancetx.image import Image, Status
from glancetx.image_document import core_attributes, detailed
from glancetx.web.v1.meta import PREFIX, PROPERTY_PREFIX

#: What may stand in a header name (RFC 9110 §5.6.2) beyond letters and digits.
TOKEN_PUNCTUATION = "!#$&'*+-.^_`|~"

#: Why a transfer failed. Not an attribute: clients take what begins with `PREFIX` for one.
STATUS_REASON = b"X-Glancetx-Status-Reason"

#: How many bytes of a running transfer have come, when that was last told.
TRANSFERRED = b"X-Glancetx-Transferred"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def brief(image: Image) -> dict[str, Any]:
    """The element of a brief list (§4.2): exactly six keys."""
    return {
        "id": image.image_id,
        "name": image.name,
        "size": image.size,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "checksum": image.checksum,
    }


def image_document(image: Image) -> bytes:
    """The body that answers POST and PUT."""
    return json.dumps({"image": detailed(image)}).encode("ascii")


def list_document(elements: Iterable[dict[str, Any]]) -> bytes:
    """The body of a listing."""
    return json.dumps({"images": list(elements)}).encode("ascii")


def meta_headers(image: Image) -> Iterator[tuple[bytes, bytes]]:
    """
    The metadata headers of HEAD and GET (§4.4): what is null has none.

    A property key that cannot stand in a header name is percent-encoded.
    """
    for name, value in core_attributes(image).items():
        if value is not None:
            yield _header_name(name), header_value(str(value))
    for key, value in image.properties.items():
        if value is not None:
            header = PROPERTY_PREFIX + quote(key, safe=TOKEN_PUNCTUATION)
            yield header.encode("ascii"), header_value(value)


def progress_headers(image: Image) -> Iterator[tuple[bytes, bytes]]:
    """What only those who may change an image see of how its bytes come in."""
    if image.status_reason is not None:
        yield STATUS_REASON, header_value(image.status_reason)
    if image.status is Status.SAVING:
        yield TRANSFERRED, str(image.transferred).encode("ascii")


def header_value(text: str) -> bytes:
    """The text as it may stand in a header: a control character could end it, and is a blank."""
    return (text if text.isprintable() else _CONTROL.sub(" ", text)).encode("utf-8")


@cache
def _header_name(attribute: str) -> bytes:
    return f"{PREFIX}{attribute}".encode("ascii")
