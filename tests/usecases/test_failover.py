"""A stream goes on elsewhere when its source breaks, and for no other reason."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    ConsumerGone,
    NoSuchData,
    StoreForbids,
    StoreUnavailable,
    StreamError,
    TooLarge,
)
from glancetx.interfaces import IByteStream
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from glancetx.usecases.failover import FailoverStream


class StreamCase(SynchronousTestCase):
    """Ten bytes, of which the first source gives four."""

    def setUp(self) -> None:
        self.consumer = RecordingConsumer()
        self.asked: list[tuple[int, object]] = []

    def pour(self, first: ScriptedStream, rest: Any = None) -> Deferred[None]:
        """Begin to pour; ``rest`` is what is found to go on with, or raised."""
        self.first = first

        async def go_on(given: int, error: object) -> IByteStream:
            self.asked.append((given, error))
            if isinstance(rest, Exception):
                raise rest
            found: IByteStream = await rest if isinstance(rest, Deferred) else rest
            return found

        self.stream = FailoverStream(first, 10, go_on)
        return as_deferred(self.stream.flow_to(self.consumer))

    def broken(self, error: BaseException) -> ScriptedStream:
        return ScriptedStream([b"01", b"23"], then=error)


class GoingOnTests(StreamCase):
    """Sources that break."""

    def test_interface(self) -> None:
        """It is a stream whose length is known."""
        self.successResultOf(self.pour(ScriptedStream([b"0123456789"])))
        verifyObject(IByteStream, self.stream)
        self.assertEqual(self.stream.length, 10)

    def test_whole(self) -> None:
        """As long as nothing breaks nobody else is asked."""
        self.successResultOf(self.pour(ScriptedStream([b"01234", b"56789"])))
        self.assertEqual(self.consumer.data, b"0123456789")
        self.assertEqual(self.asked, [])

    def test_breaks(self) -> None:
        """Whatever breaks a source, another one is asked for the rest; there is one producer."""
        for error in (
            StoreUnavailable(),
            StoreForbids(),
            NoSuchData(),
            BodyCutShort(),
            StreamError(),
        ):
            self.setUp()
            rest = ScriptedStream([b"456", b"789"])
            self.successResultOf(self.pour(self.broken(error), rest))
            self.assertEqual(self.consumer.data, b"0123456789")
            self.assertEqual(self.asked, [(4, error)])
            self.assertEqual(self.consumer.registrations, 1)
            self.assertFalse(self.consumer.is_registered)

    def test_before_first_byte(self) -> None:
        """It may break before it has given anything."""
        self.successResultOf(
            self.pour(ScriptedStream(then=StoreUnavailable()), ScriptedStream([b"0123456789"]))
        )
        self.assertEqual(self.consumer.data, b"0123456789")
        self.assertEqual(self.asked[0][0], 0)

    def test_ends_early(self) -> None:
        """A source that ends in good order, but early, is broken too."""
        self.successResultOf(self.pour(ScriptedStream([b"0123"]), ScriptedStream([b"456789"])))
        self.assertEqual(self.consumer.data, b"0123456789")
        self.assertIsInstance(self.asked[0][1], BodyCutShort)

    def test_rest_ends_early(self) -> None:
        """When the rest is not all, the flow never ends as if it were."""
        flow = self.pour(self.broken(StoreUnavailable()), ScriptedStream([b"4567"]))
        self.failureResultOf(flow, BodyCutShort)

    def test_rest_breaks(self) -> None:
        """What breaks the rest breaks the flow: who gave the rest has asked everybody."""
        rest = ScriptedStream([b"4"], then=StoreForbids())
        self.failureResultOf(self.pour(self.broken(StoreUnavailable()), rest), StoreForbids)
        self.assertFalse(self.consumer.is_registered)

    def test_nothing_found(self) -> None:
        """So does what is said when there is nothing to go on with."""
        flow = self.pour(self.broken(StoreUnavailable()), NoSuchData())
        self.failureResultOf(flow, NoSuchData)
        self.assertFalse(self.consumer.is_registered)


class NotGoingOnTests(StreamCase):
    """What is no failure of a source, or cannot be mended."""

    def test_after_last_byte(self) -> None:
        """A source that complains after its last byte is believed: what it gave is wrong."""
        for last in b"456789", b"456789a":
            self.setUp()
            flow = self.pour(ScriptedStream([b"0123", last], then=StoreUnavailable()))
            self.failureResultOf(flow, StoreUnavailable)
            self.assertEqual(self.asked, [])

    def test_other_errors(self) -> None:
        """What is no word of a store, or comes from the consumer, is left as it is."""
        for error in ZeroDivisionError(), TooLarge("more than allowed"):
            self.setUp()
            self.failureResultOf(self.pour(self.broken(error)), type(error))
            self.assertEqual(self.asked, [])

    def test_consumer_leaves(self) -> None:
        """A consumer that wants no more ends it, whatever the source says about that."""
        self.consumer = RecordingConsumer(stop_after=2)
        self.failureResultOf(self.pour(ScriptedStream([b"01", b"23"])), ConsumerGone)
        self.assertTrue(self.first.was_stopped)
        self.assertEqual(self.asked, [])
        self.assertFalse(self.consumer.is_registered)

    def test_source_blames_itself(self) -> None:
        """Also when the source takes being stopped for a failure."""
        self.consumer = RecordingConsumer()
        source = Sulking([b"0123"], then=HANG)
        flow = self.pour(source)
        self.consumer.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertEqual(self.asked, [])

    def test_source_says_gone(self) -> None:
        """A source that says the consumer has gone is not replaced."""
        self.failureResultOf(self.pour(self.broken(ConsumerGone())), ConsumerGone)
        self.assertEqual(self.asked, [])

    def test_unwanted(self) -> None:
        """A consumer may want nothing at all, as for a HEAD; the source is ended all the same."""
        self.consumer = RecordingConsumer(stop_after=0)
        self.failureResultOf(self.pour(ScriptedStream([b"0123"], then=HANG)), ConsumerGone)
        self.assertTrue(self.first.was_stopped)
        self.assertEqual(self.first.written, 0)

    def test_cancelled(self) -> None:
        """A cancellation stops the source, and is told as one."""
        flow = self.pour(ScriptedStream([b"0123"], then=HANG))
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertTrue(self.first.was_cancelled)
        self.assertFalse(self.consumer.is_registered)

    def test_cancellation_taken_for_failure(self) -> None:
        """Also when the source makes a failure of it."""
        flow = self.pour(Sulking([b"0123"], then=HANG))
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertEqual(self.asked, [])


class BetweenTests(StreamCase):
    """While the rest is looked for."""

    def setUp(self) -> None:
        super().setUp()
        self.was_cancelled = False
        self.finding: Deferred[IByteStream] = Deferred(self._cancelled)
        self.flow = self.pour(self.broken(StoreUnavailable()), self.finding)

    def _cancelled(self, _: object) -> None:
        self.was_cancelled = True

    def test_pause(self) -> None:
        """A consumer that has paused before or meanwhile gets nothing until it resumes."""
        self.consumer.pause()
        rest = ScriptedStream([b"456789"])
        self.finding.callback(rest)
        self.assertEqual(self.consumer.data, b"0123")
        self.consumer.resume()
        self.successResultOf(self.flow)
        self.assertEqual(self.consumer.data, b"0123456789")

    def test_pause_and_resume(self) -> None:
        """One that has resumed meanwhile gets it at once."""
        self.consumer.pause()
        self.consumer.resume()
        self.finding.callback(ScriptedStream([b"456789"]))
        self.successResultOf(self.flow)

    def test_later_pauses(self) -> None:
        """The rest is paused, resumed and stopped as the first was."""
        rest = ScriptedStream([b"45"], then=HANG)
        self.finding.callback(rest)
        self.consumer.pause()
        self.consumer.resume()
        self.assertEqual((rest.pauses, rest.resumes), (1, 1))
        self.consumer.stop()
        self.failureResultOf(self.flow, ConsumerGone)
        self.assertTrue(rest.was_stopped)

    def test_consumer_leaves(self) -> None:
        """A consumer that leaves ends the search."""
        self.consumer.stop()
        self.failureResultOf(self.flow, ConsumerGone)
        self.assertTrue(self.was_cancelled)
        self.assertFalse(self.consumer.is_registered)

    def test_cancelled(self) -> None:
        """So does a cancellation."""
        self.flow.cancel()
        self.failureResultOf(self.flow, CancelledError)
        self.assertTrue(self.was_cancelled)
        self.assertFalse(self.consumer.is_registered)


@implementer(IByteStream)
class Sulking(ScriptedStream):
    """Calls it a failure of the store when it is stopped or cancelled."""

    def stopProducing(self) -> None:
        self.finish(StoreUnavailable())

    def _cancelled(self, _: object) -> None:
        self.finish(StoreUnavailable())
