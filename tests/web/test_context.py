"""Tests of what surrounds a request."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from glancetx.access import OPERATOR, Caller
from glancetx.web.context import ReceivedHeaders, host_url, peer_of, request_id, target_of
from glancetx.web.errors import HttpError
from glancetx.web.request import StreamingRequest
from tests.web.case import bare_request

SOMEBODY = Caller(owner="p", is_authenticated=True)


def request_at(address: object, host: bytes | None = None) -> StreamingRequest:
    request = bare_request()
    request.host = address
    if host is not None:
        request.requestHeaders.setRawHeaders(b"Host", [host])
    return request


class RequestIdTests(SynchronousTestCase):
    """Which id a request has (contract §1.7)."""

    def test_v_19_v_20_authenticated(self) -> None:
        """V-19, V-20: an authenticated client's id is adopted, with one prefix."""
        self.assertEqual(request_id("abc", SOMEBODY), "req-abc")
        self.assertEqual(request_id("req-abc", SOMEBODY), "req-abc")

    def test_v_21_too_long(self) -> None:
        """V-21: 64 characters are accepted, one more is 431 (R28)."""
        self.assertEqual(request_id("x" * 64, SOMEBODY), "req-" + "x" * 64)
        error = self.assertRaises(HttpError, request_id, "x" * 65, SOMEBODY)
        self.assertEqual(error.status, 431)

    def test_fresh(self) -> None:
        """Without one, or from nobody in particular, it is new each time."""
        for inbound, caller in ((None, SOMEBODY), ("abc", OPERATOR), ("x" * 65, Caller())):
            ids = {request_id(inbound, caller) for _ in range(10)}
            self.assertEqual(len(ids), 10)
            for each in ids:
                self.assertRegex(each, "^req-[0-9a-f-]{36}$")


class HostUrlTests(SynchronousTestCase):
    """By which address we are known."""

    def test_from_the_header(self) -> None:
        """The client's own word, if it is a host."""
        request = request_at(IPv4Address("TCP", "10.0.0.1", 9292), b"img.example")
        self.assertEqual(host_url(request), "http://img.example")

    def test_from_the_address(self) -> None:
        """Without one, the address that was connected to."""
        for address, url in (
            (IPv4Address("TCP", "10.0.0.1", 9292), "http://10.0.0.1:9292"),
            (IPv6Address("TCP", "::1", 9292), "http://[::1]:9292"),
            (IPv6Address("TCP", "fe80::1%eth0", 9292), "http://[fe80::1]:9292"),
            (UNIXAddress("/run/glance"), "http://localhost"),
        ):
            self.assertEqual(host_url(request_at(address)), url)

    def test_bad(self) -> None:
        """What is not a host is 400."""
        request = request_at(IPv4Address("TCP", "10.0.0.1", 9292), b"a/b")
        self.assertEqual(self.assertRaises(HttpError, host_url, request).status, 400)


class ReceivedHeadersTests(SynchronousTestCase):
    """What authenticators see of a request."""

    def headers(self, *fields: tuple[bytes, bytes]) -> ReceivedHeaders:
        received = Headers()
        for name, value in fields:
            received.addRawHeader(name, value)
        return ReceivedHeaders(received)

    def test_names(self) -> None:
        """Names are lower-case, with dashes, whatever the client wrote."""
        headers = self.headers((b"X-ROLES", b"a"), (b"x-user-ID", b"u"))
        self.assertEqual(dict(headers), {"x-roles": "a", "x-user-id": "u"})
        self.assertEqual(len(headers), 2)
        self.assertNotIn("x-role", headers)

    def test_repeated(self) -> None:
        """Values of repeated headers are joined, in their order."""
        headers = self.headers((b"X-Roles", b"a"), (b"x-roles", b"b"))
        self.assertEqual(dict(headers), {"x-roles": "a,b"})

    def test_underscores(self) -> None:
        """No header with an underscore is ever seen, not even when asked for by that name."""
        headers = self.headers((b"X_Roles", b"a"), (b"X-User_Id", b"u"))
        self.assertEqual(dict(headers), {})
        for name in ("x-roles", "x_roles", "X_Roles", "x-user-id", "x-user_id"):
            self.assertNotIn(name, headers)

    def test_odd_bytes(self) -> None:
        """What is not UTF-8 is replaced."""
        self.assertEqual(self.headers((b"a", b"\xff"))["a"], "\ufffd")

    def test_target(self) -> None:
        """What is asked for is told besides, under names that no header can have."""
        received = Headers({b"a": [b"b"]})
        self.assertRaises(ValueError, received.addRawHeader, b":path", b"/v1/images/spoofed")
        headers = ReceivedHeaders(received, {":method": "GET", ":path": "/v1/images"})
        expected = {":method": "GET", ":path": "/v1/images", "a": "b"}
        self.assertEqual(dict(headers), expected)
        self.assertEqual(len(headers), 3)


class TargetTests(SynchronousTestCase):
    """What is asked for."""

    def test_as_routed(self) -> None:
        """The path is decoded, as it is for routing, and without its query."""
        request = request_at(None)
        request.method, request.uri = b"PUT", b"/v1/images/a%2Fb?c=/d?e"
        self.assertEqual(target_of(request), {":method": "PUT", ":path": "/v1/images/a/b"})


class PeerTests(SynchronousTestCase):
    """Who is connected."""

    def test_addresses(self) -> None:
        """Its address, whatever the port; nothing for a unix socket."""
        for address, peer in (
            (IPv4Address("TCP", "10.0.0.1", 40000), "10.0.0.1"),
            (IPv6Address("TCP", "fe80::1%eth0", 40000), "fe80::1%eth0"),
            (UNIXAddress(None), None),
        ):
            request = request_at(None)
            channel: Any = request.channel
            channel.getPeer = lambda address=address: address
            self.assertEqual(peer_of(request), peer)
