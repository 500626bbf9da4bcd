"""Tests of how many connections there may be."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.limits import Traffic
from glancetx.networks import Networks
from glancetx.testing.http import MemoryClient
from glancetx.web.connections import MOST_REFUSED, Connections, source_of
from glancetx.web.forwarded import Proxies
from tests.web.api import UNLIMITED, Api
from tests.web.case import TransportCase


class CountTests(SynchronousTestCase):
    """What is counted."""

    def test_in_all(self) -> None:
        """As many as allowed, whoever comes; one that goes makes room."""
        connections = Connections(most=2)
        self.assertTrue(connections.admit(1, "a"))
        self.assertTrue(connections.admit(2, None))
        self.assertFalse(connections.admit(3, None))
        connections.gone(3)
        self.assertFalse(connections.admit(3, "b"))
        connections.gone(1)
        self.assertTrue(connections.admit(4, "b"))

    def test_by_source(self) -> None:
        """Each may have so many, and those without a source any number."""
        connections = Connections(most_per_address=1)
        self.assertTrue(connections.admit(1, "a"))
        self.assertFalse(connections.admit(2, "a"))
        for number, source in enumerate(("b", None, None), 3):
            self.assertTrue(connections.admit(number, source))
        connections.gone(2)
        connections.gone(1)
        self.assertTrue(connections.admit(6, "a"))

    def test_nothing_is_kept(self) -> None:
        """Of connections that are gone nothing is left (R27)."""
        connections = Connections(most=1)
        for number in range(5):
            connections.admit(number, f"{number}")
        for number in range(5):
            connections.gone(number)
        self.assertEqual(
            (connections._admitted, connections._refused, dict(connections._by_source)),
            ({}, set(), {}),
        )

    def test_no_limit(self) -> None:
        """0 is none."""
        connections = Connections()
        self.assertTrue(all(connections.admit(each, "a") for each in range(10_000)))

    def test_sources(self) -> None:
        """An address counts as itself, but for IPv6 its customer's network does."""
        for host, source in (
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("localhost", "localhost"),
        ):
            self.assertEqual(source_of(host), source)


class SiteTests(TransportCase):
    """One connection too many is told so, and costs nothing."""

    def serve(self, proxies: str = "", **limits: int) -> None:
        listed = Proxies(Networks(filter(None, [proxies])))
        traffic = evolve(UNLIMITED, **limits)
        self.api = Api(store=self.store, traffic=traffic, proxies=listed)

    def assert_refused(self, client: MemoryClient) -> None:
        response = client.response()
        self.assertEqual((response.status, response.header("retry-after")), (503, "5"))
        self.assertEqual(response.header("connection"), "close")
        self.assertTrue(client.transport.is_write_closed)

    def test_too_many(self) -> None:
        """It is told before it asks, whatever it sends is not looked at, and then it is cut."""
        self.serve(max_connections=1)
        self.assertEqual(self.client.request("GET", "/versions").status, 200)
        late = self.api.connect()
        self.assert_refused(late)
        late.begin("POST", "/v1/images", {"x-image-meta-id": "never", "Expect": "100-continue"}, 5)
        late.send(b"hello")
        self.assertEqual(late.written, b"")
        self.wait(2)
        self.assertTrue(late.transport.is_aborted)
        late.disconnect()
        self.assertEqual(self.client.request("GET", "/v1/images").body, b'{"images": []}')

    def test_room_again(self) -> None:
        """Who comes when another has left is served; those who were refused do not count."""
        self.serve(max_connections_per_address=1)
        self.assertTrue(self.transport.is_reading)
        self.assert_refused(self.api.connect())
        self.client.disconnect()
        self.assertEqual(self.api.request("GET", "/versions").status, 200)

    def test_listed_proxies(self) -> None:
        """Behind one of them are many clients; it has no limit of its own."""
        self.serve("127.0.0.1", max_connections_per_address=1, max_connections=3)
        clients = [self.api.connect() for _ in range(3)]
        for client in clients:
            self.assertEqual(client.request("GET", "/versions").status, 200)
        self.assert_refused(self.api.connect())

    def test_flood(self) -> None:
        """When very many are being refused further ones are closed without a word."""
        self.serve(max_connections=1)
        self.assertTrue(self.transport.is_reading)
        refused = [self.api.connect() for _ in range(MOST_REFUSED)]
        self.assertIsNone(self.api.site.buildProtocol(self.transport.getPeer()))
        refused[0].disconnect()
        self.assertIsNotNone(self.api.site.buildProtocol(self.transport.getPeer()))

    def test_defaults(self) -> None:
        """A thousand idle connections from one address are no attack."""
        traffic = Traffic()
        for workers in 1, 2, 8, 64:
            each = traffic.divided(workers)
            self.assertGreater(each.max_connections_per_address * workers, 1064)
            self.assertGreaterEqual(each.max_connections, each.max_connections_per_address)
            self.assertGreaterEqual(each.max_transfers * workers, 1024)
