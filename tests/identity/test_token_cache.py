"""How long tokens are remembered, and how seldom Keystone is asked."""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Identity
from glancetx.deferreds import as_deferred
from glancetx.errors import IdentityUnavailable
from glancetx.identity.keystone_token import Token
from glancetx.identity.token_cache import TokenCache
from tests.keystone.fake_keystone import NOW, started_clock

LIFETIME = 300.0


class CacheCase(SynchronousTestCase):
    """A cache before somebody who knows the tokens in ``known``."""

    def setUp(self) -> None:
        self.clock = started_clock()
        self.known = {"good": Token(Identity(user="ada", project="engines"), NOW + 3600)}
        self.asked: list[tuple[str, bool]] = []
        self.delay: Deferred[None] | None = None
        self.is_away = False
        self.cache = TokenCache(self.clock, self.validate, LIFETIME, size=4)

    async def validate(self, text: str, may_be_expired: bool) -> Token | None:
        self.asked.append((text, may_be_expired))
        if self.delay is not None:
            await self.delay
        if self.is_away:
            raise IdentityUnavailable()
        return self.known.get(text)

    def find(self, text: str, *, may_be_expired: bool = False) -> Token | None:
        found: Token | None = self.successResultOf(
            as_deferred(self.cache.find(text, may_be_expired=may_be_expired))
        )
        return found


class LifetimeTests(CacheCase):
    """When a token is asked about again."""

    def test_remembered(self) -> None:
        """A token is asked about once within the lifetime."""
        for _ in range(3):
            self.assertEqual(self.find("good"), self.known["good"])
            self.clock.advance(99)
        self.assertEqual(self.asked, [("good", False)])

    def test_revoked(self) -> None:
        """A revoked token is refused when the lifetime has passed."""
        self.find("good")
        del self.known["good"]
        self.clock.advance(LIFETIME - 1)
        self.assertIsNotNone(self.find("good"))
        self.clock.advance(1)
        self.assertIsNone(self.find("good"))

    def test_lifetime_from_the_question(self) -> None:
        """The lifetime begins with the question: it may be revoked while the answer travels."""
        self.delay = Deferred()
        found = as_deferred(self.cache.find("good"))
        self.clock.advance(10)
        self.delay.callback(None)
        self.successResultOf(found)
        self.clock.advance(LIFETIME - 10)
        self.find("good")
        self.assertEqual(len(self.asked), 2)

    def test_expiry(self) -> None:
        """A token is never good after its end, however long the lifetime."""
        self.known["good"] = Token(Identity(), NOW + 60)
        self.find("good")
        del self.known["good"]
        self.clock.advance(59)
        self.assertIsNotNone(self.find("good"))
        self.clock.advance(1)
        self.assertIsNone(self.find("good"))

    def test_expired_by_our_clock(self) -> None:
        """A token that has expired by our clock is refused, whatever Keystone's says."""
        self.known["good"] = Token(Identity(), NOW)
        self.assertIsNone(self.find("good"))

    def test_may_be_expired(self) -> None:
        """One that may be expired is good for the lifetime, and only where it may be expired."""
        self.known["good"] = Token(Identity(), NOW - 10)
        self.assertIsNotNone(self.find("good", may_be_expired=True))
        self.assertIsNotNone(self.find("good", may_be_expired=True))
        self.assertIsNone(self.find("good"))
        self.assertEqual(self.asked, [("good", True), ("good", False)])

    def test_refused_for_a_moment(self) -> None:
        """A refused token is not asked about again for ten seconds."""
        for _ in range(3):
            self.assertIsNone(self.find("bad"))
        self.assertEqual(len(self.asked), 1)
        self.clock.advance(10)
        self.find("bad")
        self.assertEqual(len(self.asked), 2)

    def test_unavailability_is_not_remembered(self) -> None:
        """That nobody could tell is forgotten at once."""
        self.is_away = True
        self.failureResultOf(as_deferred(self.cache.find("good")), IdentityUnavailable)
        self.is_away = False
        self.assertIsNotNone(self.find("good"))

    def test_without_a_lifetime(self) -> None:
        """With a lifetime of nothing each request asks."""
        self.cache = TokenCache(self.clock, self.validate, 0.0)
        self.find("good")
        self.find("good")
        self.assertEqual(len(self.asked), 2)


class BoundTests(CacheCase):
    """How much is remembered."""

    def test_size(self) -> None:
        """The token not used for the longest time is forgotten first."""
        for number in range(5):
            self.known[f"t{number}"] = self.known["good"]
        for text in ("t0", "t1", "t2", "t3", "t0", "t4"):
            self.find(text)
        self.assertEqual(len(self.cache), 4)
        self.asked.clear()
        for text in ("t0", "t2", "t3", "t4"):
            self.find(text)
        self.assertEqual(self.asked, [])
        self.find("t1")
        self.assertEqual(self.asked, [("t1", False)])

    def test_invented_tokens_drive_out_nobody(self) -> None:
        """However many bad tokens are tried, the good ones stay."""
        self.find("good")
        for number in range(50):
            self.find(f"bad{number}")
        self.asked.clear()
        self.find("good")
        self.assertEqual(self.asked, [])
        self.assertEqual(len(self.cache), 5)

    def test_token_is_not_kept(self) -> None:
        """What is kept does not hold the token itself."""
        self.find("good")
        self.find("evil")
        kept = repr(vars(self.cache._good)) + repr(vars(self.cache._refused))
        self.assertNotIn("good", kept)
        self.assertNotIn("evil", kept)


class RaceTests(CacheCase):
    """Requests that come at the same time."""

    def test_a_thousand_requests(self) -> None:
        """A thousand requests with ten tokens, 64 at a time, ask ten times."""
        for number in range(10):
            self.known[f"t{number}"] = self.known["good"]
        self.cache = TokenCache(self.clock, self.validate, LIFETIME)
        done = 0
        while done < 1000:
            self.delay = Deferred()
            flying = [
                as_deferred(self.cache.find(f"t{number % 10}"))
                for number in range(done, min(done + 64, 1000))
            ]
            self.delay.callback(None)
            for each in flying:
                self.assertIsNotNone(self.successResultOf(each))
            done += len(flying)
        self.assertEqual(done, 1000)
        self.assertEqual(set(Counter(self.asked).values()), {1})
        self.assertEqual(len(self.asked), 10)

    def test_client_that_leaves(self) -> None:
        """When the one who came first leaves, the others get the answer all the same."""
        self.delay = Deferred()
        first, second = (as_deferred(self.cache.find("good")) for _ in range(2))
        first.addErrback(lambda _: None)
        first.cancel()
        self.delay.callback(None)
        self.assertEqual(self.successResultOf(second), self.known["good"])
        self.assertEqual(len(self.asked), 1)
