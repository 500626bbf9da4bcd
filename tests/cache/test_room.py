"""Which copies go when there is no room."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.room import Entry, who_must_go
from tests.unhurried import given

ENTRIES = {"a": Entry(4, 1.0), "b": Entry(4, 2.0), "c": Entry(4, 3.0)}


class WhoMustGoTests(SynchronousTestCase):
    """Least recently used first, and no more than needed."""

    def test_enough_room(self):
        """Nobody goes when there is room, to the last byte."""
        self.assertEqual(who_must_go(8, 20, ENTRIES, {}), [])

    def test_one_byte_too_many(self):
        """One byte more, and one copy goes."""
        self.assertEqual(who_must_go(9, 20, ENTRIES, {}), ["a"])

    def test_last_used(self):
        """Use counts, and where none is known, when it was made."""
        self.assertEqual(who_must_go(5, 12, ENTRIES, {"a": 9.0}), ["b", "c"])

    def test_too_little(self):
        """Nobody goes when it would not help."""
        self.assertIsNone(who_must_go(21, 20, ENTRIES, {}))

    @given(
        st.integers(0, 30),
        st.integers(-5, 40),
        st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)),
    )
    def test_fits(self, needed, room, sizes):
        """Afterwards it fits, without the last one that goes it would not; or it never does."""
        entries = {name: Entry(size, 0.0) for name, size in sizes.items()}
        going = who_must_go(needed, room, entries, {})
        if going is None:
            self.assertGreater(needed, room)
            return
        left = sum(entry.size for name, entry in entries.items() if name not in going)
        self.assertLessEqual(left + needed, room)
        if going:
            self.assertGreater(left + entries[going[-1]].size + needed, room)
