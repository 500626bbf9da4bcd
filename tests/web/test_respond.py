"""Tests of downloads: exactly the announced bytes, or a connection that breaks off (§4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from glancetx.errors import StoreUnavailable
from glancetx.testing.http import MemoryClient
from glancetx.testing.streams import HANG, ScriptedStream
from glancetx.web.respond import pour
from glancetx.web.site import StreamingSite
from tests.web.case import logged_events


class Pouring(Resource):
    """Answers every request by pouring one stream."""

    isLeaf = True

    def __init__(self, stream: ScriptedStream, length: int, clock: Clock) -> None:
        super().__init__()
        self.stream, self.length, self.clock = stream, length, clock
        self.ended: list[object] = []
        self.work: Deferred[Any] | None = None
        self.request: Any = None

    def render(self, request: Any) -> int:
        self.request = request
        request.setHeader("Content-Length", str(self.length))
        work = self.work = ensureDeferred(pour(request, self.stream, self.length, self.clock, 60.0))
        request.notifyFinish().addErrback(lambda _: work.cancel())
        work.addCallback(lambda _: request.is_lost or request.finish())
        work.addBoth(self.ended.append)
        return NOT_DONE_YET


class PourCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events = logged_events(self)

    def pour(
        self,
        stream: ScriptedStream,
        length: int,
        method: str = "GET",
        send_buffer: int | None = None,
    ) -> MemoryClient:
        self.resource = Pouring(stream, length, self.clock)
        self.stream = stream
        client = MemoryClient(StreamingSite(self.resource, self.clock, 60.0), send_buffer)
        client.begin(method, "/")
        return client

    def assert_broken_off(self, client: MemoryClient, why: str) -> None:
        """The client sees that something is missing, the operator why."""
        self.assertTrue(client.transport.is_aborted)
        self.assertEqual(self.resource.ended, [])
        client.disconnect()
        self.assertEqual(len(self.resource.ended), 1)
        self.assertTrue(self.stream.has_ended)
        lines = [
            event["error"] for event in self.events if "breaks off" in str(event.get("log_format"))
        ]
        self.assertEqual([str(line) for line in lines], [why])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class WholeTests(PourCase):
    """A stream that is as announced."""

    def test_whole(self) -> None:
        """Its bytes arrive, are counted, and the connection is kept."""
        client = self.pour(ScriptedStream([b"he", b"llo"], length=5), 5)
        response = client.response()
        self.assertEqual((response.body, response.is_whole), (b"hello", True))
        self.assertEqual(self.resource.request.sentLength, 5)
        self.assertFalse(client.transport.disconnecting)

    def test_unknown_length(self) -> None:
        """A stream need not know its length itself."""
        client = self.pour(ScriptedStream([b"hello"]), 5)
        self.assertTrue(client.response().is_whole)

    def test_nothing(self) -> None:
        """Of nothing, all."""
        self.assertTrue(self.pour(ScriptedStream([], length=0), 0).response().is_whole)

    def test_head(self) -> None:
        """The answer to HEAD has all headers, and the store is not read."""
        client = self.pour(ScriptedStream([b"hello"]), 5, "HEAD")
        response = client.response()
        self.assertEqual((response.header("content-length"), response.body), ("5", b""))
        self.assertEqual(len(client.responses("HEAD")), 1)
        self.assertTrue(self.stream.has_ended)
        self.assertEqual(self.resource.ended, [None])

    def test_endless_head(self) -> None:
        """Nor does one wait for a store that gives nothing."""
        client = self.pour(ScriptedStream([], HANG), 5, "HEAD")
        self.assertEqual(client.response().status, 200)


class BrokenTests(PourCase):
    """A stream that is not as announced never looks whole."""

    def test_too_short(self) -> None:
        """O-14: fewer bytes than announced."""
        client = self.pour(ScriptedStream([b"hell"]), 5)
        self.assertFalse(client.response().is_whole)
        self.assert_broken_off(client, "The store gave 4 of 5 bytes")

    def test_too_long(self) -> None:
        """More bytes than announced; none of the others are sent."""
        client = self.pour(ScriptedStream([b"hello", b"!"]), 5)
        self.assertEqual(client.response().body, b"hello")
        self.assert_broken_off(client, "The store gave more than 5 bytes")

    def test_endless(self) -> None:
        """A stream that would never end is stopped."""

        def forever() -> Iterator[bytes]:
            while True:
                yield bytes(65536)

        client = self.pour(ScriptedStream(forever()), 100_000)
        self.assertTrue(self.stream.was_stopped)
        self.assert_broken_off(client, "The store gave more than 100000 bytes")

    def test_fails(self) -> None:
        """A store that breaks half-way."""
        client = self.pour(ScriptedStream([b"hell"], StoreUnavailable()), 5)
        self.assert_broken_off(client, str(StoreUnavailable()))

    def test_fails_at_the_end(self) -> None:
        """A store that has doubts after the last byte is believed."""
        client = self.pour(ScriptedStream([b"hello"], StoreUnavailable()), 5)
        self.assert_broken_off(client, str(StoreUnavailable()))

    def test_fails_unexpectedly(self) -> None:
        """Any other failure is logged with its traceback."""
        client = self.pour(ScriptedStream([b"hell"], ZeroDivisionError()), 5)
        self.assertTrue(client.transport.is_aborted)
        client.disconnect()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LeavingTests(PourCase):
    """A client that leaves is nobody's error."""

    def test_while_it_flows(self) -> None:
        """The store is stopped, once, and nothing is logged."""
        client = self.pour(ScriptedStream([b"x" * 10], HANG), 100)
        client.disconnect()
        self.assertTrue(self.stream.was_stopped)
        self.assertEqual(len(self.resource.ended), 1)
        self.assertEqual([event for event in self.events if "error" in event], [])

    def test_while_it_is_paused(self) -> None:
        """Also when the client is behind, and no timer stays."""
        client = self.pour(ScriptedStream([b"x" * 1000] * 100), 100_000, send_buffer=500)
        self.assertTrue(self.stream.is_paused)
        client.disconnect()
        self.assertTrue(self.stream.was_stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_before_it_begins(self) -> None:
        """A stream that was opened too late for its client is stopped as well."""
        client = self.pour(ScriptedStream([b"x"], HANG), 100)
        client.disconnect()
        late = ScriptedStream([b"x"], HANG)
        request = self.resource.request
        self.successResultOf(ensureDeferred(pour(request, late, 100, self.clock, 60.0)))
        self.assertTrue(late.was_stopped)

    def test_cancelled(self) -> None:
        """Work that is called off breaks the connection off, and says so to its caller."""
        client = self.pour(ScriptedStream([b"x"], HANG), 100)
        assert self.resource.work is not None
        self.resource.work.cancel()
        self.assertTrue(client.transport.is_aborted)
        self.assertTrue(self.stream.was_cancelled)
        [failure] = self.resource.ended
        self.assertIsInstance(getattr(failure, "value", None), CancelledError)


class PaceTests(PourCase):
    """The store gives at the client's pace."""

    def test_waits_for_the_client(self) -> None:
        """While the client takes nothing, the store is asked for nothing."""
        client = self.pour(ScriptedStream([b"x" * 1000] * 100), 100_000, send_buffer=5000)
        self.assertLess(self.stream.written, 7000)
        while client.transport.unsent:
            client.transport.taken()
        self.assertTrue(client.response().is_whole)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_slow_store(self) -> None:
        """A store may take its time: the client is not cut for it."""
        client = self.pour(ScriptedStream([b"x"], HANG), 1)
        self.clock.pump([10] * 600)
        self.assertFalse(client.transport.disconnecting)
        self.stream.finish()
        self.assertTrue(client.response().is_whole)
