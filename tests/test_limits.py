"""What an operator allows."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.limits import read_size


class SizeTests(SynchronousTestCase):
    """Sizes as operators write them."""

    def test_units(self):
        """Units are powers of 1024, and none means bytes (F-05)."""
        for text, size in (
            ("0", 0),
            ("7", 7),
            ("7B", 7),
            ("1KB", 1024),
            ("3MB", 3 << 20),
            ("010GB", 10 << 30),
            ("2TB", 2 << 40),
        ):
            self.assertEqual(read_size(text), size, text)

    def test_malformed(self):
        """Anything else is a mistake, and not a guess."""
        for text in (
            "",
            "KB",
            "1 KB",
            " 1",
            "1\n",
            "-1",
            "1.5GB",
            "1kb",
            "1PB",
            "1KiB",
            "٣",
            "9" * 20,
        ):
            self.assertRaises(ValueError, read_size, text)
