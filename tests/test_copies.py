"""What a copy of an image must be like."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.copies import Original, original_of
from glancetx.image import Image

MD5, SHA256 = "5d41402abc4b2a76b9719d911017c592", "2cf24dba5fb0a30e" * 4


class OriginalTests(SynchronousTestCase):
    """By which digest it is judged."""

    def original(self, **values: Any) -> Original | None:
        return original_of(Image(image_id="i", size=5, **values))

    def test_sha256(self):
        """By SHA-256 when the record has it."""
        original = self.original(checksum=MD5, digests={"md5": MD5, "sha256": SHA256})
        self.assertEqual(original, Original("i", 5, "sha256", SHA256))

    def test_md5(self):
        """Else by MD5, be it measured or claimed."""
        expected = Original("i", 5, "md5", MD5)
        self.assertEqual(self.original(digests={"md5": MD5}), expected)
        self.assertEqual(self.original(checksum=MD5.upper()), expected)

    def test_nothing_known(self):
        """Nothing that was claimed, or nothing that could be a digest, is no way to judge."""
        self.assertIsNone(self.original())
        self.assertIsNone(self.original(checksum="none"))
        self.assertIsNone(self.original(digests={"sha512": "ab"}))

    def test_no_bytes(self):
        """Nothing is no image to copy, nor is one of unknown size."""
        self.assertIsNone(original_of(Image(image_id="i", size=0, checksum=MD5)))
