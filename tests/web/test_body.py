"""Tests of the body of a request as a byte stream."""

from __future__ import annotations

from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from glancetx.errors import BodyCutShort, ConsumerGone
from glancetx.interfaces import IByteStream
from glancetx.testing.streams import RecordingConsumer
from glancetx.web.body import RequestBody


@implementer(IPushProducer)
class Network:
    """A network that notes whether it is read."""

    is_read = True

    def pauseProducing(self) -> None:
        self.is_read = False

    def resumeProducing(self) -> None:
        self.is_read = True

    def stopProducing(self) -> None:
        raise NotImplementedError()


class OneByOne(RecordingConsumer):
    """Wants one chunk at a time."""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.pause()


class BodyCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = Network()
        self.begun = 0
        self.body = RequestBody(self.network, self.begin)
        self.consumer = RecordingConsumer()

    def begin(self) -> None:
        self.begun += 1


class FlowTests(BodyCase):
    """Bytes go straight to whoever takes them."""

    def test_provides_its_interfaces(self) -> None:
        """It is a byte stream, and a push producer."""
        verifyObject(IByteStream, self.body)
        verifyObject(IPushProducer, self.body)

    def test_passes_on_what_comes(self) -> None:
        """What comes is written at once, and the flow ends with the body."""
        flow = self.body.flow_to(self.consumer)
        self.body.data_received(b"ab")
        self.assertEqual(self.consumer.data, b"ab")
        self.body.data_received(b"c")
        self.assertNoResult(flow)
        self.body.all_received()
        self.assertIsNone(self.successResultOf(flow))
        self.assertEqual(self.consumer.data, b"abc")
        self.assertFalse(self.consumer.is_registered)

    def test_waits_for_a_reader(self) -> None:
        """Before anybody reads, the first bytes wait here and the others in the network."""
        self.body.data_received(b"ab")
        self.assertFalse(self.network.is_read)
        self.assertEqual(self.begun, 0)
        self.body.flow_to(self.consumer)
        self.assertEqual((self.consumer.data, self.begun), (b"ab", 1))
        self.assertTrue(self.network.is_read)

    def test_reader_comes_late(self) -> None:
        """A body that is complete before it is read still flows, and ends."""
        self.body.data_received(b"ab")
        self.body.all_received()
        self.successResultOf(self.body.flow_to(self.consumer))
        self.assertEqual(self.consumer.data, b"ab")
        self.assertTrue(self.network.is_read)

    def test_is_read_once(self) -> None:
        """A second reader is a mistake in the program."""
        self.body.flow_to(self.consumer)
        self.assertRaises(RuntimeError, self.body.flow_to, RecordingConsumer())

    def test_remaining(self) -> None:
        """What is still to come is known when a length was announced."""
        self.assertEqual(self.body.remaining, float("inf"))
        self.body.length = 5
        self.body.data_received(b"ab")
        self.assertEqual(self.body.remaining, 3)


class PauseTests(BodyCase):
    """A consumer that is slow leaves the bytes in the network."""

    def test_pause_and_resume(self) -> None:
        """While the consumer pauses the network is not read, and nothing is written."""
        self.body.flow_to(self.consumer)
        self.consumer.pause()
        self.assertFalse(self.network.is_read)
        self.body.data_received(b"on its way")
        self.assertEqual(self.consumer.data, b"")
        self.consumer.resume()
        self.assertEqual(self.consumer.data, b"on its way")
        self.assertTrue(self.network.is_read)

    def test_pauses_between_chunks_of_one_read(self) -> None:
        """Several chunks that one read brought are given one by one, as the consumer wants."""
        consumer = OneByOne()
        flow = self.body.flow_to(consumer)
        for chunk in (b"ab", b"cd", b"ef"):
            self.body.data_received(chunk)
        self.body.all_received()
        for so_far in (b"ab", b"abcd", b"abcdef"):
            self.assertEqual(consumer.data, so_far)
            self.assertNoResult(flow)
            consumer.resume()
        self.successResultOf(flow)

    def test_pauses_when_it_registers(self) -> None:
        """A consumer that does not want anything yet gets nothing yet."""
        self.consumer.pause_after = 0
        self.body.data_received(b"ab")
        self.body.flow_to(self.consumer)
        self.assertEqual(self.consumer.data, b"")
        self.assertFalse(self.network.is_read)

    def test_resumes_within_a_write(self) -> None:
        """A consumer that pauses and resumes in every write gets all, and no recursion."""
        consumer = self.consumer
        taken = []

        def write(data: bytes) -> None:
            taken.append(data)
            consumer.pause()
            consumer.resume()

        self.patch(RecordingConsumer, "write", lambda _, data: write(data))
        chunks = [b"%d" % number for number in range(5000)]
        for chunk in chunks:
            self.body.data_received(chunk)
        self.body.flow_to(consumer)
        self.body.data_received(b"last")
        self.assertEqual(taken, [*chunks, b"last"])
        self.assertTrue(self.network.is_read)

    def test_complete_body_is_not_paused(self) -> None:
        """When all is in, the network is read on: else nobody would notice the client leaving."""
        flow = self.body.flow_to(self.consumer)
        self.body.data_received(b"ab")
        self.body.is_complete = True
        self.consumer.pause()
        self.assertTrue(self.network.is_read)
        self.consumer.resume()
        self.successResultOf(flow)


class EndTests(BodyCase):
    """A flow ends in one of four ways."""

    def test_cut_short(self) -> None:
        """A client that owes more and is gone breaks the flow."""
        flow = self.body.flow_to(self.consumer)
        self.body.data_received(b"ab")
        self.body.cut_short()
        self.failureResultOf(flow, BodyCutShort)
        self.assertFalse(self.consumer.is_registered)
        self.assertTrue(self.body.is_broken)

    def test_cut_short_before_it_is_read(self) -> None:
        """A reader who comes too late is told, too."""
        self.body.cut_short()
        self.failureResultOf(self.body.flow_to(self.consumer), BodyCutShort)
        self.assertEqual(self.begun, 0)

    def test_complete_is_not_cut(self) -> None:
        """A client may leave after it has given everything."""
        self.body.all_received()
        self.body.cut_short()
        self.successResultOf(self.body.flow_to(self.consumer))

    def test_consumer_stops(self) -> None:
        """A consumer that wants no more ends the flow, and the rest stays in the network."""
        flow = self.body.flow_to(self.consumer)
        self.consumer.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertFalse(self.network.is_read)
        self.body.data_received(b"rest")
        self.assertEqual(self.consumer.data, b"")

    def test_cancelled(self) -> None:
        """A cancelled flow stops reading."""
        flow = self.body.flow_to(self.consumer)
        flow.addErrback(lambda _: None)
        flow.cancel()
        self.assertFalse(self.network.is_read)
        self.assertFalse(self.consumer.is_registered)

    def test_stops_when_it_registers(self) -> None:
        """A consumer that wants nothing at all does not make the client go on."""
        self.consumer.stop_after = 0
        self.failureResultOf(self.body.flow_to(self.consumer), ConsumerGone)
        self.assertEqual(self.begun, 0)

    def test_discard(self) -> None:
        """What nobody wants is taken off the network and kept nowhere."""
        self.body.data_received(b"ab")
        self.body.discard(1000)
        self.assertTrue(self.network.is_read)
        self.body.data_received(b"x" * 1000)
        self.assertEqual(len(self.body._pending), 0)
        self.assertTrue(self.network.is_read)

    def test_discard_has_its_limit(self) -> None:
        """A client that sends on and on is not listened to on and on."""
        self.body.discard(1000)
        self.body.data_received(bytes(1001))
        self.assertFalse(self.network.is_read)

    def test_discard_of_a_broken_body(self) -> None:
        """Also the rest of a body that makes no sense is taken, so that the client can read."""
        self.body.flow_to(self.consumer).addErrback(lambda _: None)
        self.body.pauseProducing()
        self.body.cut_short()
        self.body.discard(1000)
        self.assertTrue(self.network.is_read)
