"""The suite for authenticators is itself tested: one broken in one way fails just there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from glancetx.access import Identity
from glancetx.errors import NotAuthenticated
from glancetx.interfaces import IAuthenticator, IReloadable
from glancetx.testing.authenticator_contract import AuthenticatorContract, Credentials
from tests.testing.suites import failures

ALICE = Identity(user="alice", project="demo")
MALLORY = Identity(user="mallory")


@implementer(IAuthenticator)
class Sound:
    """Keeps every promise in the plainest way; each broken one changes one thing about it."""

    challenge: str | None = "Badge"
    is_deaf = False

    async def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Identity:
        if self.is_deaf or headers.get("x-badge") != "sesame":
            raise NotAuthenticated
        return ALICE


class OddChallenge(Sound):
    challenge = "Badge\r\nX-Injected: yes"


class Forgetful(Sound):
    async def authenticate(self, headers, peer):
        identity = await super().authenticate(headers, peer)
        self.is_deaf = True
        return identity


class LetsInWithNothing(Sound):
    async def authenticate(self, headers, peer):
        return await super().authenticate({"x-badge": "sesame", **headers}, peer)


class LetsInWithAnything(Sound):
    async def authenticate(self, headers, peer):
        return await super().authenticate({**headers, "x-badge": "sesame"}, peer)


class BelievesRoles(Sound):
    async def authenticate(self, headers, peer):
        await super().authenticate(headers, peer)
        return Identity(user="alice", project="demo", roles=headers.get("x-roles", "").split(","))


class BelievesStatus(Sound):
    async def authenticate(self, headers, peer):
        if headers.get("x-identity-status") == "Confirmed" and "x-badge" not in headers:
            return MALLORY
        return await super().authenticate(headers, peer)


class ChangesHeaders(Sound):
    async def authenticate(self, headers, peer):
        headers["x-badge"] = headers["x-badge"].strip()
        return await super().authenticate(headers, peer)


class Fragile(Sound):
    async def authenticate(self, headers, peer):
        headers.get("x-badge", "").encode("ascii")
        return await super().authenticate(headers, peer)


class NeedsAPeer(Sound):
    async def authenticate(self, headers, peer):
        if "x-badge" in headers:
            peer.split(".")
        return await super().authenticate(headers, peer)


class Talkative(Sound):
    _log = Logger()

    async def authenticate(self, headers, peer):
        self._log.debug("looking at {badge}", badge=headers.get("x-badge"))
        return await super().authenticate(headers, peer)


class BreaksWhenCancelled(Sound):
    """One who is cancelled spoils it for all who come after him."""

    is_new = True

    def authenticate(self, headers, peer):
        if self.is_new:
            self.is_new = False
            return Deferred(lambda _: setattr(self, "is_deaf", True))
        return super().authenticate(headers, peer)


@implementer(IReloadable)
class LosesAllAtReload(Sound):
    async def reload(self) -> None:
        self.is_deaf = True


class SuiteTests(SynchronousTestCase):
    """Every promise is looked after."""

    def failures(self, authenticator: type[Sound], only: Iterable[str] = ()) -> set[str]:
        """The names of the tests that it fails."""

        class Joined(AuthenticatorContract, TestCase):
            expected = ALICE
            secret = "sesame"

            def make_authenticator(self) -> IAuthenticator:
                return authenticator()

            def good(self) -> Credentials:
                return {"x-badge": "sesame"}, "127.0.0.1"

            def bad(self) -> Iterable[Credentials]:
                yield {"x-badge": "wrong"}, "127.0.0.1"

        failed = failures(Joined, only or None)
        self.flushLoggedErrors()
        return failed

    def test_sound(self) -> None:
        """One that keeps every promise passes."""
        self.assertEqual(self.failures(Sound), set())

    def test_broken(self) -> None:
        """One that is broken in one way fails where that is looked for."""
        for broken, where in (
            (OddChallenge, "provides_the_interface"),
            (Forgetful, "recognises"),
            (LetsInWithNothing, "refuses"),
            (LetsInWithAnything, "refuses"),
            (BelievesRoles, "spoofed_headers"),
            (BelievesStatus, "spoofed_headers"),
            (ChangesHeaders, "recognises"),
            (Fragile, "odd_values"),
            (NeedsAPeer, "odd_values"),
            (Talkative, "secret"),
            (BreaksWhenCancelled, "cancelled"),
            (LosesAllAtReload, "reload"),
        ):
            only = [f"test_{where}"]
            self.assertEqual(self.failures(broken, only), {where}, broken.__name__)
        self.assertEqual(self.failures(BelievesRoles), {"spoofed_headers"})
        self.assertEqual(self.failures(Talkative), {"secret"})
