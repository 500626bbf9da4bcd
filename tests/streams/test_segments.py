"""One stream as several, at either end's pace."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing

from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort, ConsumerGone, StreamError
from glancetx.interfaces import IByteStream
from glancetx.streams import Metering
from glancetx.streams.segments import Segments
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from glancetx.testing.threads import HeldThreads
from tests.unhurried import given

MIB = 1 << 20


async def parted(stream: IByteStream, sizes: Iterable[int]) -> list[bytes]:
    """The stream in segments of these sizes, the last of which counts for all that follow."""
    found = []
    *first, last = sizes
    async with aclosing(Segments(stream)) as segments:
        while await segments.has_more():
            consumer = RecordingConsumer()
            segment = segments.next(first.pop(0) if first else last)
            await segment.flow_to(consumer)
            found.append(consumer.data)
    return found


class PartingTests(SynchronousTestCase):
    """What goes into which segment."""

    def test_borders(self) -> None:
        """Segments are as large as asked for, whatever the chunks; the last one is the rest."""
        source = ScriptedStream([b"abc", b"", b"d", b"efghijk"])
        found = self.successResultOf(ensureDeferred(parted(source, [2, 3])))
        self.assertEqual(found, [b"ab", b"cde", b"fgh", b"ijk"])

    def test_nothing(self) -> None:
        """A stream without bytes has no segments, also when it has empty chunks."""
        for chunks in ((), [b""], [b"", b""]):
            found = self.successResultOf(ensureDeferred(parted(ScriptedStream(chunks), [2])))
            self.assertEqual(found, [])

    @given(
        st.lists(st.binary(max_size=12), max_size=12),
        st.lists(st.integers(1, 9), min_size=1, max_size=6),
        st.booleans(),
    )
    def test_nothing_is_lost(self, chunks: list[bytes], sizes: list[int], is_known: bool) -> None:
        """All bytes come once and in order, and every segment but the last is full."""
        whole = b"".join(chunks)
        source = ScriptedStream(chunks, length=len(whole) if is_known else None)
        found = self.successResultOf(ensureDeferred(parted(source, sizes)))
        self.assertEqual(b"".join(found), whole)
        expected = [*sizes, *[sizes[-1]] * len(found)][: len(found)]
        for size, segment in list(zip(expected, found, strict=True))[:-1]:
            self.assertEqual(len(segment), size)

    def test_lengths(self) -> None:
        """A segment's length is known when that of the whole is."""
        segments = Segments(ScriptedStream([b"abcde"], length=5))
        self.assertEqual(segments.next(3).length, 3)
        self.successResultOf(as_deferred(segments.next(3).flow_to(RecordingConsumer())))
        self.assertEqual(segments.next(3).length, 2)
        self.assertIsNone(Segments(ScriptedStream([b"abcde"])).next(3).length)

    def test_announced_too_much(self) -> None:
        """A stream that ends before its announced length is cut short."""
        for sizes in ([2], [10]):
            source = ScriptedStream([b"abcd"], length=5)
            self.failureResultOf(ensureDeferred(parted(source, sizes)), BodyCutShort)

    def test_announced_too_little(self) -> None:
        """A stream that goes beyond its announced length is refused."""
        source = ScriptedStream([b"abcd", b"ef"], length=5)
        self.failureResultOf(ensureDeferred(parted(source, [2])), StreamError)


class PaceTests(SynchronousTestCase):
    """Bytes never pile up."""

    def test_not_started(self) -> None:
        """Nothing is poured before somebody asks."""
        source = ScriptedStream([b"a"])
        segments = Segments(source)
        self.successResultOf(ensureDeferred(segments.aclose()))
        self.assertFalse(source.was_poured)

    def test_paused(self) -> None:
        """A consumer that pauses pauses the source, and another segment starts only when asked."""
        source = ScriptedStream([b"a"] * 100)
        segments = Segments(source)
        consumer = RecordingConsumer(pause_after=2)
        flow = as_deferred(segments.next(10).flow_to(consumer))
        self.assertEqual(consumer.size, 2)
        self.assertLess(source.written, 6)
        self.assertTrue(source.is_paused)
        consumer.resume()
        self.successResultOf(flow)
        self.assertEqual(consumer.size, 10)
        self.assertLess(source.written, 14)
        self.assertTrue(source.is_paused)

    def test_waiting_for_more(self) -> None:
        """Whether there is more is known when it comes, or when the source ends."""
        for how, expected in ((b"b", True), (None, False)):
            source = ScriptedStream([b"a"], then=HANG)
            segments = Segments(source)
            self.successResultOf(as_deferred(segments.next(1).flow_to(RecordingConsumer())))
            waiting = ensureDeferred(segments.has_more())
            self.assertNoResult(waiting)
            if how:
                assert source._consumer is not None
                source._consumer.write(how)
            else:
                source.finish()
            self.assertEqual(self.successResultOf(waiting), expected)


class EndTests(SynchronousTestCase):
    """However it ends, it ends for all."""

    def test_source_fails(self) -> None:
        """What breaks the source breaks the segment, and nobody takes what follows for the end."""
        for pause_after in (None, 1):
            error = BodyCutShort()
            source = ScriptedStream([b"abc"], then=HANG)
            segments = Segments(source)
            consumer = RecordingConsumer(pause_after=pause_after)
            flow = as_deferred(segments.next(10).flow_to(consumer))
            source.finish(error)
            consumer.resume()
            self.assertIs(self.failureResultOf(flow).value, error)
            self.failureResultOf(ensureDeferred(segments.has_more()), ConsumerGone)

    def test_consumer_leaves(self) -> None:
        """A consumer that leaves a segment stops the source, and the rest is lost."""
        for stop_after in (0, 1, 4):
            source = ScriptedStream([b"ab", b"cd"] * 5, then=HANG)
            segments = Segments(source)
            flow = segments.next(10).flow_to(RecordingConsumer(stop_after=stop_after))
            self.failureResultOf(as_deferred(flow), ConsumerGone)
            self.successResultOf(ensureDeferred(segments.aclose()))
            self.assertEqual(source.has_ended, source.was_poured)
            self.failureResultOf(ensureDeferred(segments.has_more()), ConsumerGone)

    def test_consumer_leaves_with_all_of_it(self) -> None:
        """A consumer that leaves when it has the last byte has missed nothing."""
        segments = Segments(ScriptedStream([b"abcd"], length=4))
        first = RecordingConsumer(pause_after=1)
        flow = as_deferred(segments.next(3).flow_to(first))
        self.assertEqual(b"".join(first.writes), b"abc")
        first.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertTrue(self.successResultOf(ensureDeferred(segments.has_more())))
        rest = RecordingConsumer()
        self.successResultOf(as_deferred(segments.next(3).flow_to(rest)))
        self.assertEqual(b"".join(rest.writes), b"d")

    def test_consumer_leaves_while_waiting(self) -> None:
        """A consumer may leave while the source hangs: the source is stopped."""
        source = ScriptedStream([b"ab"], then=HANG)
        consumer = RecordingConsumer()
        flow = as_deferred(Segments(source).next(10).flow_to(consumer))
        consumer.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertTrue(source.has_ended)

    def test_cancelled(self) -> None:
        """Cancelling a segment stops the source."""
        source = ScriptedStream([b"ab"], then=HANG)
        segments = Segments(source)
        flow = as_deferred(segments.next(10).flow_to(RecordingConsumer()))
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertTrue(source.has_ended)
        self.failureResultOf(ensureDeferred(segments.has_more()), ConsumerGone)

    def test_closed_while_pouring(self) -> None:
        """Closing stops the segment that is being poured, and waits until the source rests."""
        source = ScriptedStream([b"ab"], then=HANG)
        segments = Segments(source)
        flow = as_deferred(segments.next(10).flow_to(RecordingConsumer()))
        self.successResultOf(ensureDeferred(segments.aclose()))
        self.failureResultOf(flow, CancelledError)
        self.assertTrue(source.has_ended)

    def test_closed_between(self) -> None:
        """Closing after a segment stops a source that would go on."""
        source = ScriptedStream([b"ab"] * 10)
        segments = Segments(source)
        self.successResultOf(as_deferred(segments.next(3).flow_to(RecordingConsumer())))
        self.successResultOf(ensureDeferred(segments.aclose()))
        self.assertTrue(source.was_stopped)
        self.successResultOf(ensureDeferred(segments.aclose()))

    def test_source_needs_time(self) -> None:
        """A source that cannot stop at once is waited for by whoever closes."""
        threads = HeldThreads()
        source = Metering(threads, ("md5",)).meter(ScriptedStream([b"x" * 8 * MIB], then=HANG))
        segments = Segments(source)
        flow = as_deferred(segments.next(16 * MIB).flow_to(RecordingConsumer()))
        closing = ensureDeferred(segments.aclose())
        self.assertNoResult(closing)
        threads.do_all()
        self.successResultOf(closing)
        self.failureResultOf(flow, CancelledError)
