"""What a login brings."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.keystone.catalogue import Catalogue
from glancetx.keystone.login import parse_login
from tests.keystone.fake_keystone import NOW, document


class LoginTests(SynchronousTestCase):
    """The token of ``POST /v3/auth/tokens``."""

    def test_token(self) -> None:
        """It has its text, its end, and the catalogue."""
        login = parse_login("own", document(60.0))
        self.assertEqual((login.text, login.expires_at), ("own", NOW + 60))
        self.assertEqual(login.catalogue.endpoint("image"), "http://image.example")

    def test_without_catalogue(self) -> None:
        """It may come without one."""
        self.assertEqual(parse_login("own", document(catalog=None)).catalogue, Catalogue())

    def test_time_without_a_zone(self) -> None:
        """A time without a zone is that of UTC."""
        login = parse_login("own", document(expires_at="2027-01-15T08:00:00.000000"))
        self.assertEqual(login.expires_at, NOW)

    def test_repr(self) -> None:
        """It does not show its text."""
        self.assertNotIn("ahem", repr(parse_login("ahem", document())))

    def test_malformed(self) -> None:
        """Anything else is refused in a sentence that tells nothing of it."""
        documents: tuple[Any, ...] = (
            None,
            [],
            {},
            {"token": None},
            document(expires_at=None),
            document(expires_at="tomorrow"),
            document(expires_at=7),
            document(catalog="catalog"),
        )
        for words in documents:
            error = self.assertRaises(ValueError, parse_login, "own", words)
            self.assertEqual(str(error), "this is not a token of Keystone")
            self.assertIsNone(error.__context__)
