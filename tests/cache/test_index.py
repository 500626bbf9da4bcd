"""What is known of the use of copies, and what is wished for."""

from __future__ import annotations

import os
import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.index import Index, Use


class IndexCase(SynchronousTestCase):
    """An index in a directory of its own."""

    def setUp(self):
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.path = os.path.join(self.directory, "index.sqlite")
        self.index = self.open()

    def open(self):
        index = Index(self.path)
        self.addCleanup(index.close)
        return index


class UsesTests(IndexCase):
    """How often copies were given, and when last."""

    def test_added(self):
        """A new copy was never given; its first moment counts as its last use."""
        self.index.added("a", 5.0)
        self.assertEqual(self.index.uses(), {"a": Use(0, 5.0)})

    def test_given(self):
        """Each time counts."""
        self.index.added("a", 5.0)
        self.index.given("a", 6.0)
        self.index.given("a", 7.0)
        self.assertEqual(self.index.uses(), {"a": Use(2, 7.0)})

    def test_given_unknown(self):
        """A copy that the index has lost is known again when it is given."""
        self.index.given("a", 6.0)
        self.assertEqual(self.index.uses(), {"a": Use(1, 6.0)})

    def test_made_again(self):
        """What was given of an earlier copy does not count for a new one."""
        self.index.given("a", 6.0)
        self.index.added("a", 7.0)
        self.assertEqual(self.index.uses(), {"a": Use(0, 7.0)})

    def test_removed(self):
        """Those are forgotten, and no others."""
        for name in "abc":
            self.index.added(name, 1.0)
        self.index.removed(["a", "nobody"])
        self.assertEqual(self.index.uses().keys(), {"b", "c"})
        self.index.keep_only(["c", "d"])
        self.assertEqual(self.index.uses().keys(), {"c"})


class WishesTests(IndexCase):
    """The queue."""

    def test_order(self):
        """The oldest wish is first, and stays where it is when it is repeated."""
        for name in "cab", "a", "b", "a":
            self.index.queue(name)
        self.assertEqual(self.index.queued(), ["cab", "a", "b"])

    def test_forgotten(self):
        """Whether there was one, and how many there were, is told."""
        for name in "abc":
            self.index.queue(name)
        self.assertTrue(self.index.unqueue("b"))
        self.assertFalse(self.index.unqueue("b"))
        self.assertEqual(self.index.unqueue_all(), 2)
        self.assertEqual(self.index.queued(), [])

    def test_queued_again(self):
        """Who comes back is last."""
        self.index.queue("a")
        self.index.queue("b")
        self.index.unqueue("a")
        self.index.queue("a")
        self.assertEqual(self.index.queued(), ["b", "a"])


class FileTests(IndexCase):
    """The file may be shared, and may suffer."""

    def test_two_processes(self):
        """What one writes, the other reads."""
        other = self.open()
        self.index.queue("a")
        other.queue("b")
        other.given("i", 1.0)
        self.assertEqual(self.index.queued(), ["a", "b"])
        self.assertEqual(self.index.uses(), {"i": Use(1, 1.0)})

    def test_kept(self):
        """It outlives its process."""
        self.index.queue("a")
        self.index.close()
        self.assertEqual(self.open().queued(), ["a"])

    def test_no_database(self):
        """What is no index is made anew."""
        with open(self.path, "wb") as file:
            file.write(b"garbage" * 1000)
        self.index.queue("a")
        self.assertEqual(self.index.queued(), ["a"])

    def test_pages_lost(self):
        """So is an index that is damaged beyond its first page."""
        for number in range(500):
            self.index.given(f"{number:0100}", 1.0)
        self.index.queue("a")
        self.index.close()
        with open(self.path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (os.path.getsize(self.path) - 4096))
        self.assertEqual(self.index.uses(), {})
        self.index.queue("b")
        self.assertEqual(self.index.queued(), ["b"])

    def test_cannot_be_opened(self):
        """What cannot be opened is told, and tried again."""
        os.rename(self.directory, self.directory + "-away")
        self.assertRaises(sqlite3.OperationalError, self.index.queue, "a")
        os.rename(self.directory + "-away", self.directory)
        self.index.queue("a")
        self.assertEqual(self.index.queued(), ["a"])

    def test_damaged_while_open(self):
        """A statement that fails costs that statement only."""
        self.index.queue("a")
        other = sqlite3.connect(self.path)
        other.execute("DROP TABLE queue")
        other.commit()
        other.close()
        self.assertRaises(sqlite3.Error, self.index.queue, "b")
        self.index.queue("c")
        self.assertEqual(self.index.queued(), ["c"])
