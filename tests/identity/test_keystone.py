"""Who a request is from, by the tokens it shows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from glancetx.access import Identity
from glancetx.deferreds import as_deferred
from glancetx.errors import IdentityUnavailable, NotAllowed, NotAuthenticated
from glancetx.identity.keystone import KeystoneAuthenticator, keystone
from glancetx.identity.keystone_client import KeystoneClient
from glancetx.identity.token_cache import TokenCache
from glancetx.interfaces import IAuthenticator, IProbed
from glancetx.keystone.exchange import Exchange, KeystoneAway, Reply
from glancetx.keystone.own_token import OwnToken
from glancetx.testing.authenticator_contract import AuthenticatorContract, Credentials
from tests.keystone.fake_keystone import (
    URL,
    FakeKeystone,
    document,
    own_credentials,
    started_clock,
)
from tests.web.case import logged_events

ADA = Identity(user="ada", project="engines", roles=frozenset({"member"}))
RULES = [
    {"service": "image", "method": "GET", "path": "/v1/images/*"},
    {"service": "compute", "method": "DELETE", "path": "**"},
]


class WithKeystone:
    """An authenticator before a fake Keystone with tokens of every kind."""

    def setUp(self) -> None:
        self.clock = started_clock()
        self.keystone = FakeKeystone()
        self.keystone.tokens = {
            "ada": document(),
            "nova": document(user={"id": "nova"}, roles=[{"name": "Service"}]),
            "other": document(user={"id": "mallory"}),
            "ruled": document(application_credential={"id": "1", "access_rules": RULES}),
            "system": document(project=None, system={"all": True}, roles=[{"name": "admin"}]),
            "domain": document(project=None, domain={"id": "d"}, roles=[{"name": "admin"}]),
            "unscoped": document(project=None, roles=None),
        }
        exchange = Exchange(self.keystone.agent, self.clock)
        own = OwnToken(self.clock, exchange, URL, own_credentials())
        client = KeystoneClient(self.clock, exchange, URL, own)
        self.authenticator = KeystoneAuthenticator(
            TokenCache(self.clock, client.validate, 300.0), "http://public.example:5000"
        )


class ReadyTests(SynchronousTestCase):
    """Whether Keystone could be asked now."""

    def checking(self, reply: Deferred[Reply]) -> Deferred[None]:
        authenticator = KeystoneAuthenticator(Any, URL, greet=lambda: reply)  # type: ignore[arg-type]
        verifyObject(IProbed, authenticator)
        return as_deferred(authenticator.check_ready())

    def test_answers(self) -> None:
        """It is when it answers at all."""
        for status in (200, 404):
            self.successResultOf(self.checking(succeed(Reply(status))))

    def test_away(self) -> None:
        """It is not when it does not, or has enough to do with itself; nobody is told why."""
        for reply in (succeed(Reply(503)), fail(KeystoneAway("at http://10.0.0.1"))):
            failure = self.failureResultOf(self.checking(reply), IdentityUnavailable)
            self.assertNotIn("10.0.0.1", str(failure.value))


class AuthenticatorCase(WithKeystone, SynchronousTestCase):
    """Requests with headers of every kind."""

    def asking(self, *request: str, **headers: str) -> Deferred[Identity]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if request:
            named |= {":method": request[0], ":path": request[1]}
        return as_deferred(self.authenticator.authenticate(named, "192.0.2.1"))

    def identity(self, *request: str, **headers: str) -> Identity:
        identity: Identity = self.successResultOf(self.asking(*request, **headers))
        return identity

    def assert_nobody(self, *request: str, **headers: str) -> None:
        self.failureResultOf(self.asking(*request, **headers), NotAuthenticated)


class TokenTests(AuthenticatorCase):
    """The client's own token."""

    def test_interface(self) -> None:
        """It is an authenticator."""
        verifyObject(IAuthenticator, self.authenticator)

    def test_challenge(self) -> None:
        """A refused client is told where tokens are got."""
        self.assertEqual(self.authenticator.challenge, "Keystone uri='http://public.example:5000'")

    def test_token(self) -> None:
        """Whoever shows a token is whose it is, blanks around it or not."""
        self.assertEqual(self.identity(x_auth_token="ada"), ADA)
        self.assertEqual(self.identity(x_auth_token=" ada "), ADA)

    def test_storage_token(self) -> None:
        """A token may come by its old name; the new one counts where both are."""
        self.assertEqual(self.identity(x_storage_token="ada"), ADA)
        self.assertEqual(self.identity(x_auth_token="ada", x_storage_token="other"), ADA)

    def test_no_token(self) -> None:
        """Without a token nobody is anybody, and Keystone is not asked."""
        self.assert_nobody()
        self.assert_nobody(x_auth_token=" ")
        self.assert_nobody(x_user_id="ada", x_roles="admin", x_identity_status="Confirmed")
        self.assertEqual(self.keystone.asked, [])

    def test_bad_token(self) -> None:
        """A token that Keystone does not know is nobody's."""
        self.assert_nobody(x_auth_token="bad")

    def test_impossible_tokens(self) -> None:
        """What cannot be a token is not even asked about."""
        for text in ("a b", "ada,other", "ada\r\nX-Auth-Token: x", "\u00e4da", "\x00", "a" * 8193):
            self.assert_nobody(x_auth_token=text)
        self.assertEqual(self.keystone.asked, [])

    def test_keystone_away(self) -> None:
        """When nobody can tell, that is what is told."""
        self.keystone.agent.is_down = True
        self.failureResultOf(self.asking(x_auth_token="ada"), IdentityUnavailable)

    def test_keystone_away_from_the_known(self) -> None:
        """Those who are remembered stay known while Keystone is away."""
        self.identity(x_auth_token="ada")
        self.keystone.agent.is_down = True
        self.assertEqual(self.identity(x_auth_token="ada"), ADA)

    def test_not_for_a_project(self) -> None:
        """Tokens for the system, for a domain or for nothing are good for nothing here."""
        for text in ("system", "domain", "unscoped"):
            self.failureResultOf(self.asking(x_auth_token=text), NotAllowed)


class ServiceTokenTests(AuthenticatorCase):
    """Another service vouches for its client."""

    def test_expired(self) -> None:
        """The client's token may have expired when a service vouches for it, and only then."""
        self.keystone.expired.add("ada")
        self.assert_nobody(x_auth_token="ada")
        self.assertEqual(self.identity(x_auth_token="ada", x_service_token="nova"), ADA)
        self.assert_nobody(x_auth_token="ada")

    def test_without_the_role(self) -> None:
        """Who is no service vouches for nobody, also not for a good token."""
        self.assert_nobody(x_auth_token="ada", x_service_token="other")

    def test_bad(self) -> None:
        """A bad service token is refused, also beside a good token."""
        for text in ("bad", "a b"):
            self.assert_nobody(x_auth_token="ada", x_service_token=text)

    def test_expired_itself(self) -> None:
        """A service token must not have expired."""
        self.keystone.expired.add("nova")
        self.assert_nobody(x_auth_token="ada", x_service_token="nova")

    def test_alone(self) -> None:
        """A service token alone is nobody's token."""
        self.assert_nobody(x_service_token="nova")

    def test_bad_client(self) -> None:
        """A token that nobody knows does not become good by it."""
        self.assert_nobody(x_auth_token="bad", x_service_token="nova")


class AccessRuleTests(AuthenticatorCase):
    """Tokens that are good for some requests only."""

    def test_permitted(self) -> None:
        """A request that a rule names is permitted."""
        self.assertEqual(self.identity("GET", "/v1/images/a", x_auth_token="ruled"), ADA)

    def test_other_requests(self) -> None:
        """Any other is refused, whatever the same credential may do elsewhere."""
        self.assert_nobody("GET", "/v1/images", x_auth_token="ruled")
        self.assert_nobody("PUT", "/v1/images/a", x_auth_token="ruled")
        self.assert_nobody("DELETE", "/v1/images/a", x_auth_token="ruled")

    def test_unknown_request(self) -> None:
        """Without word of the request the token is refused."""
        self.assert_nobody(x_auth_token="ruled")

    def test_decided_for_each_request(self) -> None:
        """A remembered token is judged anew by each request."""
        self.identity("GET", "/v1/images/a", x_auth_token="ruled")
        self.assert_nobody("GET", "/v1/images", x_auth_token="ruled")
        self.assertEqual(self.keystone.asked, ["ruled"])

    def test_vouched_for(self) -> None:
        """A service may do what it has to for such a client."""
        self.assertEqual(
            self.identity("GET", "/v1/images", x_auth_token="ruled", x_service_token="nova"), ADA
        )


class TransferTests(AuthenticatorCase):
    """The decision is taken at the start of a request."""

    def test_token_that_expires_meanwhile(self) -> None:
        """An identity that was given stays as it is when its token expires hours later (R13)."""
        identity = self.identity(x_auth_token="ada")
        self.clock.advance(3 * 3600)
        self.assertEqual(identity, ADA)
        self.assert_nobody(x_auth_token="ada")


class MakingTests(SynchronousTestCase):
    """From a description string."""

    def setUp(self) -> None:
        self.credentials = self.mktemp()
        with open(self.credentials, "w") as file:
            file.write('user_id = "u"\npassword = "p"\nproject_id = "i"\n')
        os.chmod(self.credentials, 0o600)

    def make(self, url: str, **options: str) -> KeystoneAuthenticator:
        reactor: Any = started_clock()
        return keystone(reactor, url, **{"credentials": self.credentials, **options})

    def test_url(self) -> None:
        """The version is added where it is missing."""
        for url in "https://keystone.example:5000", "https://keystone.example:5000/v3/":
            self.assertEqual(
                self.make(url).challenge, "Keystone uri='https://keystone.example:5000/v3'"
            )
        self.assertEqual(
            self.make("https://[::1]/identity").challenge,
            "Keystone uri='https://[::1]/identity/v3'",
        )

    def test_auth_uri(self) -> None:
        """Clients may be told another address than ours."""
        made = self.make("http://localhost:5000", auth_uri="https://cloud.example")
        self.assertEqual(made.challenge, "Keystone uri='https://cloud.example'")

    def test_exposed(self) -> None:
        """Who sends tokens and credentials unencrypted to another machine is warned."""
        events = logged_events(self)
        self.make("https://keystone.example")
        self.make("http://127.0.0.1:5000")
        self.assertEqual(events, [])
        self.make("http://keystone.example")
        self.assertEqual([event["url"] for event in events], ["http://keystone.example/v3"])

    def test_reload(self) -> None:
        """Told to, it reads its credentials again; a file that makes no sense changes nothing."""
        made = self.make("https://keystone.example")
        events = logged_events(self)
        self.successResultOf(as_deferred(made.reload()))
        self.assertEqual(events, [])
        with open(self.credentials, "w") as file:
            file.write('password = "secret')
        self.successResultOf(as_deferred(made.reload()))
        self.assertEqual(
            [event["log_format"] for event in events],
            ["Our credentials for Keystone stay as they were: {error}"],
        )
        self.assertNotIn("secret", repr(events))

    def test_mistakes(self) -> None:
        """Whatever makes no sense is refused before anything is opened."""
        good = "https://keystone.example"
        for url in (
            "",
            "keystone.example",
            "ftp://k",
            "https://u:p@k",
            "https://k/?a",
            "https://k'",
        ):
            self.assertRaises(ValueError, self.make, url)
        for options in (
            {"cache": "-1"},
            {"cache": "soon"},
            {"timeout": "0"},
            {"calls": "0"},
            {"auth_uri": "x'\r\nA: b"},
            {"ca": "/nowhere/at/all"},
            {"ca": self.credentials},
            {"credentials": "/nowhere/at/all"},
        ):
            self.assertRaises(ValueError, self.make, good, **options)


class ContractTests(AuthenticatorContract, WithKeystone, TestCase):
    """What every authenticator promises."""

    expected = ADA
    secret = "ada-secret"

    def make_authenticator(self) -> IAuthenticator:
        self.keystone.tokens["ada-secret"] = document()
        return self.authenticator

    def good(self) -> Credentials:
        return {"x-auth-token": "ada-secret"}, "192.0.2.1"

    def bad(self) -> Iterable[Credentials]:
        yield {"x-auth-token": "bad"}, "192.0.2.1"
        yield {"x-auth-token": "ada-secret", "x-service-token": "other"}, "192.0.2.1"
