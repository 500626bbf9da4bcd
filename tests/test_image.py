"""An image's states, and what its record keeps to itself."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.image import MOVES, Image, Location, Status, Visibility


class StatusTests(SynchronousTestCase):
    """Which state may follow which."""

    def test_every_status_has_moves(self) -> None:
        """The table knows all states, and no move stays where it is."""
        self.assertEqual(set(MOVES), set(Status))
        for status, following in MOVES.items():
            self.assertNotIn(status, following)

    def test_deleted_is_final(self) -> None:
        """Nothing comes after deletion, and all states lead there."""
        self.assertEqual(MOVES[Status.DELETED], frozenset())
        for status in set(Status) - {Status.DELETED}:
            self.assertIn(Status.DELETED, MOVES[status])

    def test_bytes_are_written_once(self) -> None:
        """Only a queued image begins to be saved."""
        self.assertEqual([each for each in Status if Status.SAVING in MOVES[each]], [Status.QUEUED])

    def test_killed_never_lives_again(self) -> None:
        """A killed image can only be deleted."""
        self.assertEqual(MOVES[Status.KILLED], {Status.DELETED})

    def test_gone(self) -> None:
        """Deleted images are gone, also while their bytes are not."""
        gone = {status for status in Status if status.is_gone}
        self.assertEqual(gone, {Status.PENDING_DELETE, Status.DELETED})


class ImageTests(SynchronousTestCase):
    """A record as a value."""

    def test_defaults(self) -> None:
        """A new image is queued, shared with nobody yet, and empty."""
        image = Image(image_id="a")
        self.assertIs(image.status, Status.QUEUED)
        self.assertIs(image.visibility, Visibility.SHARED)
        self.assertEqual((image.size, image.locations, dict(image.properties)), (0, (), {}))

    def test_frozen(self) -> None:
        """It does not change."""
        with self.assertRaises(AttributeError):
            Image(image_id="a").size = 5  # type: ignore[misc]

    def test_location_hides_its_key(self) -> None:
        """No key is shown by accident: an external one may carry credentials."""
        image = Image(image_id="a", locations=(Location("web", "http://user:secret@host"),))
        self.assertNotIn("secret", repr(image))
