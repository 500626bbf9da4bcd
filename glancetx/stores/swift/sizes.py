"""Into how many pieces an image goes, and how large each of them is."""

from __future__ import annotations

from attrs import frozen

from glancetx.errors import StoreFull

MIB = 1 << 20

#: What Swift takes as one object, unless its operators have said otherwise.
LARGEST_OBJECT = 5120 * MIB

#: How fast segments grow while no end is in sight: the size of the next one is what has come so
#: far, times this, divided by how many there may be.
GROWTH = 50


@frozen
class Sizes:
    """
    The sizes of what is written, in bytes.

    An image of at most ``single`` bytes is one object.
    Any other one, and one whose length is not known before, goes into segments of at least
    ``segment`` and at most ``largest`` bytes; a manifest names at most ``most`` of them.
    """

    single: int = LARGEST_OBJECT
    segment: int = 200 * MIB
    most: int = 1000
    largest: int = LARGEST_OBJECT

    def is_single(self, length: int | None) -> bool:
        """Whether an image of this length is one object."""
        return length is not None and length <= self.single

    def next(self, count: int, sent: int, length: int | None) -> int:
        """
        The size of the next segment, after ``count`` of them with ``sent`` bytes in all.

        An image of a known length is parted evenly.
        Otherwise segments grow with what has come: with 1000 of them each is a twentieth of all
        before it, from 200 MiB to 5 GiB after 100 GB; 4.5 TiB fit, where 4.8 would at the most.

        :raises StoreFull: when the image is too large for any manifest.
        """
        if count >= self.most:
            raise StoreFull()
        if length is None:
            return min(max(self.segment, sent * GROWTH // self.most), self.largest)
        even = max(self.segment, -(-length // self.most))
        if even > self.largest:
            raise StoreFull()
        return even
