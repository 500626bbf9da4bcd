"""Counting, hashing and limiting on the way through."""

from __future__ import annotations

import hashlib
import itertools

from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort, ConsumerGone, TooLarge
from glancetx.interfaces import IByteStream
from glancetx.streams import Metered, Metering
from glancetx.streams.meter import (
    BACKLOG,
    BACKLOG_IN_A_CROWD,
    HELD_BESIDE,
    LARGEST_BATCH,
    SMALLEST_BATCH,
)
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from glancetx.testing.threads import HeldThreads, InlineThreads
from glancetx.threads import NotRunning
from tests.unhurried import given

CHUNK = b"x" * SMALLEST_BATCH
#: As many chunks as are gathered into one batch of a single upload.
PER_BATCH = LARGEST_BATCH // SMALLEST_BATCH


class MeterCase(SynchronousTestCase):
    """A meter whose hashing waits for the test."""

    def setUp(self) -> None:
        self.threads = HeldThreads()
        self.metering = Metering(self.threads, ("md5",))
        self.consumer = RecordingConsumer()

    def pour(self, source: IByteStream, limit: int | None = None) -> tuple[Metered, Deferred[None]]:
        metered = self.metering.meter(source, limit)
        return metered, as_deferred(metered.flow_to(self.consumer))

    def assert_over(self) -> None:
        """That the flow has left nothing running."""
        self.assertEqual(self.metering.running, 0)
        self.assertFalse(self.consumer.is_registered)


class CountingTests(MeterCase):
    """What passes is counted and hashed."""

    def test_interface(self) -> None:
        """It is a stream as long as its source."""
        metered = self.metering.meter(ScriptedStream(length=3))
        verifyObject(IByteStream, metered)
        self.assertEqual(metered.length, 3)

    def test_empty(self) -> None:
        """Nothing has a size and digests too."""
        metered, flow = self.pour(ScriptedStream())
        self.successResultOf(flow)
        self.assertEqual((metered.size, self.consumer.writes), (0, []))
        self.assertEqual(metered.digests, {"md5": hashlib.md5().hexdigest()})
        self.assert_over()

    def test_ends_after_hashing(self) -> None:
        """The flow ends when the last digest is complete, not before."""
        metered, flow = self.pour(ScriptedStream([b"ab", b"c"]))
        self.assertEqual(self.consumer.writes, [b"abc"])
        self.assertNoResult(flow)
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual(
            (metered.size, metered.digests["md5"]), (3, hashlib.md5(b"abc").hexdigest())
        )
        self.assert_over()

    def test_no_algorithms(self) -> None:
        """It may also just count."""
        self.metering = Metering(self.threads, ())
        metered, flow = self.pour(ScriptedStream([b"abc"]))
        self.successResultOf(flow)
        self.assertEqual((metered.size, metered.digests), (3, {}))

    @given(script=st.lists(st.binary(max_size=40)), memory=st.integers(0, 100))
    def test_digests(self, script: list[bytes], memory: int) -> None:
        """Digests are those of all bytes in order, whatever the chunks."""
        metering = Metering(InlineThreads(), ("md5", "sha256", "sha512"), memory)
        consumer = RecordingConsumer()
        metered = metering.meter(ScriptedStream([chunk * 5000 for chunk in script]))
        self.successResultOf(as_deferred(metered.flow_to(consumer)))
        whole = b"".join(chunk * 5000 for chunk in script)
        self.assertEqual(consumer.data, whole)
        self.assertEqual(metered.size, len(whole))
        self.assertEqual(
            metered.digests,
            {name: hashlib.new(name, whole).hexdigest() for name in ("md5", "sha256", "sha512")},
        )


class BatchTests(MeterCase):
    """Chunks go on in batches, and few of them are in memory."""

    def test_gathers(self) -> None:
        """Chunks are gathered into batches, the last one smaller."""
        _, flow = self.pour(ScriptedStream([CHUNK] * (PER_BATCH + 1)))
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual([len(each) for each in self.consumer.writes], [LARGEST_BATCH, len(CHUNK)])

    def test_backlog(self) -> None:
        """The source waits while some batches are not hashed, and goes on when one is."""
        source = ScriptedStream(itertools.repeat(CHUNK, 100 * PER_BATCH))
        _, flow = self.pour(source)
        for done in range(20):
            self.assertTrue(source.is_paused)
            self.assertEqual(source.written, (done + BACKLOG) * LARGEST_BATCH)
            self.assertEqual(self.threads.held, 1, "batches of one digest are hashed in turn")
            self.threads.do_one()
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual(self.consumer.size, 100 * LARGEST_BATCH)

    def test_backlog_in_a_crowd(self) -> None:
        """When there are more streams than threads, each of them waits for its own batch."""
        self.metering.running = self.threads.size
        source = ScriptedStream(itertools.repeat(CHUNK))
        _, flow = self.pour(source)
        self.assertTrue(source.is_paused)
        self.assertEqual(self.threads.held, BACKLOG_IN_A_CROWD)
        self.assertEqual(source.written, self.consumer.size)
        flow.cancel()
        self.threads.do_all()
        self.failureResultOf(flow, CancelledError)

    def test_batches_shrink(self) -> None:
        """Many meters share the memory, but no batch is smaller than 64 KiB."""
        memory = (BACKLOG + HELD_BESIDE) * LARGEST_BATCH
        metering = Metering(self.threads, ("md5",), memory=memory)
        sizes, sources = [], [ScriptedStream(then=HANG) for _ in range(100)]
        for source in sources:
            sizes.append(metering.batch_size)
            as_deferred(metering.meter(source).flow_to(RecordingConsumer()))
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertEqual((sizes[0], sizes[-1]), (LARGEST_BATCH, SMALLEST_BATCH))
        shares = [(running, size) for running, size in enumerate(sizes) if size > SMALLEST_BATCH]
        for running, size in shares:
            self.assertLessEqual(size * (BACKLOG_IN_A_CROWD + HELD_BESIDE) * running, memory)

    def test_batches_grow_again(self) -> None:
        """When the others have ended there is memory for larger batches, however they ended."""
        metering = Metering(self.threads, ("md5",), memory=1 << 20)
        before = metering.batch_size
        for end in ("finish", "fail", "cancel", "leave"):
            source, consumer = ScriptedStream(then=HANG), RecordingConsumer()
            flow = as_deferred(metering.meter(source).flow_to(consumer))
            self.assertEqual(metering.running, 1)
            if end == "finish":
                source.finish()
                self.successResultOf(flow)
            elif end == "fail":
                source.finish(BodyCutShort())
                self.failureResultOf(flow, BodyCutShort)
            elif end == "cancel":
                flow.cancel()
                self.failureResultOf(flow, CancelledError)
            else:
                consumer.stop()
                self.failureResultOf(flow, ConsumerGone)
            self.assertEqual((metering.running, metering.batch_size), (0, before))


class ThreadsTests(SynchronousTestCase):
    """How many threads one stream uses."""

    def test_alone(self) -> None:
        """Each digest has a thread as long as there are threads for it."""
        threads = HeldThreads(2)
        metering = Metering(threads, ("md5", "sha1"))
        for running, jobs in ((0, 2), (1, 2), (2, 1)):
            metering.running = running
            flow = as_deferred(metering.meter(ScriptedStream([b"x"])).flow_to(RecordingConsumer()))
            self.assertEqual(threads.held, jobs)
            threads.do_all()
            self.successResultOf(flow)

    def test_foremost(self) -> None:
        """The first digest has a thread of its own while the stream is the only one."""
        threads, foremost = HeldThreads(2), HeldThreads()
        metering = Metering(threads, ("md5", "sha1"), foremost=foremost)
        data = [b"x" * LARGEST_BATCH] * (BACKLOG + 1)
        metered = metering.meter(ScriptedStream(data, then=HANG))
        flow = as_deferred(metered.flow_to(RecordingConsumer()))
        self.assertEqual((foremost.held, threads.held), (1, 1))
        other = as_deferred(metering.meter(ScriptedStream(then=HANG)).flow_to(RecordingConsumer()))
        foremost.do_all()
        threads.do_all()
        # The last batch came when there was another stream.
        self.assertEqual(foremost.held, 0)
        self.assertEqual(metered.digests["md5"], hashlib.md5(b"".join(data)).hexdigest())
        for each in (flow, other):
            each.cancel()
            self.failureResultOf(each, CancelledError)


class PaceTests(MeterCase):
    """The consumer's pace is the source's."""

    def test_consumer_pauses(self) -> None:
        """A consumer that pauses in a write holds the source until it resumes."""
        self.consumer.pause_after = 1
        source = ScriptedStream([CHUNK] * PER_BATCH * 3)
        _, flow = self.pour(source)
        self.threads.do_all()
        self.assertTrue(source.is_paused)
        self.assertEqual(self.consumer.size, LARGEST_BATCH)
        self.consumer.resume()
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual(self.consumer.size, 3 * LARGEST_BATCH)

    def test_paused_from_the_start(self) -> None:
        """A consumer that pauses before the source has registered holds it too."""
        self.consumer.pause_after = 0
        source = ScriptedStream([CHUNK] * PER_BATCH)
        _, flow = self.pour(source)
        self.assertTrue(source.is_paused)
        self.assertEqual(source.written, 0)
        self.consumer.resume()
        self.threads.do_all()
        self.successResultOf(flow)

    def test_paused_at_the_end(self) -> None:
        """The last, smaller batch waits for a consumer that has paused."""
        source = ScriptedStream([b"last"], then=HANG)
        _, flow = self.pour(source)
        self.consumer.pause()
        source.finish()
        self.assertEqual(self.consumer.size, 0)
        self.assertNoResult(flow)
        self.consumer.resume()
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual(self.consumer.data, b"last")

    def test_source_slow_to_pause(self) -> None:
        """What a source writes although it was paused does not reach a paused consumer."""

        @implementer(IByteStream)
        class Burst(ScriptedStream):
            def pauseProducing(self) -> None:
                pass

        self.consumer.pause_after = 1
        _, flow = self.pour(Burst([CHUNK] * PER_BATCH * 3, then=HANG))
        self.assertEqual(self.consumer.size, LARGEST_BATCH)
        self.consumer.resume()
        self.assertEqual(self.consumer.size, 3 * LARGEST_BATCH)
        flow.cancel()
        self.threads.do_all()
        self.failureResultOf(flow, CancelledError)


class LimitTests(MeterCase):
    """No more than the limit passes."""

    def test_exactly(self) -> None:
        """As many bytes as the limit are welcome."""
        metered, flow = self.pour(ScriptedStream([b"123", b"45"]), limit=5)
        self.threads.do_all()
        self.successResultOf(flow)
        self.assertEqual(metered.size, 5)

    def test_one_more(self) -> None:
        """One byte more stops the source and fails; nothing beyond the limit was passed on."""
        source = ScriptedStream([CHUNK] * (PER_BATCH + 1), then=HANG)
        _, flow = self.pour(source, limit=LARGEST_BATCH + len(CHUNK) - 1)
        self.assertTrue(source.was_stopped)
        self.threads.do_all()
        self.failureResultOf(flow, TooLarge)
        self.assertEqual(self.consumer.size, LARGEST_BATCH)
        self.assert_over()

    def test_nothing_allowed(self) -> None:
        """A limit of nothing lets the empty image pass, and no byte."""
        self.successResultOf(self.pour(ScriptedStream(), limit=0)[1])
        self.failureResultOf(self.pour(ScriptedStream([b"1"]), limit=0)[1], TooLarge)

    def test_source_fails_when_stopped(self) -> None:
        """What a source says when it is stopped does not hide why it was."""

        class Touchy(ScriptedStream):
            def stopProducing(self) -> None:
                self.finish(BodyCutShort())

        self.failureResultOf(self.pour(Touchy([b"12"]), limit=1)[1], TooLarge)


class EndTests(MeterCase):
    """Every way of ending ends, and leaves nothing."""

    def test_source_fails(self) -> None:
        """What breaks the source comes out once the hashing under way is done."""
        source = ScriptedStream([CHUNK] * PER_BATCH, then=BodyCutShort())
        _, flow = self.pour(source)
        self.assertNoResult(flow)
        self.threads.do_all()
        self.failureResultOf(flow, BodyCutShort)
        self.assert_over()

    def test_cancelled(self) -> None:
        """Cancelling cancels the source, and ends by CancelledError."""
        source = ScriptedStream([CHUNK] * PER_BATCH, then=HANG)
        _, flow = self.pour(source)
        flow.cancel()
        self.assertTrue(source.was_cancelled)
        self.threads.do_all()
        self.failureResultOf(flow, CancelledError)
        self.assert_over()

    def test_cancelled_twice(self) -> None:
        """A second cancellation, also during the last hashing, changes nothing."""
        _, flow = self.pour(ScriptedStream([b"last"]))
        flow.cancel()
        flow.cancel()
        self.threads.do_all()
        self.failureResultOf(flow, CancelledError)
        self.assert_over()

    def test_cancelled_while_held(self) -> None:
        """It may be cancelled while the last batch waits for the consumer."""
        self.consumer.pause_after = 0
        source = ScriptedStream(then=HANG)
        _, flow = self.pour(source)
        source.finish()
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assert_over()

    def test_consumer_leaves(self) -> None:
        """A consumer may leave before the first byte, in a write, or after the last one."""
        for stop_after, then in ((0, HANG), (1, HANG)):
            self.consumer = RecordingConsumer(stop_after=stop_after)
            source = ScriptedStream([CHUNK] * PER_BATCH * 2, then=then)
            _, flow = self.pour(source)
            self.assertTrue(source.was_stopped)
            self.threads.do_all()
            self.failureResultOf(flow, ConsumerGone)
            self.assert_over()
        self.consumer = RecordingConsumer()
        _, flow = self.pour(ScriptedStream([b"last"]))
        self.consumer.stop()
        self.threads.do_all()
        self.failureResultOf(flow, ConsumerGone)
        self.assert_over()

    def test_hashing_fails(self) -> None:
        """When hashing fails the source is stopped, and the error is the one of the thread."""

        class Stopped(HeldThreads):
            def do_one(self) -> None:
                self.refuse_one(NotRunning("stopped"))

        self.threads = Stopped()
        self.metering = Metering(self.threads, ("md5", "sha256"))
        for script in ([CHUNK] * PER_BATCH, [CHUNK] * PER_BATCH * 5, [b"last"]):
            source = ScriptedStream(script, then=HANG)
            self.consumer = RecordingConsumer()
            _, flow = self.pour(source)
            if script == [b"last"]:
                source.finish()
            self.threads.do_all()
            self.failureResultOf(flow, NotRunning)
            self.assertTrue(source.has_ended)
            self.assert_over()

    def test_source_never_registers(self) -> None:
        """A source that fails before it registers fails the flow."""

        @implementer(IByteStream)
        class Unreachable:
            length = None

            async def flow_to(self, consumer: IConsumer) -> None:
                raise BodyCutShort()

        self.failureResultOf(self.pour(Unreachable())[1], BodyCutShort)
        self.assert_over()
