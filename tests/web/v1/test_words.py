"""How texts mean integers, booleans, times, ids and formats."""

from __future__ import annotations

import uuid

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import BadMetadata
from glancetx.limits import CONTAINER_FORMATS, DISK_FORMATS
from glancetx.web.v1 import words
from tests.unhurried import given

BLANKS = st.text(" \t", max_size=3)


class BooleanTests(SynchronousTestCase):
    """Booleans never fail (§3.2)."""

    @given(st.sampled_from(sorted(words.TRUE_TEXTS)), BLANKS, st.booleans())
    def test_true(self, text, blanks, is_upper):
        """Six words are true, in any case and with blanks around."""
        self.assertTrue(words.boolean(blanks + (text.upper() if is_upper else text) + blanks))

    @given(st.text().filter(lambda text: text.strip().lower() not in words.TRUE_TEXTS))
    def test_false(self, text):
        """Everything else is false."""
        self.assertFalse(words.boolean(text))


class IntegerTests(SynchronousTestCase):
    """Integers from 0 to a maximum."""

    @given(st.integers(0, words.MAX_INT64), BLANKS)
    def test_round_trip(self, number, blanks):
        """Blanks do not matter."""
        text = f"{blanks}{number}{blanks}"
        self.assertEqual(words.integer("size", text, words.MAX_INT64), number)

    @given(st.one_of(st.text(), st.integers().map(str), st.floats().map(str)))
    def test_anything(self, text):
        """Whatever comes is a number in bounds, or refused in our own words."""
        try:
            self.assertTrue(0 <= words.integer("size", text, 100) <= 100)
        except BadMetadata:
            pass

    def test_odd_spellings(self):
        """What only programmers take for numbers is none."""
        for text in ("1_000", "0x10", "1e3", "٣", "", "-", "1" * 41, "5,5"):
            self.assertRaises(BadMetadata, words.integer, "size", text, words.MAX_INT64)


class TimeTests(SynchronousTestCase):
    """Times are checked and forgotten."""

    def test_iso_8601(self):
        """What the standard allows, with or without zone, or nothing at all."""
        for text in (
            "2012-01-01",
            "2012-01-01T00:00:00",
            "2012-01-01 00:00:00",
            "2012-01-01T00:00:00Z",
            "2012-01-01T00:00:00.123456+02:00",
            "",
        ):
            words.time("created_at", text)

    @given(st.text())
    def test_anything(self, text):
        """Whatever comes is a time, or refused in our own words."""
        try:
            words.time("created_at", text)
        except BadMetadata as error:
            self.assertIn("Invalid time format for created_at", str(error))


class IdTests(SynchronousTestCase):
    """Ids look like UUIDs."""

    @given(st.uuids(), st.booleans(), st.booleans())
    def test_uuid(self, value: uuid.UUID, dashed, is_upper):
        """With or without dashes, in any case, and kept as they are."""
        text = str(value) if dashed else value.hex
        text = text.upper() if is_upper else text
        self.assertEqual(words.image_id(text), text)

    def test_no_uuid(self):
        """Half dashed, braced or padded ones are none."""
        value = str(uuid.uuid4())
        for text in (value.replace("-", "", 1), f"{{{value}}}", f" {value}", f"{value}\n", ""):
            self.assertFalse(words.is_image_id(text))
            self.assertRaises(BadMetadata, words.image_id, text)


class FormatTests(SynchronousTestCase):
    """Formats, and Amazon's pairs."""

    def check(self, **formats):
        words.check_formats(formats, tuple(DISK_FORMATS), tuple(CONTAINER_FORMATS))
        return formats

    def test_nothing(self):
        """Nothing is said about what is not named."""
        self.assertEqual(self.check(), {})
        self.assertEqual(self.check(disk_format="raw"), {"disk_format": "raw"})

    def test_amazon(self):
        """One Amazon format brings the other."""
        for name in words.AMAZON_FORMATS:
            pair = {"disk_format": name, "container_format": name}
            self.assertEqual(self.check(disk_format=name), pair)
            self.assertEqual(self.check(container_format=name), pair)
            self.assertEqual(self.check(**pair), pair)

    @given(
        st.sampled_from([*DISK_FORMATS, "bad", ""]),
        st.sampled_from([*CONTAINER_FORMATS, "bad", ""]),
    )
    def test_pairs(self, disk, container):
        """A pair is allowed when both are, and Amazon's go together."""
        is_known = disk in DISK_FORMATS and container in CONTAINER_FORMATS
        has_amazon = {disk, container} & set(words.AMAZON_FORMATS)
        try:
            self.check(disk_format=disk, container_format=container)
            is_accepted = True
        except BadMetadata:
            is_accepted = False
        self.assertEqual(is_accepted, is_known and (not has_amazon or disk == container))

    def test_operators_formats(self):
        """An operator may allow others (F-01)."""
        words.check_formats({"disk_format": "foo"}, ("foo",), ())
        self.assertRaises(BadMetadata, words.check_formats, {"disk_format": "raw"}, ("foo",), ())


class LengthTests(SynchronousTestCase):
    """Names and checksums."""

    @given(st.text(max_size=300))
    def test_name(self, text):
        """A name is bounded in bytes, and an empty one is none."""
        try:
            self.assertEqual(words.name(text), text or None)
            self.assertLessEqual(len(text.encode("utf-8")), 255)
        except BadMetadata:
            self.assertGreater(len(text.encode("utf-8")), 255)

    def test_checksum(self):
        """A checksum is bounded in characters, and an empty one is none."""
        self.assertIsNone(words.checksum(""))
        self.assertEqual(words.checksum("ü" * 32), "ü" * 32)
        self.assertRaises(BadMetadata, words.checksum, "c" * 33)
