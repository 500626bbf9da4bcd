"""The server's own token: got once, renewed in time."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.keystone.catalogue import Catalogue
from glancetx.keystone.exchange import Exchange, KeystoneAway
from glancetx.keystone.login import Login
from glancetx.keystone.own_token import OwnToken
from tests.keystone.fake_keystone import (
    PASSWORD,
    URL,
    FakeKeystone,
    document,
    own_credentials,
    started_clock,
)
from tests.web.case import logged_events


class OwnTokenCase(SynchronousTestCase):
    """A fake Keystone, and a token of ours."""

    def setUp(self) -> None:
        self.clock = started_clock()
        self.keystone = FakeKeystone()
        self.own = self.make()

    def make(self, password: str = PASSWORD, **options: Any) -> OwnToken:
        exchange = Exchange(self.keystone.agent, self.clock)
        return OwnToken(self.clock, exchange, URL, own_credentials(password), **options)

    def get(self) -> str:
        text: str = self.successResultOf(as_deferred(self.own.get()))
        return text

    def asking(self) -> Deferred[str]:
        return as_deferred(self.own.get())


class LifeTests(OwnTokenCase):
    """How long it is used."""

    def test_kept(self) -> None:
        """It is got when it is first needed, and then kept."""
        self.assertEqual(self.keystone.logins, [])
        self.assertEqual([self.get(), self.get()], ["own-1", "own-1"])
        self.assertEqual(len(self.keystone.logins), 1)

    def test_renewed(self) -> None:
        """It is renewed when four fifths of its life have passed."""
        self.get()
        self.clock.advance(0.8 * 3600 - 1)
        self.assertEqual(self.get(), "own-1")
        self.clock.advance(2)
        self.assertEqual(self.get(), "own-2")

    def test_dropped(self) -> None:
        """One that is dropped is got anew, and only the one that was meant is dropped."""
        self.own.drop(self.get())
        self.assertEqual(self.get(), "own-2")
        self.own.drop("own-1")
        self.assertEqual(self.get(), "own-2")

    def test_one_login_for_all(self) -> None:
        """Many who need it at the same time cause one login."""
        self.keystone.is_holding = True
        asking = [self.asking() for _ in range(50)]
        self.keystone.release()
        self.assertEqual({self.successResultOf(each) for each in asking}, {"own-1"})
        self.assertEqual(len(self.keystone.logins), 1)


class CatalogueTests(OwnTokenCase):
    """What comes along with it."""

    def login(self) -> Login:
        login: Login = self.successResultOf(as_deferred(self.own.login()))
        return login

    def test_catalogue(self) -> None:
        """Who asks for it learns where services are, and again at each renewal."""
        self.own = self.make(with_catalogue=True)
        login = self.login()
        self.assertEqual(login.text, self.get())
        self.assertEqual(login.catalogue.endpoint("image"), "http://image.example")
        self.keystone.services = []
        self.assertIs(self.login(), login)
        self.own.drop(login.text)
        self.assertEqual(self.login().catalogue, Catalogue())

    def test_without_catalogue(self) -> None:
        """For others Keystone does not even send it."""
        self.assertEqual(self.login().catalogue, Catalogue())
        self.assertEqual(self.keystone.seen[-1].uri, b"/v3/auth/tokens?nocatalog")


class FailureTests(OwnTokenCase):
    """When there is none to be had."""

    def test_wrong_password(self) -> None:
        """Refused credentials are tried again after a pause: users get locked out."""
        self.own = self.make(password="wrong")
        for _ in range(5):
            self.failureResultOf(self.asking(), KeystoneAway)
        self.assertEqual(len(self.keystone.logins), 1)
        self.clock.advance(10)
        self.failureResultOf(self.asking(), KeystoneAway)
        self.assertEqual(len(self.keystone.logins), 2)

    def test_new_credentials(self) -> None:
        """New credentials are used at once, also when the old ones were just refused."""
        self.own = self.make(password="wrong")
        self.failureResultOf(self.asking(), KeystoneAway)
        self.own.use(own_credentials())
        self.assertEqual(self.get(), "own-2")
        self.own.use(own_credentials())
        self.assertEqual(self.get(), "own-3")

    def test_new_credentials_during_a_login(self) -> None:
        """A login with the old ones that ends late is of no account, whatever came of it."""
        for password in ("wrong", PASSWORD):
            own = self.own = self.make(password=password)
            self.keystone.is_holding = True
            late = self.asking()
            own.use(own_credentials())
            asking = self.asking()
            self.keystone.release()
            late.addErrback(lambda failure: failure.trap(KeystoneAway))
            self.assertEqual(self.get(), self.successResultOf(asking))
            self.assertEqual(self.get(), self.keystone.own_tokens[-1])

    def test_whose(self) -> None:
        """The log tells whose credentials were refused."""
        events = logged_events(self)
        self.own = self.make(password="wrong")
        failure = self.failureResultOf(self.asking(), KeystoneAway)
        self.assertEqual(str(failure.value), "the credentials of the service user were refused")
        self.assertEqual([event.get("whose") for event in events], ["the service user"])

    def test_away(self) -> None:
        """When Keystone is away the next one tries again at once."""
        self.keystone.agent.is_down = True
        self.failureResultOf(self.asking(), KeystoneAway)
        self.keystone.agent.is_down = False
        self.assertEqual(self.get(), "own-1")

    def test_silent(self) -> None:
        """A login that is not answered ends after ten seconds."""
        self.keystone.is_holding = True
        asking = self.asking()
        self.clock.advance(9)
        self.assertNoResult(asking)
        self.clock.advance(1)
        self.failureResultOf(asking, KeystoneAway)

    def test_strange_answers(self) -> None:
        """Answers that Keystone does not give are no token."""
        token = json.dumps(document()).encode()
        for instead in ((500, b""), (302, b""), (201, b"nonsense"), (201, b"{}"), (200, token)):
            self.keystone.instead = instead
            self.failureResultOf(self.asking(), KeystoneAway)
        self.keystone.instead = None
        self.get()
