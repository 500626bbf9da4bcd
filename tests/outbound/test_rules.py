"""What an operator allows is what is allowed, and no more."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.outbound.addresses import parse_address
from glancetx.outbound.rules import parse_rules
from glancetx.outbound.target import parse_target


class RulesTests(SynchronousTestCase):
    """Allow-lists."""

    def permits(self, allow: str, url: str, address: str) -> bool:
        parsed = parse_address(address)
        assert parsed is not None
        return parse_rules(allow).permits(parse_target(url), parsed)

    def test_nothing(self) -> None:
        """Without a list: public addresses, at 80, 443 and from 1024 on (R22)."""
        for port, expected in {
            80: True,
            443: True,
            1024: True,
            65535: True,
            81: False,
            22: False,
            1023: False,
        }.items():
            self.assertIs(self.permits("", f"http://a.example:{port}/", "8.8.8.8"), expected)
        self.assertFalse(self.permits("", "http://a.example/", "10.0.0.1"))
        self.assertTrue(self.permits("", "http://a.example/", "2606:2800:220:1::1"))
        self.assertTrue(self.permits("", "http://a.example/", "64:ff9b::808:808"))

    def test_networks(self) -> None:
        """A network allows its addresses, whatever name led there."""
        for url in ("http://10.1.2.3/", "http://a.example/"):
            self.assertTrue(self.permits("10.0.0.0/8", url, "10.1.2.3"))
            self.assertFalse(self.permits("10.0.0.0/8", url, "11.1.2.3") and "11" in url)
            self.assertFalse(self.permits("10.1.2.4", url, "10.1.2.3"))
            self.assertFalse(self.permits("10.0.0.0/8", url, "127.0.0.1"))
        self.assertTrue(self.permits("fd00::/8", "http://a.example/", "fd00::1"))
        self.assertFalse(self.permits("127.0.0.1", "http://a.example/", "::ffff:127.0.0.1"))

    def test_names(self) -> None:
        """A name allows what it resolves to; a wildcard all names below, and not the domain."""
        self.assertTrue(self.permits("a.example", "http://A.example/", "10.0.0.1"))
        self.assertFalse(self.permits("a.example", "http://b.a.example/", "10.0.0.1"))
        self.assertTrue(self.permits("*.example", "http://b.a.example/", "10.0.0.1"))
        self.assertFalse(self.permits("*.a.example", "http://a.example/", "10.0.0.1"))
        self.assertFalse(self.permits("*.a.example", "http://xa.example/", "10.0.0.1"))

    def test_ports(self) -> None:
        """An entry with a port allows that one; one without allows the usual ones."""
        self.assertTrue(self.permits("10.0.0.1:81", "http://10.0.0.1:81/", "10.0.0.1"))
        self.assertFalse(self.permits("10.0.0.1:81", "http://10.0.0.1/", "10.0.0.1"))
        self.assertFalse(self.permits("10.0.0.1", "http://10.0.0.1:81/", "10.0.0.1"))
        self.assertTrue(self.permits("[::1]:81", "http://[::1]:81/", "::1"))
        self.assertTrue(self.permits("a.example:81", "http://a.example:81/", "8.8.8.8"))
        self.assertFalse(self.permits("b.example:81", "http://a.example:81/", "8.8.8.8"))

    def test_lists(self) -> None:
        """Entries are separated by commas, and white space does not matter."""
        rules = parse_rules(" 10.0.0.0/8 , *.example:8080,")
        self.assertEqual(len(rules.entries), 2)

    def test_nonsense(self) -> None:
        """What makes no sense is told."""
        for allow in ("10.0.0.1/8", "a b", "a:0", "a:x", "127.1", "http://a", "*", "*.", "[::1"):
            self.assertRaises(ValueError, parse_rules, allow)
