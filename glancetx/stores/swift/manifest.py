"""
Static large objects: the manifests that make one object of many.

See "Static Large Objects" in the documentation of Swift's middleware.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from glancetx.stores.swift.names import Object


@frozen
class Segment:
    """A segment that was written: its MD5 in hex, and its size in bytes."""

    object: Object
    md5: str
    size: int


@frozen
class Entry:
    """An object in a listing; ``size`` is bytes, all segments of a large object together."""

    name: str
    size: int
    changed_at: datetime


def bare(tag: str) -> str:
    """An ETag without the quotes that Swift puts around some of them, and not around others."""
    return tag.strip('"')


def manifest(segments: Sequence[Segment]) -> bytes:
    """
    The document that makes one object of the segments.

    Swift compares sizes and digests with what it has, and refuses one that is not true.
    """
    return json.dumps(
        [
            {"path": each.object.full_name, "etag": each.md5, "size_bytes": each.size}
            for each in segments
        ]
    ).encode("ascii")


def objects_of(document: bytes) -> list[Object]:
    """
    The objects that a manifest names, as Swift shows it (``?multipart-manifest=get``).

    :raises ValueError: when this is no manifest.
    """
    return [_object(each.get("name")) for each in _records(document)]


def entries_in(document: bytes) -> list[Entry]:
    """
    The objects in a listing of a container, in JSON.

    :raises ValueError: when this is no listing.
    """
    return [_entry(each) for each in _records(document)]


def _entry(record: dict[str, Any]) -> Entry:
    name, size, moment = (record.get(key) for key in ("name", "bytes", "last_modified"))
    if not isinstance(name, str) or not isinstance(size, int) or not isinstance(moment, str):
        raise ValueError("a listing without names, sizes or times")
    changed_at = datetime.fromisoformat(moment)
    if changed_at.tzinfo is None:
        changed_at = changed_at.replace(tzinfo=UTC)
    return Entry(name, size, changed_at)


def _records(document: bytes) -> list[dict[str, Any]]:
    records = json.loads(document)
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ValueError("not a list of records")
    return records


def _object(name: object) -> Object:
    container, slash, rest = str(name).removeprefix("/").partition("/")
    if not isinstance(name, str) or not container or not slash or not rest:
        raise ValueError("a manifest names something else than an object")
    return Object(container, rest)
