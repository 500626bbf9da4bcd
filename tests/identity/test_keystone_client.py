"""Questions to Keystone, and what comes of its answers."""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import IdentityUnavailable
from glancetx.httpclient import Backoff
from glancetx.identity.keystone_client import KeystoneClient, Limits
from glancetx.identity.keystone_token import Token
from glancetx.keystone.exchange import Exchange
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


class ClientCase(SynchronousTestCase):
    """A client of a fake Keystone, which knows the token ``good``."""

    def setUp(self) -> None:
        self.clock = started_clock()
        self.keystone = FakeKeystone()
        self.keystone.tokens["good"] = document()
        self.client = self.make_client()
        self.events = logged_events(self)

    def make_client(self, backoff: Backoff | None = None) -> KeystoneClient:
        exchange = Exchange(self.keystone.agent, self.clock, backoff)
        return KeystoneClient(
            self.clock,
            exchange,
            URL,
            OwnToken(self.clock, exchange, URL, own_credentials()),
            Limits(seconds=10.0, calls=4, queue=3),
        )

    def asking(self, text: str = "good", may_be_expired: bool = False) -> Deferred[Token | None]:
        return as_deferred(self.client.validate(text, may_be_expired))

    def ask(self, text: str = "good", may_be_expired: bool = False) -> Token | None:
        token: Token | None = self.successResultOf(self.asking(text, may_be_expired))
        return token

    def assert_unavailable(self, asking: Deferred[Token | None]) -> None:
        failure = self.failureResultOf(asking, IdentityUnavailable)
        self.assertIsNone(failure.value.__context__)


class AnswerTests(ClientCase):
    """What Keystone says."""

    def test_good(self) -> None:
        """A token that Keystone knows is somebody's."""
        token = self.ask()
        self.assertEqual(token.identity.user if token else None, "ada")

    def test_unknown(self) -> None:
        """A token that Keystone does not know is nobody's."""
        self.assertIsNone(self.ask("bad"))

    def test_expired(self) -> None:
        """An expired token is somebody's only when it may be expired."""
        self.keystone.expired.add("good")
        self.assertIsNone(self.ask())
        self.assertIsNotNone(self.ask(may_be_expired=True))

    def test_own_token_lost(self) -> None:
        """When Keystone has forgotten our own token, the question is put again with a new one."""
        self.ask()
        self.keystone.own_tokens.clear()
        self.assertIsNotNone(self.ask())
        self.assertEqual(len(self.keystone.logins), 2)

    def test_own_token_of_no_use(self) -> None:
        """When Keystone lets our own token do nothing, the question is put again with a new one."""
        self.ask()
        self.keystone.powerless.update(self.keystone.own_tokens)
        self.assertIsNotNone(self.ask())
        self.assertEqual(len(self.keystone.logins), 2)

    def test_keystone_that_starts(self) -> None:
        """When it refuses those who come first, they come again, and with one new login only."""
        self.client = self.make_client(Backoff(self.clock, 2, 0.5, jitter=lambda: 1.0))
        self.keystone.refusals = 3
        asking = self.asking()
        self.clock.advance(0.5)
        self.assertNoResult(asking)
        self.clock.advance(1)
        self.assertIsNotNone(self.successResultOf(asking))
        self.assertEqual(len(self.keystone.logins), 2)

    def test_own_user_of_no_use(self) -> None:
        """When it lets the new one do nothing either, nobody can tell, and the log says why."""
        self.keystone.instead_of_validation = (403, b'{"error": {}}')
        self.assert_unavailable(self.asking())
        self.assertEqual(len(self.keystone.logins), 2)
        reasons = [event.get("reason") for event in self.events]
        self.assertEqual(
            reasons, ["our user may not ask about tokens: the role 'service' is missing"]
        )

    def test_own_token_lost_in_a_burst(self) -> None:
        """However many questions find our own token forgotten, there is one new login."""
        self.ask()
        self.keystone.own_tokens.clear()
        self.keystone.is_holding = True
        asking = [self.asking() for _ in range(4)]
        self.keystone.release()
        for each in asking:
            self.assertIsNotNone(self.successResultOf(each))
        self.assertEqual(len(self.keystone.logins), 2)

    def test_own_token_refused_for_good(self) -> None:
        """When Keystone refuses the new one too, nobody can tell."""
        self.ask()
        self.keystone.instead = (401, b'{"error": {}}')
        self.assert_unavailable(self.asking())

    def test_other_answers(self) -> None:
        """After any other answer nobody can tell, also when it is not Keystone who answers."""
        self.ask()
        for instead in (
            (500, b""),
            (503, b"{}"),
            (403, b'{"error": {}}'),
            (429, b""),
            (302, b""),
            (404, b"<html>"),
            (200, b"<html>"),
            (200, b"{}"),
            (200, b"[" * 100_000),
        ):
            self.keystone.instead = instead
            seen = len(self.keystone.seen)
            self.assert_unavailable(self.asking())
            self.assertGreater(len(self.keystone.seen), seen)
            self.clock.advance(10)

    def test_redirect(self) -> None:
        """A redirect is not followed: nobody else gets to see tokens."""
        self.ask()
        seen = len(self.keystone.seen)
        self.keystone.instead = (307, b"")
        self.assert_unavailable(self.asking())
        self.assertEqual(len(self.keystone.seen), seen + 1)

    def test_too_large(self) -> None:
        """An answer without an end is not read to it."""
        self.ask()
        token = json.dumps(document()).encode()
        self.keystone.instead = (200, token + b" " * (5 * 1024 * 1024))
        self.assert_unavailable(self.asking())


class OutageTests(ClientCase):
    """Keystone away, slow, and back."""

    def test_away_and_back(self) -> None:
        """While it is away nobody can tell; when it is back the next question is answered."""
        self.keystone.agent.is_down = True
        self.assert_unavailable(self.asking())
        self.keystone.agent.is_down = False
        self.assertIsNotNone(self.ask())

    def test_silence(self) -> None:
        """A question ends after ten seconds, and its turn with it."""
        self.ask()
        self.keystone.is_holding = True
        asking = [self.asking() for _ in range(7)]
        self.clock.advance(9)
        for each in asking:
            self.assertNoResult(each)
        self.clock.advance(1)
        for each in asking:
            self.assert_unavailable(each)
        self.keystone.is_holding = False
        self.clock.advance(1)
        self.assertIsNotNone(self.ask())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_spared(self) -> None:
        """After many failures in a row nobody waits: one in a second tries, until one succeeds."""
        self.ask()
        self.keystone.instead = (503, b"")
        self.keystone.seen.clear()
        for _ in range(20):
            self.assert_unavailable(self.asking())
        self.assertEqual(len(self.keystone.seen), 5)
        self.clock.advance(1)
        self.keystone.instead = None
        self.assertIsNotNone(self.ask())
        self.assertIsNotNone(self.ask())

    def test_calls(self) -> None:
        """Only so many calls are made at a time; the others wait for their turn."""
        self.ask()
        self.keystone.asked.clear()
        self.keystone.is_holding = True
        asking = [self.asking() for _ in range(7)]
        self.assertEqual(len(self.keystone.asked), 4)
        self.keystone.release()
        for each in asking:
            self.assertIsNotNone(self.successResultOf(each))

    def test_queue(self) -> None:
        """When too many wait, the next one is told so at once."""
        self.ask()
        self.keystone.is_holding = True
        asking = [self.asking() for _ in range(7)]
        self.assert_unavailable(self.asking())
        self.keystone.release()
        for each in asking:
            self.successResultOf(each)

    def test_log(self) -> None:
        """The log tells when it goes and when it is back, once."""
        self.keystone.agent.is_down = True
        for _ in range(3):
            self.assert_unavailable(self.asking())
        self.keystone.agent.is_down = False
        self.ask()
        self.ask()
        told = [event["log_format"] for event in self.events if "Keystone" in event["log_format"]]
        self.assertEqual(
            told,
            [
                "Keystone at {url} cannot be asked: {reason}",
                "Keystone at {url} can be asked again",
            ],
        )


class SecretTests(ClientCase):
    """What must not be told."""

    def test_log(self) -> None:
        """No token and no password is logged, whatever happens (R2)."""
        secret = "gAAAA-a-token-of-somebody"
        self.keystone.tokens[secret] = document()
        self.ask(secret)
        for instead in ((500, secret.encode()), (200, secret.encode()), (401, secret.encode())):
            self.keystone.instead = instead
            self.assert_unavailable(self.asking(secret))
            self.clock.advance(60)
        self.keystone.instead = None
        self.ask(secret)
        self.keystone.agent.is_down = True
        self.assert_unavailable(self.asking(secret))
        said = repr(self.events)
        for word in (secret, PASSWORD, *self.keystone.own_tokens):
            self.assertNotIn(word, said)
