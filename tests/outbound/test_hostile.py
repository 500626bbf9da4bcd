"""No URL leads to where we do not go, and none tells its author anything."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    GlanceError,
    InvalidLocation,
    RemoteUnavailable,
)
from glancetx.outbound.addresses import is_public, parse_address
from glancetx.stores.http import HttpStore
from tests.outbound.fakes import PUBLIC, FakeReactor

NAMES: dict[str, list[list[str]]] = {
    "localhost": [["127.0.0.1", "::1"]],
    "public.example": [[PUBLIC]],
    "nothing.example": [[]],
    "loopback.example": [["127.0.0.1"]],
    "private.example": [["192.168.0.7"]],
    "metadata.example": [["169.254.169.254"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "127.0.0.1.nip.example": [["127.0.0.1"]],
    "mixed.example": [[PUBLIC, "10.0.0.1"]],
    "mixed-last.example": [[*[PUBLIC] * 20, "10.0.0.1"]],
    "six.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "zoned.example": [["fe80::1%eth0"]],
    "zoned-public.example": [["2606:2800:220:1::1%eth0"]],
    "strange.example": [["localhost"]],
}


def hostile_urls() -> list[str]:
    """Those of the data file."""
    text = Path(__file__).with_name("hostile_urls.txt").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [json.JSONDecoder().raw_decode(line)[0] for line in lines]


class HostileUrlsTests(SynchronousTestCase):
    """The URLs of ``hostile_urls.txt``."""

    def error_of(self, awaitable: Awaitable[object]) -> BaseException | None:
        """What this has failed with by now."""
        failure: Failure = self.failureResultOf(as_deferred(awaitable))
        return failure.value

    def test_enough(self) -> None:
        """There are many, and each is there once."""
        urls = hostile_urls()
        self.assertGreaterEqual(len(urls), 80)
        self.assertEqual(len(set(urls)), len(urls))

    def test_probed(self) -> None:
        """Named by a user, each is refused in one and the same way, without a connection (R23)."""
        for url in hostile_urls():
            reactor = FakeReactor(NAMES)
            error = self.error_of(HttpStore(reactor).probe(url))
            self.assertIs(type(error), InvalidLocation, url)
            self.assertIsNone(getattr(error, "__cause__", self), url)
            self.assertEqual(reactor.contacted, [], url)

    def test_messages(self) -> None:
        """Their sentences are one (R22)."""
        store = HttpStore(FakeReactor(NAMES))
        texts = {str(self.error_of(store.probe(url))) for url in hostile_urls()}
        self.assertEqual(texts, {"Invalid location: The HTTP URL is invalid"})

    def test_redirected(self) -> None:
        """A public server cannot send us there either; nothing but it is ever contacted (R23)."""
        for url in hostile_urls():
            if not url.isascii() or any(ord(char) < 32 for char in url):
                continue  # cannot be said in a header
            reactor = FakeReactor(NAMES)
            opening = as_deferred(HttpStore(reactor).open("http://public.example/"))
            reactor.accept().say("HTTP/1.1 302 Found", f"Location: {url}", "Content-Length: 0")
            self.assertEqual({address for address, _ in reactor.contacted}, {PUBLIC}, url)
            self.assertTrue({port for _, port in reactor.contacted} <= {80}, url)
            if len(reactor.contacted) == 1:
                self.assertIsInstance(self.failureResultOf(opening).value, RemoteUnavailable, url)
            else:
                # It was relative, or lost its fragment, and led back to the public server.
                opening.cancel()
                self.failureResultOf(opening)

    def test_no_second_lookup(self) -> None:
        """A name that resolves to loopback the second time is resolved only once (R23)."""
        reactor = FakeReactor({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
        probing = as_deferred(HttpStore(reactor).probe("http://rebind.example/"))
        self.assertEqual(reactor.names.asked, ["rebind.example"])
        self.assertEqual(reactor.contacted, [(PUBLIC, 80)])
        reactor.accept().say("HTTP/1.1 200 OK", "Content-Length: 5")
        self.assertEqual(self.successResultOf(probing), 5)
        self.assertEqual(reactor.names.asked, ["rebind.example"])

    def test_rebound_redirect(self) -> None:
        """A redirect to the same name is judged anew by what it resolves to now."""
        reactor = FakeReactor({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
        probing = as_deferred(HttpStore(reactor).probe("http://rebind.example/"))
        reactor.accept().say("HTTP/1.1 302 Found", "Location: /again", "Content-Length: 0")
        self.failureResultOf(probing, InvalidLocation)
        self.assertEqual(reactor.contacted, [(PUBLIC, 80)])


PARTS = st.sampled_from(
    "http:// https:// @ : / \\ [ ] . 127 0.0.1 ::1 %2e 0x7f 2130706433 localhost public.example "
    "10.1.2.3 8.8.8.8 :80 :8080 user:pass@ ? # ::ffff: 。 １ 64:ff9b::808:808 2606:2800::1".split()
)
URLS = st.one_of(
    st.text(), st.text().map(lambda text: "http://" + text), st.lists(PARTS).map("".join)
)


class AnyTextTests(SynchronousTestCase):
    """Whatever a user writes."""

    @settings(max_examples=500, deadline=None)
    @given(URLS)
    def test_any_text(self, text: str) -> None:
        """It fails by one of our errors or asks a public address, and nothing else (R6)."""
        reactor = FakeReactor(NAMES)
        store = HttpStore(reactor)
        for begin in (store.probe, store.open):
            deferred = as_deferred(begin(text))
            for host, _ in reactor.contacted:
                address = parse_address(host)
                self.assertIsNotNone(address)
                self.assertTrue(address is not None and is_public(address), (text, host))
            if deferred.called:
                failure = self.failureResultOf(deferred)
                self.assertIsInstance(failure.value, GlanceError)
                self.assertIsNone(failure.value.__cause__)
            else:
                deferred.cancel()
                deferred.addErrback(lambda _: None)
