"""Tests of a request that is handled when its head is in."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from zope.interface.verify import verifyObject

from glancetx.web.request import streaming
from tests.web.case import TransportCase, bare_request


class RequestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.request = bare_request()


class HeaderTests(RequestCase):
    """What a header says."""

    def set(self, *values: bytes) -> None:
        self.request.requestHeaders.setRawHeaders(b"X-A", list(values))

    def test_text_and_bytes(self) -> None:
        """Whoever asks by text gets text, and by bytes, bytes; in any case of letters."""
        self.set("é".encode())
        self.assertEqual(self.request.getHeader("x-a"), "é")
        self.assertEqual(self.request.getHeader(b"X-a"), "é".encode())
        self.assertIsNone(self.request.getHeader("x-b"))

    def test_joined(self) -> None:
        """§1.8: values of a repeated header are joined with a comma."""
        self.set(b"a", b"b")
        self.assertEqual(self.request.getHeader("x-a"), "a,b")

    def test_not_utf_8(self) -> None:
        """Bytes that are no text are replaced in a text, and kept in bytes."""
        self.set(b"a\xff")
        self.assertEqual(self.request.getHeader("x-a"), "a\ufffd")
        self.assertEqual(self.request.getHeader(b"x-a"), b"a\xff")


class InterfaceTests(RequestCase):
    """What it is."""

    def test_interface(self) -> None:
        """It is a request as Twisted knows them."""
        self.assertTrue(IRequest.providedBy(self.request))
        verifyObject(IRequest, self.request, tentative=True)

    def test_streaming(self) -> None:
        """A request of another site does not stream."""
        self.assertIs(streaming(self.request), self.request)
        self.assertRaises(TypeError, streaming, Request(self.request.channel, False))

    def test_host_name(self) -> None:
        """Routes do not depend on what a client calls us."""
        self.request.requestHeaders.setRawHeaders(b"Host", [b"a..b"])
        self.assertEqual(self.request.getRequestHostname(), b"localhost")


class KeptWaitingTests(TransportCase):
    """Whose turn it is."""

    def test_turns(self) -> None:
        """Ours until we read, then the client's, then ours again."""
        self.store.on = frozenset({"add"})
        self.begin_upload(5)
        [channel] = self.api.site._channels
        [request] = channel.requests
        self.assertTrue(request.is_kept_waiting)
        self.store.open_gate()
        self.assertFalse(request.is_kept_waiting)
        self.client.send(b"hello")
        self.assertFalse(request.is_kept_waiting)

    def test_head_is_the_clients_turn(self) -> None:
        """A request whose head is not complete waits for the client."""
        self.client.send(b"GET / HTTP/1.1\r\n")
        [channel] = self.api.site._channels
        self.assertFalse(channel.requests[0].is_kept_waiting)


class PreparedTests(RequestCase):
    """Headers that are sent as they are."""

    def test_names(self) -> None:
        """Names look as those that Twisted writes; one that has capitals is taken as it is."""
        self.request.prepare(b"x-image-meta-disk_format", b"raw")
        self.request.prepare(b"ETag", b"abc")
        self.assertEqual(
            self.request.prepared, [b"X-Image-Meta-Disk_format: raw\r\n", b"ETag: abc\r\n"]
        )
