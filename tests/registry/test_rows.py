"""Rows and images are turned into each other without loss."""

from datetime import UTC, datetime, timedelta, timezone

from attrs import evolve, fields
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import CHANGEABLE
from glancetx.image import Image, Location, Status, Visibility
from glancetx.registry.rows import COLUMNS, new_row, to_columns, to_image
from glancetx.testing.registry_case import FULL

NOON = datetime(2026, 5, 4, 12, 0, 0, 1, tzinfo=UTC)


def as_row(image):
    """What the database gives back for what it was given."""
    columns = {name: getattr(value, "adapted", value) for name, value in new_row(image).items()}
    columns |= {
        "created_at": image.created_at,
        "updated_at": image.updated_at,
        "deleted_at": image.deleted_at,
    }
    return tuple(columns[name] for name in COLUMNS.split(", "))


class RowTests(SynchronousTestCase):
    """Rows to images."""

    def test_round_trip(self):
        """An image is the same after it was a row."""
        for image in (
            evolve(FULL, created_at=NOON, updated_at=NOON),
            Image(image_id="a", created_at=NOON, updated_at=NOON, deleted_at=NOON),
        ):
            self.assertEqual(to_image(as_row(image)), image)

    def test_times_are_in_utc(self):
        """Whatever zone the driver gives a time in."""
        there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
        image = to_image(as_row(Image(image_id="a", created_at=there, updated_at=there)))
        self.assertEqual(image.created_at, NOON)
        self.assertIs(image.created_at.tzinfo, UTC)
        self.assertIsNone(image.deleted_at)

    def test_columns_cover_the_image(self):
        """No attribute is forgotten."""
        self.assertEqual(len(COLUMNS.split(", ")), len(fields(Image)))


class ColumnTests(SynchronousTestCase):
    """Values to columns."""

    def test_plain_values(self):
        """Words and numbers go as they are, enumerations by their value."""
        self.assertEqual(
            to_columns(
                {
                    "image_id": "a",
                    "status": Status.SAVING,
                    "visibility": Visibility.PUBLIC,
                    "name": None,
                    "size": 5,
                }
            ),
            {"id": "a", "status": "saving", "visibility": "public", "name": None, "size": 5},
        )

    def test_documents(self):
        """Mappings and locations go as JSON."""
        columns = to_columns(
            {
                "digests": {"md5": "0"},
                "properties": {"a": None},
                "locations": (Location("file", "k"),),
            }
        )
        self.assertEqual(
            {name: getattr(value, "adapted", None) for name, value in columns.items()},
            {
                "digests": {"md5": "0"},
                "properties": {"a": None},
                "locations": [{"store": "file", "key": "k"}],
            },
        )

    def test_times_are_the_databases(self):
        """A new row has every column but the times."""
        times = {"created_at", "updated_at", "deleted_at"}
        self.assertEqual(set(new_row(FULL)), set(COLUMNS.split(", ")) - times)
        self.assertEqual(
            set(to_columns(dict.fromkeys(CHANGEABLE - {"locations", "digests"}))),
            CHANGEABLE - {"locations", "digests"},
        )
