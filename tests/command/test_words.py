"""What operators write and read."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta, timezone

from twisted.trial.unittest import SynchronousTestCase

from glancetx.command import words


class ReadingTests(SynchronousTestCase):
    """Arguments of commands."""

    def test_ages(self):
        """Digits are seconds, or have a unit."""
        read = {text: words.age(text) for text in ("0", "90", "90s", "15m", "12h", "7d")}
        self.assertEqual(list(read.values()), [0, 90, 90, 900, 43_200, 604_800])
        for text in "", "-1", "1.5", "d", "7 d", "7w", "²", "1" * 13:
            self.assertRaises(ArgumentTypeError, words.age, text)

    def test_times(self):
        """Times are of ISO 8601, and in UTC unless they say otherwise."""
        day = datetime(2026, 11, 25, tzinfo=UTC)
        self.assertEqual(words.moment("2026-11-25"), day)
        self.assertEqual(words.moment("2026-11-25T02:00+02:00"), day)
        for text in "", "yesterday", "2026-13-01":
            self.assertRaises(ArgumentTypeError, words.moment, text)

    def test_bytes(self):
        """Bytes have units as everywhere, and are more than nothing."""
        self.assertEqual(words.byte_count("100MB"), 100 << 20)
        for text in "", "0", "-1", "much":
            self.assertRaises(ArgumentTypeError, words.byte_count, text)

    def test_counts(self):
        """Whole numbers begin at 1."""
        self.assertEqual(words.positive("12"), 12)
        for text in "", "0", "-1", "1.5", "²":
            self.assertRaises(ArgumentTypeError, words.positive, text)


class ShowingTests(SynchronousTestCase):
    """Answers of commands."""

    def test_sizes(self):
        """Bytes have the unit that lets them be read."""
        sizes = [0, 1023, 1024, 1536, 5 << 30, 3 << 60]
        said = [words.size_text(size) for size in sizes]
        self.assertEqual(said, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB", "3072.0 PiB"])

    def test_ages(self):
        """Ages are told by their two largest units."""
        said = [words.seconds_text(each) for each in (0, 59.9, 60, 3_661, 90_061)]
        self.assertEqual(said, ["0 s", "59 s", "1 m 0 s", "1 h 1 m", "1 d 1 h"])

    def test_times(self):
        """Times are told in UTC."""
        east = timezone(timedelta(hours=2))
        told = words.time_text(datetime(2026, 11, 25, 2, tzinfo=east))
        self.assertEqual(told, "2026-11-25T00:00:00Z")

    def test_one_line(self):
        """What users write cannot move the cursor of whoever lists it."""
        self.assertEqual(words.one_line("Größe \x1b[2J\n\u202e"), "Größe \ufffd[2J\ufffd\ufffd")
