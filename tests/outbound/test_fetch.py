"""The fetcher keeps to times, names and origins."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, InvalidLocation, RemoteBroken, RemoteUnavailable, TooLarge
from glancetx.outbound import Fetched, Fetcher, Limits, parse_rules, parse_target
from glancetx.outbound.target import redirect
from glancetx.testing.streams import RecordingConsumer
from tests.outbound.certificates import authority
from tests.outbound.fakes import PUBLIC, Conversation, FakeReactor
from tests.outbound.server import HANG, Resource, Server, head

OK = "HTTP/1.1 200 OK"


class FetchCase(SynchronousTestCase):
    """A fetcher on a reactor in memory that knows one public name."""

    def setUp(self) -> None:
        self.reactor = FakeReactor(
            {"public.example": [[PUBLIC]], "two.example": [[PUBLIC, "8.8.8.8"]]}
        )
        self.fetcher = Fetcher(self.reactor)

    def fetch(self, url: str = "http://public.example/") -> Deferred[Fetched]:
        return as_deferred(self.fetcher.fetch("GET", parse_target(url)))

    def answer(self, *lines: str, body: bytes = b"") -> tuple[Fetched, Conversation]:
        """An answer whose head has come."""
        fetching = self.fetch()
        conversation = self.reactor.accept()
        conversation.say(*lines, body=body)
        return self.successResultOf(fetching), conversation


class HeadTests(FetchCase):
    """Until the head of the answer is in."""

    def test_head_in_time(self) -> None:
        """A server that trickles its head is given up after ``head`` seconds, and cut off."""
        fetching = self.fetch()
        conversation = self.reactor.accept()
        for _ in range(29):
            conversation.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n"[:1])
            self.reactor.advance(1)
            self.assertNoResult(fetching)
        self.reactor.advance(1)
        self.failureResultOf(fetching, RemoteUnavailable)
        self.assertFalse(conversation.transport.connected)

    def test_resolver_in_time(self) -> None:
        """So is a resolver that never answers."""
        self.reactor.names.resolveHostName = lambda *_, **__: None  # type: ignore[method-assign]
        fetching = self.fetch()
        self.reactor.advance(30)
        self.failureResultOf(fetching, RemoteUnavailable)

    def test_next_address(self) -> None:
        """When one address refuses, the next one of those that were judged is tried."""
        fetching = self.fetch("http://two.example/")
        factory: Any = self.reactor.tcpClients[0][2]
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.assertEqual(self.reactor.contacted, [(PUBLIC, 80), ("8.8.8.8", 80)])
        self.reactor.accept().say(OK, "Content-Length: 0")
        self.assertEqual(self.successResultOf(fetching).status, 200)
        self.assertEqual(self.reactor.names.asked, ["two.example"])

    def test_cancelled(self) -> None:
        """Who cancels ends the connection."""
        fetching = self.fetch()
        conversation = self.reactor.accept()
        fetching.cancel()
        self.failureResultOf(fetching, CancelledError)
        self.assertFalse(conversation.transport.connected)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_downgrade(self) -> None:
        """https never becomes http."""
        there = parse_target("https://public.example/")
        self.assertRaises(InvalidLocation, redirect, there, "http://public.example/")
        self.assertEqual(redirect(there, "/x").scheme, "https")

    def test_other_methods(self) -> None:
        """It only reads."""
        fetching = as_deferred(self.fetcher.fetch("POST", parse_target("http://public.example/")))
        self.failureResultOf(fetching, ValueError)

    def test_secrets_not_logged(self) -> None:
        """Neither credentials nor path nor query are in the log or in a representation (R2)."""
        url = "http://me:hunter2@private.example/hunter2?key=hunter2"
        with capturedLogs() as events:
            fetching = self.fetch(url)
            self.failureResultOf(fetching, RemoteUnavailable)
        self.assertTrue(events)
        self.assertNotIn("hunter2", repr(events) + repr(parse_target(url)))


class BodyTests(FetchCase):
    """While the body comes."""

    def test_idle(self) -> None:
        """Silence of ``idle`` seconds breaks it; a byte before that starts the time anew."""
        answer, conversation = self.answer(OK, "Content-Length: 5")
        consumer = RecordingConsumer()
        flow = as_deferred(answer.body.flow_to(consumer))
        for _ in range(3):
            self.reactor.advance(59)
            conversation.protocol.dataReceived(b"x")
        self.assertNoResult(flow)
        self.reactor.advance(60)
        self.failureResultOf(flow, RemoteBroken)
        self.assertEqual(consumer.data, b"xxx")
        self.assertFalse(conversation.transport.connected)

    def test_paused(self) -> None:
        """A paused consumer stops the connection from reading, and the clock too."""
        answer, conversation = self.answer(OK, "Content-Length: 5", body=b"ab")
        consumer = RecordingConsumer(pause_after=0)
        flow = as_deferred(answer.body.flow_to(consumer))
        self.assertEqual(conversation.transport.producerState, "paused")
        self.reactor.advance(1000)
        self.assertNoResult(flow)
        consumer.resume()
        self.assertEqual(conversation.transport.producerState, "producing")
        consumer.pause()
        conversation.protocol.dataReceived(b"cde")
        self.assertEqual(consumer.data, b"ab")
        self.assertNoResult(flow)
        consumer.resume()
        self.successResultOf(flow)
        self.assertEqual(consumer.data, b"abcde")

    def test_stopped(self) -> None:
        """A consumer that leaves ends the connection."""
        answer, conversation = self.answer(OK, "Content-Length: 5")
        consumer = RecordingConsumer()
        flow = as_deferred(answer.body.flow_to(consumer))
        consumer.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertTrue(conversation.transport.was_aborted)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_forgotten(self) -> None:
        """An answer that nobody keeps ends its connection."""
        answer, conversation = self.answer(OK, "Content-Length: 5")
        self.assertTrue(conversation.transport.connected)
        del answer
        self.assertFalse(conversation.transport.connected)

    def test_read_bounded(self) -> None:
        """A small document is read up to a limit."""
        answer, _ = self.answer(OK, "Content-Length: 5", body=b"abcde")
        self.assertEqual(self.successResultOf(as_deferred(answer.read(5))), b"abcde")
        answer, conversation = self.answer(OK, "Content-Length: 5", body=b"abcde")
        self.failureResultOf(as_deferred(answer.read(4)), TooLarge)
        self.assertFalse(conversation.transport.connected)


class TlsTests(TestCase):
    """Over TLS the chain and the name are verified, always."""

    timeout = 20

    def fetcher(self, ca: str = "") -> Fetcher:
        return Fetcher(real_reactor, parse_rules("127.0.0.1"), ca, Limits(head=5))

    async def fetch(self, name: str, ca: bool) -> bytes:
        """The body from a server with a certificate for this name."""
        pem, options = authority(name)
        server = Server(self, Resource(b"hello"), options)
        answer = await self.fetcher(pem if ca else "").fetch("GET", parse_target(server.url))
        return await answer.read(100)

    async def test_verified(self) -> None:
        """A chain to the operator's authority and the right name are good."""
        self.assertEqual(await self.fetch("127.0.0.1", ca=True), b"hello")

    async def refused(self, name: str, ca: bool) -> None:
        with self.assertRaises(RemoteUnavailable):
            await self.fetch(name, ca)

    async def test_unknown_authority(self) -> None:
        """A chain to nowhere is as good as no server (R30)."""
        await self.refused("127.0.0.1", ca=False)

    async def test_wrong_name(self) -> None:
        """So is a good chain with another name (R30)."""
        await self.refused("127.0.0.2", ca=True)

    async def test_cut_without_farewell(self) -> None:
        """A body without length that ends without TLS's farewell is broken."""
        pem, options = authority("127.0.0.1")
        server = Server(self, lambda _: [head("200 OK"), b"half", HANG], options)
        answer = await self.fetcher(pem).fetch("GET", parse_target(server.url))
        server.close_rudely()
        with self.assertRaises(RemoteBroken):
            await answer.read(100)
