"""Identities become callers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import EVERYBODY, OPERATOR, Caller, Identity
from glancetx.errors import NotAuthenticated
from glancetx.usecases.recognition import Recognition

ALICE = Identity(user="alice", project="demo", roles={"Member "})


class RecognitionTests(SynchronousTestCase):
    """What is made of an identity."""

    def test_somebody(self) -> None:
        """He is authenticated, owns as his project, and is no operator."""
        caller = Recognition().caller(ALICE)
        self.assertEqual(caller, Caller(identity=ALICE, owner="demo", is_authenticated=True))
        self.assertEqual(caller.identity.roles, {"member"})

    def test_owner_is_user(self) -> None:
        """Or as himself."""
        self.assertEqual(Recognition(owner_is_tenant=False).caller(ALICE).owner, "alice")
        self.assertIsNone(Recognition().caller(Identity(user="alice")).owner)

    def test_admin_role(self) -> None:
        """The role of operators is compared without regard to case and blanks."""
        for admin_role in ("member", " MEMBER"):
            self.assertTrue(Recognition(admin_role=admin_role).caller(ALICE).is_admin)
        for admin_role in ("", "admin", "memb"):
            self.assertFalse(Recognition(admin_role=admin_role).caller(ALICE).is_admin)

    def test_policy(self) -> None:
        """A rule may make somebody else an operator too."""
        recognition = Recognition(context_is_admin=lambda identity: identity.user == "alice")
        self.assertTrue(recognition.caller(ALICE).is_admin)
        self.assertFalse(recognition.caller(Identity(user="bob")).is_admin)
        self.assertTrue(recognition.caller(Identity(roles={"admin"})).is_admin)

    def test_everybody(self) -> None:
        """Without authentication everybody is the operator, whatever the settings are."""
        recognition = Recognition(admin_role="boss", owner_is_tenant=False)
        self.assertIs(recognition.caller(EVERYBODY), OPERATOR)
        somebody = recognition.caller(Identity(roles={"admin"}))
        self.assertTrue(somebody.is_authenticated)
        self.assertFalse(somebody.is_admin)

    def test_strangers(self) -> None:
        """Strangers are let in when the operator says so, and only read."""
        self.assertRaises(NotAuthenticated, Recognition().stranger)
        caller = Recognition(allow_anonymous_access=True).stranger()
        self.assertEqual(caller, Caller())
        self.assertTrue(caller.is_read_only)
