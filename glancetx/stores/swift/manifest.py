"""
Static large objects: the manifests that make one object of many.

See "Static Large Objects" in the documentation of Swift's middleware.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from glancetx.stores.swift.names import Object


@frozen
class Segment:
    """A segment that was written: its MD5 in hex, and its size in bytes."""

    object: Object
    md5: str
    size: int


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


def names_in(document: bytes) -> list[str]:
    """
    The names in a listing of a container, in JSON.

    :raises ValueError: when this is no listing.
    """
    names = [each.get("name") for each in _records(document)]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a listing without names")
    return [str(name) for name in names]


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
