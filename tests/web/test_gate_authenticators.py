"""
The cases of contract §9.7 once more, behind each of our authenticators.

Those of `tests.web.test_gate` ask for badges, which say who somebody is in the plainest way.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.internet.task import Clock

from glancetx.identity.token_file import digest_of
from glancetx.identity.tokens import StaticTokens, Tokens
from glancetx.identity.trusted import TrustedProxy
from glancetx.interfaces import IAuthenticator
from glancetx.testing.threads import InlineThreads
from tests.identity.test_keystone import WithKeystone
from tests.keystone.fake_keystone import document
from tests.web import test_gate
from tests.web.test_gate import PEOPLE, GateCase


class WithTokens(GateCase):
    """Whoever has a token of a file."""

    challenge = 'X-Auth-Token realm="glancetx"'

    def make_authenticator(self) -> IAuthenticator:
        path = Path(self.mktemp())
        path.touch()
        known = {digest_of(f"token of {name}"): who for name, who in PEOPLE.items()}
        return StaticTokens(Clock(), path, lambda _: Tokens(known), InlineThreads())

    def credentials(self, who: str) -> Mapping[str, str]:
        return {"X-Auth-Token": f"token of {who}"}


class WithProxy(GateCase):
    """Whom a proxy names."""

    challenge = None

    def make_authenticator(self) -> IAuthenticator:
        return TrustedProxy(None, "127.0.0.1")

    def credentials(self, who: str) -> Mapping[str, str]:
        person = PEOPLE.get(who)
        if person is None:
            return {"X-Identity-Status": "Invalid", "X-User-Id": who}
        return {
            "X-Identity-Status": "Confirmed",
            "X-User-Id": person.user or "",
            "X-Project-Id": person.project or "",
            "X-Roles": ",".join(person.roles).upper(),
        }


class BehindKeystone(GateCase):
    """Whom Keystone knows."""

    challenge = "Keystone uri='http://public.example:5000'"

    def make_authenticator(self) -> IAuthenticator:
        world = WithKeystone()
        world.setUp()
        for name, person in PEOPLE.items():
            world.keystone.tokens[f"token-of-{name}"] = document(
                user={"id": person.user},
                project={"id": person.project} if person.project else None,
                roles=[{"name": role.title()} for role in person.roles],
            )
        return world.authenticator

    def credentials(self, who: str) -> Mapping[str, str]:
        return {"X-Auth-Token": f"token-of-{who}"}


class TokenStrangerTests(WithTokens, test_gate.StrangerTests):
    """Nobody comes in without a token."""


class TokenAnonymousTests(WithTokens, test_gate.AnonymousTests):
    """Strangers without a token, who are let in."""


class TokenCallerTests(WithTokens, test_gate.CallerTests):
    """Those who have tokens."""


class ProxyStrangerTests(WithProxy, test_gate.StrangerTests):
    """Nobody comes in whom the proxy does not confirm."""


class ProxyAnonymousTests(WithProxy, test_gate.AnonymousTests):
    """Strangers whom the proxy does not confirm, and who are let in."""


class ProxyCallerTests(WithProxy, test_gate.CallerTests):
    """Those whom the proxy confirms."""


class KeystoneStrangerTests(BehindKeystone, test_gate.StrangerTests):
    """Nobody comes in whom Keystone does not know."""


class KeystoneAnonymousTests(BehindKeystone, test_gate.AnonymousTests):
    """Strangers whom Keystone does not know, and who are let in."""


class KeystoneCallerTests(BehindKeystone, test_gate.CallerTests):
    """Those whom Keystone knows."""

    def test_member_without_owner(self) -> None:
        """A token that is not for a project is good for nothing: 403."""
        path = self.image_of("alice")
        for line in (("PUT", f"{path}/members/x"), ("GET", "/v1/images")):
            self.assertEqual(self.ask("nobody", *line).status, 403)
