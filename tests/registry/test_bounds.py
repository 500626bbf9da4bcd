"""What a record can hold is checked before a registry sees it."""

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import Change
from glancetx.errors import BadMetadata
from glancetx.image import Image, Location
from glancetx.registry.bounds import check_change, check_image, is_text
from glancetx.testing.registry_case import FULL


class CheckTests(SynchronousTestCase):
    """Images and changes."""

    def test_what_fits(self):
        """The largest numbers and all characters pass."""
        check_image(FULL)
        check_change(Change(values={"size": 2**63 - 1, "owner": "ü" * 127, "virtual_size": None}))

    def test_what_does_not_fit(self):
        """The sentence names the attribute."""
        for name, value in (
            ("image_id", "a" * 256),
            ("image_id", "a\0"),
            ("min_ram", 2**31),
            ("size", -1),
            ("properties", {"key": "\0"}),
            ("properties", {"\ud800": None}),
            ("digests", {"md5": "\0"}),
            ("locations", (Location("file", "\udcff"),)),
            ("status_reason", "\0"),
        ):
            values: Any = {name: value}
            image = evolve(Image(image_id="a"), **values)
            error = self.assertRaises(BadMetadata, check_image, image)
            self.assertIn(f"'{name}'", str(error))

    def test_changes(self):
        """A change is held to the same."""
        self.assertRaises(BadMetadata, check_change, Change(values={"min_disk": 2**31}))
        self.assertRaises(BadMetadata, check_change, Change(properties={"a": "\0"}))

    def test_text(self):
        """NUL and half characters are no text; everything else is."""
        for text in "", "a", "\x01\x7f\x80\ufffe\uffff\U0010ffff💾":
            self.assertTrue(is_text(text))
        for text in "\0", "a\0b", "\ud800", "\udfff":
            self.assertFalse(is_text(text))
