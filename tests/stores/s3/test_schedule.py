"""Parts are as short as they may be, and 10,000 of them hold the largest object."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores.s3.schedule import (
    EVEN_PARTS,
    LARGEST_OBJECT,
    LARGEST_PART,
    MIB,
    MOST_PARTS,
    SMALLEST_PART,
    growing,
    schedule_for,
)

GIB = 1 << 30

part_sizes = some.integers(SMALLEST_PART, LARGEST_PART)


class ScheduleTests(SynchronousTestCase):
    """The lengths of parts."""

    @given(some.integers(0, LARGEST_OBJECT), part_sizes)
    @example(LARGEST_OBJECT, SMALLEST_PART)
    def test_known_length(self, length: int, part_size: int) -> None:
        """Parts have the size that was asked for, unless more than 10,000 would be needed."""
        size = schedule_for(length, part_size)(1)
        parts = -(-length // size)
        self.assertLessEqual(parts, MOST_PARTS)
        self.assertGreaterEqual(size, part_size)
        if size > part_size:
            self.assertGreater(-(-length // (size - 1)), MOST_PARTS, "longer than need be")

    def test_largest_known_length(self) -> None:
        """5 TiB need parts of 525 MiB."""
        schedule = schedule_for(LARGEST_OBJECT, 16 * MIB)
        self.assertEqual(schedule(1), LARGEST_PART)
        self.assertEqual(schedule(MOST_PARTS), LARGEST_PART)
        self.assertLess(LARGEST_PART, 525 * MIB)

    # Each example is all 10,000 parts.
    @settings(deadline=None, max_examples=20)
    @given(part_sizes)
    @example(SMALLEST_PART)
    @example(LARGEST_PART)
    def test_unknown_length(self, part_size: int) -> None:
        """5 TiB fit also when nobody knew, and no part is larger than S3 takes."""
        schedule = growing(part_size)
        lengths = [schedule(number) for number in range(1, MOST_PARTS + 1)]
        self.assertGreaterEqual(sum(lengths), LARGEST_OBJECT)
        self.assertEqual(lengths, sorted(lengths))
        self.assertEqual(set(lengths[:EVEN_PARTS]), {part_size})
        self.assertLess(lengths[-1], 5 * GIB)

    def test_memory_that_it_means(self) -> None:
        """The figures in the documentation."""
        schedule = schedule_for(None, 16 * MIB)
        figures = {}
        total = 0
        targets = [15 * GIB, 100 * GIB, 1024 * GIB, LARGEST_OBJECT]
        for number in range(1, MOST_PARTS + 1):
            total += schedule(number)
            if targets and total >= targets[0]:
                figures[targets.pop(0)] = round(schedule(number) / MIB)
        self.assertEqual(list(figures.values()), [16, 148, 509, 1145])
