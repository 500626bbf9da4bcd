"""Who may see and change an image (contract §9.4)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller, may_change, may_see
from glancetx.image import Image, Status, Visibility

OWNER = Caller(owner="us", is_authenticated=True)
STRANGER = Caller(owner="them", is_authenticated=True)
ANONYMOUS = Caller()
ADMIN = Caller(owner="them", is_admin=True, is_authenticated=True)


def image(visibility: Visibility = Visibility.PRIVATE, **others: object) -> Image:
    return Image(image_id="a", visibility=visibility, **{"owner": "us", **others})  # type: ignore[arg-type]


class SeeTests(SynchronousTestCase):
    """Whether an image exists as far as somebody is concerned."""

    def seen_by(self, subject: Image) -> set[str]:
        callers = {
            "owner": OWNER,
            "stranger": STRANGER,
            "anonymous": ANONYMOUS,
            "admin": ADMIN,
            "operator": OPERATOR,
        }
        return {name for name, caller in callers.items() if may_see(caller, subject)}

    def test_open_to_all(self) -> None:
        """Public and community images are seen by everybody."""
        for visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
            self.assertEqual(len(self.seen_by(image(visibility))), 5)

    def test_own(self) -> None:
        """Private and shared images are seen by their owner and by admins."""
        for visibility in (Visibility.PRIVATE, Visibility.SHARED):
            self.assertEqual(self.seen_by(image(visibility)), {"owner", "admin", "operator"})

    def test_member(self) -> None:
        """A member sees what is shared, and nothing else that he would not see anyhow."""
        for visibility in Visibility:
            subject = image(visibility)
            self.assertEqual(
                may_see(STRANGER, subject, is_member=True), visibility is not Visibility.PRIVATE
            )
        gone = image(Visibility.SHARED, status=Status.DELETED)
        self.assertFalse(may_see(STRANGER, gone, is_member=True))

    def test_no_owner(self) -> None:
        """An image without an owner is everybody's to see."""
        self.assertEqual(len(self.seen_by(image(owner=None))), 5)

    def test_gone(self) -> None:
        """A deleted image exists for admins only, whatever it was."""
        for status in (Status.DELETED, Status.PENDING_DELETE):
            for visibility in Visibility:
                gone = image(visibility, status=status)
                self.assertEqual(self.seen_by(gone), {"admin", "operator"})


class ChangeTests(SynchronousTestCase):
    """Who may update or delete an image."""

    def test_owner_and_admin(self) -> None:
        """Its owner and admins, and nobody else, whatever its visibility."""
        for visibility in Visibility:
            subject = image(visibility)
            self.assertTrue(may_change(OWNER, subject))
            self.assertTrue(may_change(ADMIN, subject))
            self.assertFalse(may_change(STRANGER, subject))
            self.assertFalse(may_change(ANONYMOUS, subject))

    def test_no_owner(self) -> None:
        """An image without an owner is changed by admins only, not by those without a project."""
        subject = image(owner=None)
        self.assertFalse(may_change(ANONYMOUS, subject))
        self.assertFalse(may_change(OWNER, subject))
        self.assertTrue(may_change(OPERATOR, subject))


class ReadOnlyTests(SynchronousTestCase):
    """Who changes nothing at all."""

    def test_not_authenticated(self) -> None:
        """Those whom nobody knows, unless everybody is the operator."""
        self.assertTrue(ANONYMOUS.is_read_only)
        for caller in (OWNER, ADMIN, OPERATOR, Caller(is_authenticated=True)):
            self.assertFalse(caller.is_read_only)
