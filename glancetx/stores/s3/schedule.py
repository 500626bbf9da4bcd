"""
How long the parts of an upload are.

S3 takes at most 10,000 parts of at most 5 GiB each, and 5 TiB in all; each but the last one has
at least 5 MiB.  One part is in memory at a time, so its length is what an upload costs.
"""

from __future__ import annotations

from collections.abc import Callable

MIB = 1 << 20

MOST_PARTS = 10_000
LARGEST_OBJECT = 5 << 40
SMALLEST_PART = 5 * MIB
#: Into parts of this length the largest object just fits.
LARGEST_PART = -(-LARGEST_OBJECT // MOST_PARTS)

#: So many parts of an image of unknown length have the same length, before they begin to grow.
EVEN_PARTS = 1000

#: The number of a part, from 1 on → its length in bytes.
Schedule = Callable[[int], int]


def schedule_for(length: int | None, part_size: int) -> Schedule:
    """
    The lengths of the parts of an image of this length, or of one whose length nobody knows.

    With a known length all parts (but the last) have the same one: ``part_size``, or as much more
    as it takes to need no more than 10,000 of them.
    Else see `growing`.
    """
    if length is None:
        return growing(part_size)
    even = max(part_size, -(-length // MOST_PARTS))
    return lambda number: even


def growing(part_size: int) -> Schedule:
    """
    Lengths that begin with ``part_size`` and let 10,000 parts hold the largest object.

    The first 1000 parts have ``part_size``, and each later one is longer than the one before it by
    the same step.
    Growing evenly keeps parts in proportion to the square root of what has come, so that only
    who sends terabytes needs hundreds of megabytes.
    """
    growing_parts = MOST_PARTS - EVEN_PARTS
    missing = max(LARGEST_OBJECT - MOST_PARTS * part_size, 0)
    step = -(-missing // (growing_parts * (growing_parts + 1) // 2))
    return lambda number: part_size + step * max(number - EVEN_PARTS, 0)
