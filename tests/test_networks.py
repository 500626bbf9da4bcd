"""Addresses that an operator lists."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.networks import Networks, plain_address


class NetworksTests(SynchronousTestCase):
    """Who is among them."""

    def test_members(self) -> None:
        """Addresses, those of networks, and unix sockets if they are listed."""
        listed = Networks(["10.0.0.0/8", " 192.0.2.7", "2001:db8::/32", "unix"])
        for host in ("10.1.2.3", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::9%eth0", None):
            self.assertTrue(listed.has(host), host)
        for host in ("192.0.2.8", "::1", "", "host.example", "10.0.0"):
            self.assertFalse(listed.has(host), host)
        self.assertFalse(Networks(["10.0.0.0/8"]).has(None))

    def test_nobody(self) -> None:
        """Without any nobody is."""
        self.assertFalse(Networks())
        self.assertFalse(Networks().has("127.0.0.1"))
        self.assertTrue(Networks(["unix"]))

    def test_mistakes(self) -> None:
        """What is no network is told, and so is what would be everybody."""
        for text in ("", "host.example", "10.0.0.1/8", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104"):
            self.assertRaises(ValueError, Networks, [text])

    def test_plain(self) -> None:
        """An address of IPv4 is one, however it came."""
        self.assertEqual(str(plain_address("::ffff:10.0.0.1")), "10.0.0.1")
        self.assertRaises(ValueError, plain_address, "nobody")
