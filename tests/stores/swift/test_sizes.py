"""How large the segments of an image are."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import StoreFull
from glancetx.stores.swift.sizes import LARGEST_OBJECT, MIB, Sizes
from tests.unhurried import given

GIB = 1 << 30
TIB = 1 << 40


def segments(sizes: Sizes, length: int, *, is_known: bool) -> list[int]:
    """The sizes of the segments of an image of this length."""
    found: list[int] = []
    sent = 0
    while sent < length:
        size = sizes.next(len(found), sent, length if is_known else None)
        found.append(min(size, length - sent))
        sent += found[-1]
    return found


class SizesTests(SynchronousTestCase):
    """Images of all sizes fit, as long as Swift could take them at all."""

    def test_single(self) -> None:
        """Up to a size, and if it is known, an image is one object."""
        sizes = Sizes()
        self.assertTrue(sizes.is_single(0))
        self.assertTrue(sizes.is_single(LARGEST_OBJECT))
        self.assertFalse(sizes.is_single(LARGEST_OBJECT + 1))
        self.assertFalse(sizes.is_single(None))

    def test_known(self) -> None:
        """An image of known length is parted evenly, and never into more than fit in a manifest."""
        self.assertEqual(segments(Sizes(), 450 * MIB, is_known=True), [200 * MIB] * 2 + [50 * MIB])
        found = segments(Sizes(), 4 * TIB, is_known=True)
        self.assertEqual(len(found), 1000)
        self.assertLessEqual(max(found) - min(found), 1000)
        self.assertEqual(len(segments(Sizes(), 1000 * LARGEST_OBJECT, is_known=True)), 1000)

    def test_unknown(self) -> None:
        """Without an end in sight segments begin small, and never shrink."""
        found = segments(Sizes(), 10 * GIB, is_known=False)
        self.assertEqual(found[0], 200 * MIB)
        self.assertLess(len(found), 50)
        found = segments(Sizes(), 4 * TIB + TIB // 2, is_known=False)
        self.assertLessEqual(len(found), 1000)
        self.assertEqual(found[:-1], sorted(found[:-1]))
        self.assertEqual(max(found), LARGEST_OBJECT)

    def test_too_large(self) -> None:
        """What no manifest could name is refused: at once, or when it turns out to be so large."""
        sizes = Sizes()
        self.assertRaises(StoreFull, sizes.next, 0, 0, 1000 * LARGEST_OBJECT + 1)
        self.assertRaises(StoreFull, sizes.next, 1000, 1, None)
        self.assertRaises(StoreFull, segments, sizes, 5 * TIB, is_known=False)

    def test_more_segments(self) -> None:
        """Where Swift takes larger manifests, 5 TiB fit whether or not their length is known."""
        sizes = Sizes(most=1200)
        for is_known in (True, False):
            self.assertLessEqual(len(segments(sizes, 5 * TIB, is_known=is_known)), 1200)

    @given(st.integers(1, 1 << 44), st.integers(10, 10_000), st.booleans())
    def test_bounds(self, length: int, most: int, is_known: bool) -> None:
        """No segment is larger than Swift takes, and none but the last smaller than it should."""
        sizes = Sizes(most=most)
        try:
            found = segments(sizes, length, is_known=is_known)
        except StoreFull:
            # Four fifths of what there could be at the most always fit.
            self.assertGreater(length, most * LARGEST_OBJECT * (1 if is_known else 0.8))
            return
        self.assertLessEqual(max(found), LARGEST_OBJECT)
        self.assertGreaterEqual(min([*found[:-1], 200 * MIB]), 200 * MIB)
        self.assertLessEqual(len(found), most)
