"""Identity headers from a proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.access import Identity
from glancetx.errors import NotAuthenticated
from glancetx.identity.trusted import TrustedProxy
from glancetx.interfaces import IAuthenticator
from glancetx.testing.authenticator_contract import (
    SPOOFED,
    AuthenticatorContract,
    Credentials,
)

PROXY = "10.0.0.1"
ALICE = {
    "x-identity-status": "Confirmed",
    "x-user-id": "alice",
    "x-project-id": "demo",
    "x-roles": "member,reader",
}


class ContractTests(AuthenticatorContract, TestCase):
    """It keeps the promises of every authenticator."""

    expected = Identity(user="alice", project="demo", roles={"member", "reader"})
    believes_headers = True

    def make_authenticator(self) -> IAuthenticator:
        return TrustedProxy(None, f"{PROXY},192.0.2.0/24")

    def good(self) -> Credentials:
        return ALICE, PROXY

    def bad(self) -> Iterable[Credentials]:
        yield ALICE, "10.0.0.2"
        yield ALICE, None
        yield {**ALICE, "x-identity-status": "Invalid"}, PROXY
        yield SPOOFED, "203.0.113.1"


class TrustedCase(SynchronousTestCase):
    def ask(
        self, headers: Mapping[str, str], peer: str | None = PROXY, proxies: str = PROXY
    ) -> Identity | None:
        """Whom it recognises, or None."""
        asked = TrustedProxy(None, proxies).authenticate(headers, peer)
        if isinstance(asked.result, Identity):
            return self.successResultOf(asked)
        self.failureResultOf(asked, NotAuthenticated)
        return None


class StatusTests(TrustedCase):
    """X-Identity-Status."""

    def test_a_05_status(self) -> None:
        """A-05: it must be exactly Confirmed."""
        for status in (
            "Invalid",
            "confirmed",
            "CONFIRMED",
            "Confirmed,Confirmed",
            "",
            "Confirmed ",
        ):
            self.assertIsNone(self.ask({**ALICE, "x-identity-status": status}), status)
        without = {name: value for name, value in ALICE.items() if name != "x-identity-status"}
        self.assertIsNone(self.ask(without))


class PrecedenceTests(TrustedCase):
    """Which header counts (contract §9.1)."""

    def with_headers(self, **headers: str) -> Identity | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask({"x-identity-status": "Confirmed", **named})

    def test_first_one(self) -> None:
        """The first of each row that is there counts, also when it is empty."""
        self.assertEqual(self.with_headers(x_user_id="a", x_user="b"), Identity(user="a"))
        self.assertEqual(self.with_headers(x_user="b"), Identity(user="b"))
        self.assertEqual(self.with_headers(x_user_id="", x_user="b"), Identity())
        projects = ("x_project_id", "x_tenant_id", "x_tenant")
        for number, name in enumerate(projects):
            lower = dict.fromkeys(projects[number + 1 :], "b")
            self.assertEqual(self.with_headers(**{name: "a"}, **lower), Identity(project="a"))
            self.assertEqual(self.with_headers(**{name: ""}, **lower), Identity())
        self.assertEqual(self.with_headers(x_roles="a", x_role="b"), Identity(roles={"a"}))
        self.assertEqual(self.with_headers(x_role="b"), Identity(roles={"b"}))
        self.assertEqual(self.with_headers(x_roles="", x_role="admin"), Identity())

    def test_a_04_roles(self) -> None:
        """A-04: roles are separated by commas, trimmed, and become lower-case."""
        identity = self.with_headers(x_roles=" Admin ,, ADMIN,Member")
        self.assertEqual(identity, Identity(roles={"admin", "member"}))

    def test_catalogue(self) -> None:
        """X-Service-Catalog is not read, be it JSON or not."""
        for catalogue in ("[]", "not JSON", "[" * 5000):
            self.assertEqual(self.with_headers(x_service_catalog=catalogue), Identity())

    def test_odd_names(self) -> None:
        """Names that nobody can have are refused: a comma is the trace of a repeated header."""
        for name in ("alice,bob", "\ufffd", "a\x00b", "x" * 256):
            self.assertIsNone(self.with_headers(x_user_id=name), name)
            self.assertIsNone(self.with_headers(x_project_id=name), name)
        self.assertEqual(self.with_headers(x_user_id="é" * 255), Identity(user="é" * 255))


class AddressTests(TrustedCase):
    """Who is believed."""

    def test_listed(self) -> None:
        """Addresses and networks of both families, however they are written."""
        for proxies, peer in (
            ("10.0.0.1", "10.0.0.1"),
            ("192.0.2.7, 10.0.0.0/8", "10.255.0.1"),
            ("10.0.0.1", "::ffff:10.0.0.1"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("fe80::/64", "fe80::1%eth0"),
            ("unix", None),
            ("10.0.0.1,unix", None),
        ):
            self.assertIsNotNone(self.ask(ALICE, peer, proxies), (proxies, peer))

    def test_others(self) -> None:
        """Nobody else is, whatever his address looks like."""
        for proxies, peer in (
            ("10.0.0.1", "10.0.0.2"),
            ("10.0.0.1", None),
            ("unix", "10.0.0.1"),
            ("unix", "unix"),
            ("::1", "127.0.0.1"),
            ("10.0.0.1", "10.0.0.1.example"),
            ("10.0.0.1", ""),
        ):
            self.assertIsNone(self.ask(ALICE, peer, proxies), (proxies, peer))

    def test_bad_lists(self) -> None:
        """What is no address, or stands for all of them, is refused by a sentence."""
        for proxies in (
            "",
            "localhost",
            "10.0.0.1,",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "::/0",
            "::ffff:10.0.0.1",
            "10.0.0.1;10.0.0.2",
        ):
            error = self.assertRaises(ValueError, TrustedProxy, None, proxies)
            self.assertTrue(str(error), proxies)
