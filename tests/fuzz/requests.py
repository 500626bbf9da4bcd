"""Targets: what the parts of a request mean."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from twisted.web.http import parse_qs

from glancetx.access import Caller
from glancetx.errors import BadRequest, RangeOutside
from glancetx.image import Image
from glancetx.limits import Limits
from glancetx.web.bodies import DEEPEST, parse_json
from glancetx.web.errors import negotiate
from glancetx.web.ranges import requested_span
from glancetx.web.v1.listing import read_listing
from glancetx.web.v1.memberships import read_can_share, read_memberships
from glancetx.web.v1.meta import read_meta, used_headers
from glancetx.web.v1.render import image_document, meta_headers
from glancetx.web.v1.words import PROPERTY_KEY_CHARACTERS
from glancetx.web.versions import negotiate_version
from tests.fuzz.target import Target, claim, text

LIMITS = Limits()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CALLERS = (Caller(), Caller(is_authenticated=True, owner="p"), Caller(is_admin=True))

_FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(rb"[^\x00-\x1f\x7f]*")


def headers(data: bytes) -> None:
    """Lines ``name:value`` → what a POST means → an image → headers that can stand in a head."""
    lines = [line.partition(b":") for line in data.split(b"\n")]
    for percent_encoded in (False, True):
        try:
            used = used_headers(
                [(name, [value]) for name, _, value in lines], percent_encoded=percent_encoded
            )
            meta = read_meta(used, LIMITS)
        except BadRequest:
            continue
        image = Image(
            image_id="i",
            created_at=NOW,
            updated_at=NOW,
            properties=meta.properties,
            **meta.values,
        )
        json.loads(image_document(image))
        written = list(meta_headers(image))
        for name, value in written:
            claim(_FIELD_NAME.fullmatch(name) is not None, "no name of a field", name)
            claim(_FIELD_VALUE.fullmatch(value) is not None, "no value of a field", value)
        _read_back(image, written)


def _read_back(image: Image, written: list[tuple[bytes, bytes]]) -> None:
    try:
        again = read_meta(used_headers((name, [value]) for name, value in written), LIMITS)
    except BadRequest:
        # Names of properties grow when they are written with percent signs.
        longest = max((3 * len(key.encode()) for key in image.properties), default=0)
        claim(longest > PROPERTY_KEY_CHARACTERS, "what was written is not read", written)
        return
    for attribute in ("disk_format", "container_format", "size", "min_disk", "visibility"):
        there, here = again.values.get(attribute), getattr(image, attribute)
        claim(there == here, "another image is read back", attribute, here, there)


def query(data: bytes) -> None:
    """A query → what to ask the registry for; nobody but an operator gets to see everything."""
    arguments = parse_qs(data, keep_blank_values=True)
    for caller in CALLERS:
        try:
            listing = read_listing(caller, arguments)
        except BadRequest:
            continue
        claim(caller.is_admin or not listing.everything, "a user sees everything", arguments)
        claim(listing.limit is None or listing.limit >= 0, "a negative limit", arguments)
        listing.filters.fit(Image(image_id="i"))


def version(data: bytes) -> None:
    """A path and an Accept header → which API is meant; never an error."""
    path, _, accept = text(data).partition("\n")
    for enable_v1 in (True, False):
        negotiate_version(path.split("/"), accept, enable_v1=enable_v1)


def byte_range(data: bytes) -> None:
    """A size, Range and If-Range → a span within the image, or none."""
    total = int.from_bytes(data[:3], "little")
    header, _, if_range = text(data[3:]).partition("\n")
    try:
        span = requested_span(header, total, if_range=if_range or None, etag="e")
    except RangeOutside as error:
        claim(error.size == total, "another size", header)
        return
    if span is not None:
        inside = 0 <= span.first and span.length > 0 and span.first + span.length <= total
        claim(inside and span.total == total, "not within the image", header, total, span)


def accept(data: bytes) -> None:
    """An Accept header → one of three forms of an error."""
    kinds = ("text/plain; charset=UTF-8", "text/html; charset=UTF-8", "application/json")
    claim(negotiate(text(data)) in kinds, "another form", data)


def body(data: bytes) -> None:
    """A JSON body → who is to be a member."""
    try:
        document = parse_json(data)
    except BadRequest:
        return
    claim(_depth(document) <= DEEPEST, "too deep", data)
    for read in (read_can_share, read_memberships):
        try:
            read(document)
        except BadRequest:
            continue


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0)


TARGETS = (
    Target(
        "headers",
        headers,
        (
            b"x-image-meta-name:n\nX_Image_Meta_Size:5\nx-image-meta-property-A-b:c",
            b"x-image-meta-disk_format:ami\nx-image-meta-is_public:True\nx-image-meta-min_disk: 3",
            b"x-image-meta-created_at:2026-01-01T00:00:00Z\nx-image-meta-virtual_size:None",
            b"x-image-meta-property-%C3%BC:%00\nx-glance-registry-purge-props:t",
            b"x-image-meta-id:11111111-2222-4333-8444-555555555555\nx-image-meta-checksum:\xff",
            b"x-image-meta-size:99999999999999999999\nx-image-meta-status:active",
        ),
    ),
    Target(
        "query",
        query,
        (
            b"limit=5&marker=11111111-2222-4333-8444-555555555555&sort_key=name&sort_dir=asc",
            b"changes-since=2026-01-01T00%3A00%3A00%2B01%3A00&property-os=%C3%BC&status=active",
            b"min_disk=x&min_ram=-1&size_min=9223372036854775808&protected=none&is_public=None",
            b"changes-since=0001-01-01T00:00:00%2B23:59",
        ),
    ),
    Target(
        "version", version, (b"/v1/images\n*/*", b"//v1.1\napplication/vnd.openstack.images-v1")
    ),
    Target(
        "range",
        byte_range,
        (b'\x05\0\0bytes=0-4\n"e"', b"\xff\0\0bytes = -5", b"\1\1\1bytes=9-1", b"\0\0\0bytes=0-"),
    ),
    Target("accept", accept, (b"text/html;q=0.5, application/json", b"*/*;q=nan,text/*;q=1e999")),
    Target(
        "body",
        body,
        (
            b'{"member": {"can_share": true}}',
            b'{"memberships": [{"member_id": "m", "can_share": 0}]}',
            b'[[[{"a": -1.5e400, "b": NaN}]]]',
            b'{"memberships": [{"member_id": "\\ud800"}]}',
        ),
    ),
)
