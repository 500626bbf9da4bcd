"""What is kept of Keystone's words about a token."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Identity
from glancetx.identity.keystone_token import parse_token
from tests.keystone.fake_keystone import NOW, document


def credential(*rules: dict[str, str]) -> dict[str, Any]:
    """An application credential with access rules."""
    return {"id": "1", "access_rules": list(rules)}


LIST_IMAGES = {"service": "image", "method": "GET", "path": "/v1/images"}
LIST_SERVERS = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}


class IdentityTests(SynchronousTestCase):
    """Whose token it is."""

    def test_project(self) -> None:
        """User and project are told by their ids, and the end of its life by the epoch."""
        token = parse_token(document(60.0))
        self.assertEqual(
            token.identity,
            Identity(user="ada", project="engines", roles=frozenset({"member"})),
        )
        self.assertEqual(token.expires_at, NOW + 60)

    def test_roles(self) -> None:
        """Roles are trimmed and in lower case."""
        token = parse_token(document(roles=[{"name": " Admin "}, {"name": "READER"}]))
        self.assertEqual(token.identity.roles, {"admin", "reader"})

    def test_other_scopes(self) -> None:
        """Who has a token for the system, for a domain or for nothing has no project."""
        for scope in ({"system": {"all": True}}, {"domain": {"id": "default"}}, {}):
            token = parse_token(document(project=None, **scope))
            self.assertIsNone(token.identity.project)

    def test_without_roles_and_catalogue(self) -> None:
        """An unscoped token has neither roles nor a catalogue."""
        token = parse_token(document(project=None, roles=None, catalog=None))
        self.assertEqual(token.identity, Identity(user="ada"))

    def test_admin_project(self) -> None:
        """A project is the one of admins unless Keystone denies it."""
        self.assertTrue(parse_token(document()).identity.is_admin_project)
        self.assertTrue(parse_token(document(is_admin_project=True)).identity.is_admin_project)
        self.assertFalse(parse_token(document(is_admin_project=False)).identity.is_admin_project)


class RulesTests(SynchronousTestCase):
    """What a token is good for."""

    def test_everything(self) -> None:
        """A token without access rules is good for everything, of an application credential too."""
        self.assertIsNone(parse_token(document()).rules)
        self.assertIsNone(parse_token(document(application_credential={"id": "1"})).rules)

    def test_ours(self) -> None:
        """Of access rules those for other services are not ours."""
        rules = parse_token(
            document(application_credential=credential(LIST_IMAGES, LIST_SERVERS))
        ).rules
        self.assertEqual([rule.method for rule in rules or ()], ["GET"])

    def test_no_rules(self) -> None:
        """An empty list is good for nothing, unlike none."""
        self.assertEqual(parse_token(document(application_credential=credential())).rules, ())

    def test_not_in_the_catalogue(self) -> None:
        """Where Keystone's catalogue has no image service, no rule can be meant for it."""
        for catalog in ([{"type": "compute"}], None):
            token = parse_token(
                document(application_credential=credential(LIST_IMAGES), catalog=catalog)
            )
            self.assertEqual(token.rules, ())


class MalformedTests(SynchronousTestCase):
    """What is not the word of Keystone."""

    def test_refused(self) -> None:
        """Anything else is refused in a sentence that tells nothing of it."""
        documents: tuple[Any, ...] = (
            None,
            [],
            {},
            {"token": None},
            document(user=None),
            document(user={"id": ""}),
            document(user={"id": 7}),
            document(project={"name": "Engines"}),
            document(roles=[{}]),
            document(roles=[{"name": None}]),
            document(expires_at="tomorrow"),
            document(application_credential=credential({"service": "image"})),
        )
        for words in documents:
            error = self.assertRaises(ValueError, parse_token, words)
            self.assertEqual(str(error), "this is not a token of Keystone")
            self.assertIsNone(error.__context__)
