"""What becomes of what is observed."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, NoSuchImage, StoreFull
from glancetx.interfaces import UNOBSERVED, Answered, IByteStream, IFileSpan
from glancetx.metrics.recorder import Recorder, kind_of
from glancetx.streams import from_chunks
from glancetx.testing.streams import RecordingConsumer

IN_FLIGHT = "glancetx_transfers_in_flight"
ENDED = "glancetx_transfers_total"
BYTES = "glancetx_transfer_bytes_total"


@implementer(IFileSpan)
class Span:
    """Five bytes of a file that is nowhere."""

    number, start, length = 7, 100, 5

    def __init__(self) -> None:
        self.closed: list[Any] = []

    async def flow_to(self, consumer: Any) -> None:
        await from_chunks(_pieces(b"hello"), 5).flow_to(consumer)

    def is_at_hand(self, start: int, size: int) -> bool:
        return start < 102

    def fetch(self, start: int, size: int) -> Deferred[None]:
        return Deferred()

    def close(self, sent: int, error: BaseException | None = None) -> None:
        self.closed.append((sent, error))


async def _pieces(*pieces: bytes) -> Any:
    for piece in pieces:
        yield piece


class RecorderCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.recorder = Recorder()

    def values(self, name: str) -> Any:
        return self.recorder.book().values[name]


class RequestTests(RecorderCase):
    """Requests that are over."""

    def answer(self, method: str = "GET", status: int = 200, is_whole: bool = True) -> None:
        answered = Answered(
            route="/v1/images",
            method=method,
            status=status,
            seconds=0.2,
            first_byte=0.1,
            received=3,
            sent=5,
            is_whole=is_whole,
        )
        self.recorder.answered(answered)

    def test_request(self) -> None:
        """It is counted by route, method and status, with its bytes and times."""
        self.answer()
        self.answer(status=404)
        route = "/v1/images"
        counted = {(route, "GET", "200"): 1, (route, "GET", "404"): 1}
        self.assertEqual(self.values("glancetx_http_requests_total"), counted)
        self.assertEqual(self.values("glancetx_http_received_bytes_total"), {(route,): 6})
        self.assertEqual(self.values("glancetx_http_sent_bytes_total"), {(route,): 10})
        self.assertEqual(self.values("glancetx_http_requests_aborted_total"), {})
        for name in ("request_duration", "first_byte"):
            series = self.values(f"glancetx_http_{name}_seconds")
            self.assertEqual(set(series), {(route, "2xx"), (route, "4xx")})

    def test_methods_are_bounded(self) -> None:
        """Whatever a client calls his method, there are as many series as before."""
        for number in range(100):
            self.answer(method=f"HACK{number}")
        counted = {("/v1/images", "other", "200"): 100}
        self.assertEqual(self.values("glancetx_http_requests_total"), counted)

    def test_aborted(self) -> None:
        """A response that was not complete is counted as that, too."""
        self.answer(is_whole=False)
        aborted = {("/v1/images",): 1}
        self.assertEqual(self.values("glancetx_http_requests_aborted_total"), aborted)

    def test_errors(self) -> None:
        """An error is counted by its name, if it is one of ours, or by what it is based on."""

        class Theirs(StoreFull):
            __module__ = "acme.attic"

        for error in (NoSuchImage("i"), Theirs(), KeyError("secret"), None):
            self.recorder.failed(error)
        counted = {("NoSuchImage",): 1, ("StoreFull",): 1, ("Unexpected",): 2}
        self.assertEqual(self.values("glancetx_errors_total"), counted)
        self.assertEqual(kind_of(Theirs()), "StoreFull")


class WritingTests(RecorderCase):
    """Bytes into a store."""

    def test_under_way(self) -> None:
        """What has come so far is told while it comes, and once when all has."""
        came = [0]
        with self.recorder.writing("fast", lambda: came[0]):
            came[0] = 7
            self.assertEqual(self.values(IN_FLIGHT), {("in", "fast"): 1})
            self.assertEqual(self.values(BYTES), {("in", "fast"): 7})
        self.assertEqual(self.values(IN_FLIGHT), {})
        self.assertEqual(self.values(BYTES), {("in", "fast"): 7})
        self.assertEqual(self.values(ENDED), {("in", "fast", "done"): 1})

    def test_ends_badly(self) -> None:
        """It is told whether it failed, or nobody wanted the rest."""
        for error in (StoreFull(), CancelledError(), ConsumerGone()):
            with self.assertRaises(type(error)), self.recorder.writing("fast", lambda: 3):
                raise error
        ended = {("in", "fast", "failed"): 1, ("in", "fast", "gone"): 2}
        self.assertEqual(self.values(ENDED), ended)
        self.assertEqual(self.values(BYTES), {("in", "fast"): 9})

    def test_nobody_observes(self) -> None:
        """Without an observer everything is as it would be."""
        stream = from_chunks(_pieces(b"x"), 1)
        self.assertIs(UNOBSERVED.reading("fast", stream), stream)
        with UNOBSERVED.writing("fast", lambda: 0):
            UNOBSERVED.failed(None)


class ReadingTests(RecorderCase):
    """Bytes out of a store."""

    def test_stream(self) -> None:
        """A stream is counted while it is poured, and not before."""
        stream = self.recorder.reading("far", from_chunks(_pieces(b"hel", b"lo"), 5))
        verifyObject(IByteStream, stream)
        self.assertFalse(IFileSpan.providedBy(stream))
        self.assertEqual(stream.length, 5)
        self.assertEqual(self.values(IN_FLIGHT), {})
        consumer = RecordingConsumer()
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        self.assertEqual(bytes(consumer.data), b"hello")
        self.assertEqual(self.values(BYTES), {("out", "far"): 5})
        self.assertEqual(self.values(ENDED), {("out", "far", "done"): 1})

    def test_span_is_sent(self) -> None:
        """What the kernel sends is seen by what is asked of the span."""
        span = Span()
        stream: Any = self.recorder.reading("near", span)
        verifyObject(IFileSpan, stream)
        self.assertEqual((stream.number, stream.start, stream.length), (7, 100, 5))
        self.assertTrue(stream.is_at_hand(100, 5))
        self.assertEqual(self.values(IN_FLIGHT), {("out", "near"): 1})
        self.assertFalse(stream.is_at_hand(103, 2))
        self.assertEqual(self.values(BYTES), {("out", "near"): 3})
        stream.close(5)
        self.assertEqual(span.closed, [(5, None)])
        self.assertEqual(self.values(BYTES), {("out", "near"): 5})
        self.assertEqual(self.values(ENDED), {("out", "near", "done"): 1})

    def test_span_is_left(self) -> None:
        """A client that leaves ends it with what he had."""
        stream: Any = self.recorder.reading("near", Span())
        stream.is_at_hand(100, 5)
        stream.close(2, ConsumerGone())
        self.assertEqual(self.values(BYTES), {("out", "near"): 2})
        self.assertEqual(self.values(ENDED), {("out", "near", "gone"): 1})

    def test_span_is_poured(self) -> None:
        """It may be poured, too, also when it could not be sent after all."""
        for is_tried in (False, True):
            stream: Any = self.recorder.reading("near", Span())
            if is_tried:
                stream.is_at_hand(100, 5)
            consumer = RecordingConsumer()
            self.successResultOf(ensureDeferred(stream.flow_to(consumer)))
            self.assertEqual(bytes(consumer.data), b"hello")
        self.assertEqual(self.values(IN_FLIGHT), {})
        self.assertEqual(self.values(ENDED), {("out", "near", "done"): 2})
        self.assertEqual(self.values(BYTES), {("out", "near"): 10})
