"""Manifests and listings."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores.swift.manifest import Segment, bare, entries_in, manifest, objects_of
from glancetx.stores.swift.names import Object


class ManifestTests(SynchronousTestCase):
    """What makes one object of many, and how Swift shows it."""

    def test_written(self) -> None:
        """It names each segment with what Swift is to compare."""
        written = manifest([Segment(Object("c", "a/1"), "0" * 32, 5)])
        self.assertEqual(
            json.loads(written), [{"path": "/c/a/1", "etag": "0" * 32, "size_bytes": 5}]
        )

    def test_read(self) -> None:
        """Swift gives it with other words; names may have any character."""
        shown = [{"name": "/c/a/1", "bytes": 5, "hash": "0"}, {"name": "/c/\u00fc b"}]
        self.assertEqual(
            objects_of(json.dumps(shown).encode()), [Object("c", "a/1"), Object("c", "\u00fc b")]
        )

    def test_listing(self) -> None:
        """A listing has names, sizes and times; other records make no sense here."""
        whole = {"name": "a", "bytes": 5, "last_modified": "2026-11-25T20:00:00.250000"}
        (entry,) = entries_in(json.dumps([{**whole, "hash": "0"}]).encode())
        self.assertEqual((entry.name, entry.size), ("a", 5))
        self.assertEqual(entry.changed_at, datetime(2026, 11, 25, 20, 0, 0, 250_000, tzinfo=UTC))
        self.assertEqual(entries_in(b"[]"), [])
        for spoilt in {"name": 1}, {"bytes": "5"}, {"last_modified": "today"}:
            document = json.dumps([{**whole, **spoilt}]).encode()
            self.assertRaises(ValueError, entries_in, document)
        self.assertRaises(ValueError, entries_in, b'[{"subdir": "a"}]')

    def test_nonsense(self) -> None:
        """What is none is refused."""
        for document in (
            b"",
            b"{}",
            b"[1]",
            b"[",
            b'[{"name": 1}]',
            b'[{"name": "/c"}]',
            b'[{"name": "/c/"}]',
            b'[{"path": "/c/a"}]',
            b"\xff",
        ):
            self.assertRaises(ValueError, objects_of, document)

    def test_tags(self) -> None:
        """Swift puts quotes around some tags."""
        self.assertEqual([bare('"ab"'), bare("ab")], ["ab", "ab"])
