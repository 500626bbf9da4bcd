"""A change as a value that every registry applies alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import fields
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import CHANGEABLE, KEEP, Change, move
from glancetx.image import Image, Status

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class ChangeTests(SynchronousTestCase):
    """What a change sets."""

    def test_changeable(self) -> None:
        """All it may set are attributes of images; id and times are not among them."""
        names = {attribute.name for attribute in fields(Image)}
        self.assertEqual(
            names - CHANGEABLE,
            {"image_id", "properties", "created_at", "updated_at", "deleted_at"}
            | {"reserved", "transferred"},
        )
        self.assertTrue(names >= CHANGEABLE)

    def test_unchangeable(self) -> None:
        """An attribute that no change may set is a mistake of the program."""
        for name in ("image_id", "created_at", "nonsense", "properties"):
            error = self.assertRaises(ValueError, Change, {name: "x"})
            self.assertIn(name, str(error))

    def test_applied(self) -> None:
        """Values are set, all others stay, and the time of the update is now."""
        old = Image(image_id="a", name="old", min_ram=3)
        new = Change({"name": "new"}).applied_to(old, NOW)
        self.assertEqual((new.image_id, new.name, new.min_ram), ("a", "new", 3))
        self.assertEqual((new.created_at, new.updated_at), (old.created_at, NOW))
        self.assertEqual(old.name, "old")

    def test_properties(self) -> None:
        """Properties are added, or replace all others."""
        old = Image(image_id="a", properties={"a": "1", "b": "2"})
        added = Change(properties={"b": "3", "c": None}).applied_to(old, NOW)
        self.assertEqual(added.properties, {"a": "1", "b": "3", "c": None})
        purged = Change(properties={"c": "4"}, purge=True).applied_to(old, NOW)
        self.assertEqual(purged.properties, {"c": "4"})
        self.assertEqual(Change().applied_to(old, NOW).properties, old.properties)

    def test_deletion_time(self) -> None:
        """It is set once by the first state that is gone, and taken back by a restoration."""
        image = Image(image_id="a", status=Status.ACTIVE)
        pending = move(Status.PENDING_DELETE).applied_to(image, NOW)
        self.assertEqual(pending.deleted_at, NOW)
        later = NOW + timedelta(hours=1)
        self.assertEqual(move(Status.DELETED).applied_to(pending, later).deleted_at, NOW)
        self.assertIsNone(move(Status.ACTIVE).applied_to(pending, later).deleted_at)
        self.assertEqual(Change({"name": "x"}).applied_to(pending, later).deleted_at, NOW)


class MoveTests(SynchronousTestCase):
    """Changes of state."""

    def test_move(self) -> None:
        """A move sets the state with whatever else, and the lease."""
        change = move(Status.SAVING, lease=30.0, size=5)
        self.assertEqual(change, Change({"status": Status.SAVING, "size": 5}, lease=30.0))
        self.assertIs(change.status, Status.SAVING)
        self.assertIs(move(Status.SAVING).lease, KEEP)
        self.assertIsNone(Change().status)

    def test_legal(self) -> None:
        """A legal move passes from each expected state, also to where the image is already."""
        move(Status.SAVING).check_moves([Status.QUEUED, Status.SAVING])
        Change({"name": "x"}).check_moves(list(Status))

    def test_illegal(self) -> None:
        """An illegal move from any of the expected states is a mistake of the program."""
        error = self.assertRaises(
            ValueError, move(Status.ACTIVE).check_moves, [Status.SAVING, Status.DELETED]
        )
        self.assertEqual(str(error), "no image moves from deleted to active")
