"""The two ends of a stream behave as their scripts say, and complain when mistreated."""

from __future__ import annotations

import hashlib

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from glancetx.errors import BodyCutShort, ConsumerGone
from glancetx.interfaces import IByteStream
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream


class ScriptedStreamTests(SynchronousTestCase):
    """A source that plays a script."""

    def setUp(self) -> None:
        self.consumer = RecordingConsumer()

    def test_interface(self) -> None:
        """It is a byte stream of whatever length it was told."""
        verifyObject(IByteStream, ScriptedStream())
        self.assertIsNone(ScriptedStream([b"a"]).length)
        self.assertEqual(ScriptedStream([b"a"], length=9).length, 9)

    def test_ends(self) -> None:
        """It writes its chunks, unregisters, and ends."""
        source = ScriptedStream([b"a", b"", b"b"])
        self.assertFalse(source.was_poured)
        self.successResultOf(source.flow_to(self.consumer))
        self.assertEqual(self.consumer.writes, [b"a", b"", b"b"])
        self.assertTrue(source.was_poured and source.has_ended)
        self.assertEqual(source.written, 2)
        self.assertFalse(self.consumer.is_registered)

    def test_fails(self) -> None:
        """It ends by the very error that it was told, after its chunks."""
        error = BodyCutShort()
        flow = ScriptedStream([b"a"], then=error).flow_to(self.consumer)
        self.assertIs(self.failureResultOf(flow).value, error)
        self.assertEqual(self.consumer.data, b"a")
        self.assertFalse(self.consumer.is_registered)

    def test_hangs(self) -> None:
        """It hangs until the test ends it, well or badly; only the first end counts."""
        for how in (BodyCutShort(), None):
            self.consumer = RecordingConsumer()
            source = ScriptedStream([b"a"], then=HANG)
            flow = source.flow_to(self.consumer)
            self.assertNoResult(flow)
            if how:
                source.finish(how)
                self.failureResultOf(flow, BodyCutShort)
            else:
                source.finish()
                self.successResultOf(flow)
            source.finish()

    def test_obeys(self) -> None:
        """It writes nothing while paused, and counts."""
        self.consumer.pause_after = 1
        source = ScriptedStream([b"a", b"b"])
        flow = source.flow_to(self.consumer)
        self.assertTrue(source.is_paused)
        self.assertEqual((source.pauses, source.resumes, self.consumer.data), (1, 0, b"a"))
        self.consumer.resume()
        self.successResultOf(flow)
        self.assertEqual((source.pauses, source.resumes, self.consumer.data), (1, 1, b"ab"))

    def test_resumed_inside_write(self) -> None:
        """A consumer may pause and resume it inside a write; order is kept."""

        @implementer(IConsumer)
        class Restless(RecordingConsumer):
            def write(self, data: bytes) -> None:
                self.pause()
                self.resume()
                super().write(data)

        consumer = Restless()
        self.successResultOf(ScriptedStream([b"a", b"b", b"c"]).flow_to(consumer))
        self.assertEqual(consumer.data, b"abc")

    def test_stopped(self) -> None:
        """A consumer that leaves ends it by ConsumerGone."""
        self.consumer.stop_after = 1
        source = ScriptedStream([b"a", b"b"])
        self.failureResultOf(source.flow_to(self.consumer), ConsumerGone)
        self.assertTrue(source.was_stopped)
        self.assertEqual(source.written, 1)

    def test_cancelled(self) -> None:
        """It notes that it was cancelled."""
        source = ScriptedStream(then=HANG)
        flow = source.flow_to(self.consumer)
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertTrue(source.was_cancelled and source.has_ended)
        self.assertFalse(self.consumer.is_registered)

    def test_lazy(self) -> None:
        """Chunks are made only as the consumer wants them."""
        made = []

        def script():
            for number in range(100):
                made.append(number)
                yield b"x"

        self.consumer.pause_after = 3
        ScriptedStream(script()).flow_to(self.consumer)
        self.assertEqual(made, [0, 1, 2])

    def test_poured_once(self) -> None:
        """It is poured once, as every stream."""
        source = ScriptedStream()
        source.flow_to(self.consumer)
        self.assertRaises(RuntimeError, source.flow_to, RecordingConsumer())


@implementer(IPushProducer)
class Deaf:
    """A producer that does as it likes."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def stopProducing(self) -> None: ...


class RecordingConsumerTests(SynchronousTestCase):
    """A consumer that records and complains."""

    def setUp(self) -> None:
        self.consumer = RecordingConsumer()

    def assert_complains(self, sentence: str, mistreat: object, *args: object) -> None:
        error = self.assertRaises(AssertionError, mistreat, *args)
        self.assertIn(sentence, str(error))
        self.assertEqual(len(self.flushLoggedErrors(AssertionError)), 1, "it was not logged")

    def test_interface(self) -> None:
        """It is a consumer."""
        verifyObject(IConsumer, self.consumer)

    def test_records(self) -> None:
        """It records chunks, their number and their digest; the bytes only when it keeps them."""
        for keep in (True, False):
            consumer = RecordingConsumer(keep=keep)
            consumer.registerProducer(Deaf(), True)
            consumer.write(b"ab")
            consumer.write(b"c")
            self.assertEqual(consumer.writes, [b"ab", b"c"] if keep else [])
            self.assertEqual(consumer.size, 3)
            self.assertEqual(consumer.md5, hashlib.md5(b"abc").hexdigest())

    def test_resumed_early(self) -> None:
        """A consumer that is resumed before it has paused does not pause any more."""
        self.consumer.pause_after = 1
        self.consumer.resume()
        self.successResultOf(ScriptedStream([b"a", b"b"]).flow_to(self.consumer))
        self.assertEqual(self.consumer.data, b"ab")

    def test_complains_of_producers(self) -> None:
        """Producers come one at a time, push, and leave once."""
        self.assert_complains("never was registered", self.consumer.unregisterProducer)
        self.assert_complains("pull producer", self.consumer.registerProducer, Deaf(), False)
        self.consumer.registerProducer(Deaf(), True)
        self.assert_complains("second producer", self.consumer.registerProducer, Deaf(), True)

    def test_complains_of_writes(self) -> None:
        """No write comes unregistered, paused, after the end, or of anything but bytes."""
        self.assert_complains("without a producer", self.consumer.write, b"a")
        self.consumer.registerProducer(Deaf(), True)
        self.assert_complains("bytearray", self.consumer.write, bytearray(b"a"))
        self.consumer.pause()
        self.assert_complains("while paused", self.consumer.write, b"a")
        self.consumer.resume()
        self.consumer.stop()
        self.assert_complains("after stopProducing", self.consumer.write, b"a")
        self.consumer = RecordingConsumer()
        self.consumer.registerProducer(Deaf(), True)
        self.consumer.unregisterProducer()
        self.assert_complains("without a producer", self.consumer.write, b"a")
