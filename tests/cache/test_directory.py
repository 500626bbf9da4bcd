"""The files of the cache, as several processes share them."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.directory import Directory
from glancetx.cache.partial import Growing, Kept, NoRoom, Partial, Standing
from glancetx.copies import Original
from tests.cache.case import IMAGE_ID

HELLO = b"hello"


def wanted(image_id=IMAGE_ID, size=5):
    return Original(image_id, size, "md5", "0" * 32)


class DirectoryCase(SynchronousTestCase):
    """A directory with room for 20 bytes, as two processes see it."""

    def setUp(self):
        self.root = Path(self.mktemp())
        self.here = Directory(str(self.root), 20)
        self.there = Directory(str(self.root), 20)
        self.here.set_up()

    def begin(self, *args, directory=None, last_used=None):
        """Whatever there is, or a partial copy that goes when the test is over."""
        begun = (directory or self.here).begin(wanted(*args), last_used or {})
        if isinstance(begun, Partial):
            self.addCleanup(begun.close)
        return begun

    def kept(self, image_id=IMAGE_ID, data=HELLO):
        """Make a copy."""
        partial = self.begin(image_id, len(data))
        partial.write(data)
        partial.approve()
        partial.commit()
        partial.close()

    def files(self):
        """All files that take room, below the root."""
        found = (path for path in self.root.rglob("*") if path.is_file() and path.name != "lock")
        return sorted(str(path.relative_to(self.root)) for path in found)

    def content(self, file):
        return os.pread(file.number, 100, 0)


class KeepingTests(DirectoryCase):
    """From a partial copy to a finished one."""

    def test_round_trip(self):
        """It is found when it is complete, with its size, and not before."""
        partial = self.begin()
        partial.write(b"hel")
        partial.write(b"lo")
        self.assertIsNone(self.here.find(IMAGE_ID, 5))
        self.assertEqual(self.files(), [f"partial/{IMAGE_ID}.5"])
        partial.approve()
        partial.commit()
        partial.close()
        self.assertEqual(self.content(self.there.find(IMAGE_ID, 5)), HELLO)
        self.assertEqual(self.files(), [f"images/{IMAGE_ID}"])
        self.assertEqual(self.there.entries()[IMAGE_ID].size, 5)

    def test_another_size(self):
        """A copy of another size is none, and goes when a right one is begun."""
        self.kept()
        self.assertIsNone(self.here.find(IMAGE_ID, 6))
        self.assertIsInstance(self.begin(IMAGE_ID, 6), Partial)
        self.assertEqual(self.files(), [f"partial/{IMAGE_ID}.6"])

    def test_given_up(self):
        """One that is closed without being kept leaves nothing."""
        partial = self.begin()
        partial.write(b"hel")
        partial.close()
        self.assertEqual(self.files(), [])

    def test_modes(self):
        """Nobody else on this machine can read what may be private."""
        self.kept()
        for path in self.root, self.root / "images", self.root / "partial":
            self.assertEqual(path.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.root / "images" / IMAGE_ID).stat().st_mode & 0o077, 0)

    def test_strange_things(self):
        """What is no copy is not taken for one."""
        images = self.root / "images"
        (images / "a.b").write_bytes(HELLO)
        (images / "link").symlink_to("/etc/passwd")
        (images / "directory").mkdir()
        self.assertEqual(self.here.entries(), {})
        self.assertIsNone(self.here.find("directory", 5))
        self.assertIsNone(self.here.find("../lock", 0))
        self.assertRaises(OSError, self.here.find, "link", 5)
        self.assertRaises(NoRoom, self.begin, "../a", 5)

    def test_directory_lost(self):
        """When somebody has removed everything, it begins anew."""
        os.rename(self.root, f"{self.root}-away")
        self.assertIsNone(self.here.find(IMAGE_ID, 5))
        self.assertEqual(self.here.entries(), {})
        self.kept()
        self.assertEqual(self.files(), [f"images/{IMAGE_ID}"])


class SharedTests(DirectoryCase):
    """Two processes want the same."""

    def test_kept_already(self):
        """Who begins what is there is given it."""
        self.kept()
        begun = self.begin(directory=self.there)
        self.assertIsInstance(begun, Kept)
        self.assertEqual(self.content(begun.file), HELLO)

    def test_follow(self):
        """Who begins what somebody else makes can look how far it is."""
        partial = self.begin()
        growing = self.begin(directory=self.there)
        self.assertIsInstance(growing, Growing)
        self.assertEqual(growing.look(), (0, Standing.GROWING))
        partial.write(b"hel")
        self.assertEqual(growing.look(), (3, Standing.GROWING))
        partial.write(b"lo")
        partial.approve()
        self.assertEqual(growing.look(), (5, Standing.RIGHT))
        partial.commit()
        partial.close()
        self.there.drop(IMAGE_ID)
        self.assertEqual(growing.look(), (5, Standing.RIGHT))
        self.assertEqual(self.content(growing.file), HELLO)

    def test_condemned(self):
        """He is told that it turned out wrong, also when nobody holds it any more."""
        partial = self.begin()
        growing = self.begin(directory=self.there)
        partial.condemn()
        self.assertEqual(growing.look(), (0, Standing.WRONG))
        partial.close()
        self.assertEqual(growing.look(), (0, Standing.WRONG))

    def test_given_up(self):
        """Or that nobody makes it any more; then he can make it himself."""
        partial = self.begin()
        growing = self.begin(directory=self.there)
        partial.close()
        self.assertEqual(growing.look(), (0, Standing.LOST))
        self.assertIsInstance(self.begin(directory=self.there), Partial)

    def test_looking_disturbs_nobody(self):
        """Who looks does not take the lock away from whoever makes the copy."""
        self.begin()
        growing = self.begin(directory=self.there)
        growing.look()
        self.assertIsInstance(self.begin(directory=self.there), Growing)

    def test_maker_died(self):
        """What a dead maker left is replaced, and swept at the start."""
        for _ in range(2):
            path = self.root / "partial" / f"{IMAGE_ID}.5"
            path.write_bytes(b"he")
            begun = self.begin()
            self.assertIsInstance(begun, Partial)
            self.assertEqual(path.stat().st_size, 0)
            begun.close()
        self.begin()
        (self.root / "partial" / "rubbish").write_bytes(b"he")
        self.assertEqual(self.there.set_up(), 1)
        self.assertEqual(self.files(), [f"partial/{IMAGE_ID}.5"])


class DropTests(DirectoryCase):
    """Copies that nobody wants to have any more."""

    def test_finished(self):
        """It is gone, and whoever has it open reads on."""
        self.kept()
        file = self.there.find(IMAGE_ID, 5)
        self.assertTrue(self.here.drop(IMAGE_ID))
        self.assertFalse(self.here.drop(IMAGE_ID))
        self.assertEqual(self.files(), [])
        self.assertEqual(self.content(file), HELLO)

    def test_unfinished(self):
        """One that is being made goes on to its end, and is not kept."""
        partial = self.begin()
        self.assertFalse(self.there.drop(IMAGE_ID))
        partial.write(HELLO)
        partial.approve()
        partial.commit()
        partial.close()
        self.assertEqual(self.files(), [])

    def test_begun_again(self):
        """Nor is it confused with another one of the same image."""
        dropped = self.begin()
        self.there.drop(IMAGE_ID)
        again = self.begin(directory=self.there)
        again.write(HELLO)
        dropped.write(b"jello")
        dropped.approve()
        dropped.commit()
        dropped.close()
        self.assertEqual(self.files(), [f"partial/{IMAGE_ID}.5"])
        again.approve()
        again.commit()
        self.assertEqual(self.content(self.here.find(IMAGE_ID, 5)), HELLO)

    def test_all(self):
        """All of them at once."""
        self.kept("a")
        self.kept("b")
        partial = self.begin("c")
        self.assertEqual(sorted(self.there.drop_all()), ["a", "b"])
        partial.commit()
        self.assertEqual(self.files(), [])

    def test_has(self):
        """Finished ones and those to come."""
        self.kept("a")
        self.begin("b")
        self.assertEqual([self.there.has(name) for name in ("a", "b", "c")], [True, True, False])


class RoomTests(DirectoryCase):
    """Never more than there is room for."""

    def test_least_recently_used(self):
        """Who was not used for the longest time goes first, and is named."""
        for name in "abcd":
            self.kept(name)
        last_used = {"a": 9.0, "b": 1.0, "c": 2.0, "d": 3.0}
        begun = self.begin("e", 6, last_used=last_used)
        self.assertEqual(begun.evicted, ("b", "c"))
        self.assertEqual(self.files(), ["images/a", "images/d", "partial/e.6"])

    def test_promised(self):
        """One that is being made counts with the size that it will have, and does not go."""
        self.kept("a")
        self.begin("b", 12)
        self.assertEqual(self.begin("c", 8, directory=self.there).evicted, ("a",))
        self.assertRaises(NoRoom, self.begin, "d", 1)

    def test_does_not_fit(self):
        """What would not fit even so costs nobody his copy."""
        self.kept("a")
        self.begin("b", 12)
        self.assertRaises(NoRoom, self.begin, "c", 9)
        self.assertEqual(self.files(), ["images/a", "partial/b.12"])

    def test_dead_makers_take_none(self):
        """What a dead maker left counts no more."""
        (self.root / "partial" / "b.20").write_bytes(b"he")
        self.assertIsInstance(self.begin("c", 20), Partial)
