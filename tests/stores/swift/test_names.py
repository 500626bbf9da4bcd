"""What objects are called."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import NoSuchData
from glancetx.stores.swift.names import Names, Object, path_of


class NamesTests(SynchronousTestCase):
    """Images and their segments."""

    def test_image(self) -> None:
        """An image is called as its id, in the container of images."""
        image = Names("images").image("8F5D5a3e-6f3c")
        self.assertEqual(image, Object("images", "8F5D5a3e-6f3c"))
        self.assertEqual(image.path, "/images/8F5D5a3e-6f3c")

    def test_no_image(self) -> None:
        """What could mean another object, or none, is no key."""
        for key in ("", ".", "..", "a/b", "/a", "a?b", "a b", "ü", "nul\0", "-a", "x" * 200):
            self.assertRaises(NoSuchData, Names("images").image, key)

    def test_segment(self) -> None:
        """Segments are in another container, in their order, below image and attempt."""
        names = Names("images")
        segment = names.segment("abc", "u1", 12)
        self.assertEqual(segment, Object("images_segments", "abc/u1/000012"))
        self.assertEqual(segment.path, "/images_segments/abc/u1/000012")
        self.assertEqual(segment.full_name, "/images_segments/abc/u1/000012")
        self.assertTrue(segment.name.startswith(names.prefix("abc")))
        self.assertFalse(names.segment("abcd", "u1", 1).name.startswith(names.prefix("abc")))

    def test_containers(self) -> None:
        """A container may have any name that Swift takes; it is encoded in paths."""
        self.assertEqual(path_of("my ümages?"), "/my%20%C3%BCmages%3F")
        Names("x" * 247)
        for name in ("", "a/b", "x" * 248, "ü" * 124):
            self.assertRaises(ValueError, Names, name)
