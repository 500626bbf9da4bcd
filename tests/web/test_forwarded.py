"""Tests of what proxies say of a request, and what strangers do."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from glancetx.networks import Networks
from glancetx.web.forwarded import DIRECT, MOST_HOPS, Forwarded, Proxies
from tests.web.api import FORMATS, Api
from tests.web.case import TransportCase, logged_events

LISTED = Networks(["10.0.0.0/8", "2001:db8::/32", "unix"])
PLAIN = Forwarded(client="192.0.2.60", scheme="http")
NAMES = st.sampled_from(["for", "proto", "host"])
VALUES = st.text('for=;, \\"[]:.x19', max_size=40)
STYLES = ("x-forwarded", "forwarded")


def seen(style: str, *fields: tuple[str, str], peer: str | None = "10.0.0.1") -> Forwarded:
    """What is known of a request with these headers."""
    headers = Headers()
    for name, value in fields:
        headers.addRawHeader(name.encode(), value.encode("latin-1"))
    return Proxies(LISTED, style).read(peer, headers)


def x_forwarded(chain: str, proto: str = "", host: str = "", **details: str) -> Forwarded:
    fields = {"X-Forwarded-For": chain, "X-Forwarded-Proto": proto, "X-Forwarded-Host": host}
    return seen("x-forwarded", *((name, value) for name, value in fields.items() if value))


def forwarded(*values: str) -> Forwarded:
    return seen("forwarded", *(("Forwarded", value) for value in values))


class XForwardedTests(SynchronousTestCase):
    """The headers that most proxies set."""

    def test_one_proxy(self) -> None:
        """What it says of its client, with or without a port."""
        for text, client in (
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("2001:500::7", "2001:500::7"),
            ("[2001:500::7]", "2001:500::7"),
            ("[2001:500::7]:4711", "2001:500::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ):
            self.assertEqual(x_forwarded(text), Forwarded(client=client), text)

    def test_right_most_untrusted(self) -> None:
        """Of several addresses the last one that is not a listed proxy's; the rest is hearsay."""
        for chain, client in (
            ("127.0.0.1, 192.0.2.7", "192.0.2.7"),
            ("127.0.0.1, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("127.0.0.1, 192.0.2.7, 2001:db8::2, 10.0.0.2", "192.0.2.7"),
            ("10.9.9.9, 192.0.2.7", "192.0.2.7"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ):
            self.assertEqual(x_forwarded(chain).client, client, chain)

    def test_several_headers(self) -> None:
        """They are one list."""
        fields = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "192.0.2.7, 10.0.0.2")]
        self.assertEqual(seen("x-forwarded", *fields).client, "192.0.2.7")

    def test_malformed(self) -> None:
        """Where an address should be and is none, what is known ends."""
        for junk in ("unknown", "_hidden", "300.1.1.1", "1.2.3", "evil'; --", "[::1", "a" * 5000):
            self.assertEqual(x_forwarded(junk), DIRECT, junk)
            self.assertEqual(x_forwarded(f"127.0.0.1, {junk}, 10.0.0.2").client, "10.0.0.2")

    def test_scheme_and_host(self) -> None:
        """They are taken when they are some, and otherwise nobody has said them."""
        known = x_forwarded("192.0.2.7", "HTTPS", "images.example:8443")
        self.assertEqual((known.scheme, known.host), ("https", "images.example:8443"))
        for scheme, host in (("ftp", "a/b"), ("https:", "a b"), ("javascript", "@"), ("", "a:b")):
            known = x_forwarded("192.0.2.7", scheme, host)
            self.assertEqual((known.scheme, known.host), (None, None), (scheme, host))
        self.assertEqual(x_forwarded("", "https"), Forwarded(scheme="https"))

    def test_scheme_of_the_first_proxy(self) -> None:
        """When each proxy has added its own, that of the first who is listed counts."""
        chain = "127.0.0.1, 192.0.2.7, 10.0.0.2"
        self.assertEqual(x_forwarded(chain, "http, https, http").scheme, "https")
        self.assertEqual(x_forwarded(chain, "https, http").scheme, "https")
        self.assertEqual(x_forwarded(chain, "https").scheme, "https")

    def test_very_many(self) -> None:
        """A long list is looked at as far as proxies may stand in a row."""
        chain = ", ".join(["192.0.2.7"] + ["10.0.0.2"] * MOST_HOPS)
        self.assertEqual(x_forwarded(chain).client, "10.0.0.2")


class ForwardedTests(SynchronousTestCase):
    """RFC 7239."""

    def test_examples(self) -> None:
        """§4 and §6, with what they mean."""
        for value, known in (
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                Forwarded(client="192.0.2.60", scheme="http"),
            ),
            ('For="[2001:500:cafe::17]:4711"', Forwarded(client="2001:500:cafe::17")),
            ('for="192.0.2.43:47011"', Forwarded(client="192.0.2.43")),
            ('for="_gazonk"', DIRECT),
            ("for=unknown;host=images.example", Forwarded(host="images.example")),
            ("for=127.0.0.1, for=192.0.2.43, for=10.0.0.2", Forwarded(client="192.0.2.43")),
            (
                'for=192.0.2.43;host="images\\.example"',
                Forwarded(client="192.0.2.43", host="images.example"),
            ),
            ('for=192.0.2.43;x="a,b;c=\\"d\\""', Forwarded(client="192.0.2.43")),
        ):
            self.assertEqual(forwarded(value), known, value)

    def test_several_headers(self) -> None:
        """They are one list, and each element is one proxy's word."""
        known = forwarded("for=127.0.0.1;proto=http", "for=192.0.2.43;proto=https, for=10.0.0.2")
        self.assertEqual((known.client, known.scheme), ("192.0.2.43", "https"))

    def test_malformed(self) -> None:
        """A header that is not one says nothing."""
        for value in ('for="192.0.2.43', "for", "for=", "=", "for=192.0.2.43 proto=http", "for =a"):
            self.assertEqual(forwarded(value), DIRECT, value)
        for value in ("", ",,,", ";;", " , for=192.0.2.43 ;, "):
            self.assertIn(forwarded(value).client, (None, "192.0.2.43"))

    def test_ends_quickly(self) -> None:
        """Whatever a header holds, a look at it is a short one."""
        for value in ('for="' + "\\" * 60_000, "for=a;" * 10_000, '"' * 60_000, "for=\t" * 9_000):
            forwarded(value)


class TrustTests(SynchronousTestCase):
    """Who is believed."""

    def test_strangers(self) -> None:
        """Whoever is not listed says nothing."""
        fields = [("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.7;host=evil")]
        for style in STYLES:
            for peer in ("192.0.2.1", "::1", "2001:500::1", "nonsense"):
                self.assertEqual(seen(style, *fields, peer=peer), DIRECT)
            for proxy in ("10.0.0.9", "::ffff:10.0.0.9", "2001:db8::9", None):
                self.assertEqual(seen(style, *fields, peer=proxy).client, "192.0.2.7")

    def test_the_other_headers(self) -> None:
        """What proxies do not set is the client's own, and not looked at."""
        both = [("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.8")]
        self.assertEqual(seen("x-forwarded", *both).client, "192.0.2.7")
        self.assertEqual(seen("forwarded", *both).client, "192.0.2.8")
        for style, field in zip(STYLES, reversed(both), strict=True):
            self.assertEqual(seen(style, field), DIRECT)

    def test_unknown_style(self) -> None:
        """A mistake is told."""
        self.assertRaises(ValueError, Proxies, LISTED, "x-real-ip")

    @given(st.lists(st.tuples(NAMES, VALUES)))
    def test_anything(self, given: list[tuple[str, str]]) -> None:
        """No header makes us fail, and what is known is well-formed."""
        x_headers = [(f"X-Forwarded-{name}", value) for name, value in given]
        plain = [("Forwarded", value) for _, value in given]
        for known in (seen("x-forwarded", *x_headers), seen("forwarded", *plain)):
            self.assertIn(known.scheme, (None, "http", "https"))
            self.assertNotIn("/", known.host or "")


SPOOFED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "images.example",
}


class RequestTests(TransportCase):
    """What becomes of it: links, and the log."""

    def serve(self, listed: str) -> None:
        self.api = Api(store=self.store, proxies=Proxies(Networks([listed])))

    def location(self) -> str | None:
        headers = {**FORMATS, **SPOOFED, "Content-Type": ""}
        return self.api.request("POST", "/v1/images", headers).header("location")

    def test_believed(self) -> None:
        """Links have the proxy's scheme and host, and the log the client's address."""
        self.serve("127.0.0.0/8")
        events = logged_events(self)
        self.assertRegex(str(self.location()), "^https://images.example/v1/images/")
        self.assertEqual(events[-1]["client"], "192.0.2.7")
        body = self.api.request("GET", "/versions", SPOOFED).body
        href = json.loads(body)["versions"][0]["links"][0]["href"]
        self.assertEqual(href, "https://images.example/v1/")

    def test_not_believed(self) -> None:
        """From others these headers change nothing (R24)."""
        self.serve("10.0.0.0/8")
        events = logged_events(self)
        self.assertRegex(str(self.location()), "^http://glance.example:9292/v1/images/")
        self.assertEqual(events[-1]["client"], "127.0.0.1")

    def test_malformed(self) -> None:
        """What a proxy passes on is never our failure."""
        self.serve("127.0.0.0/8")
        for headers in (
            {"X-Forwarded-Host": "a/b"},
            {"X-Forwarded-For": b"\xff\xfe", "X-Forwarded-Proto": b"\x80"},
            {"X-Forwarded-For": "," * 9000},
        ):
            self.assertEqual(self.api.request("GET", "/v1/images", headers).status, 200)
