"""What a consumer wants reaches whichever producer is there."""

from __future__ import annotations

from twisted.internet.interfaces import IConsumer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.streams.relay import Relay
from glancetx.testing.streams import HANG, ScriptedStream


@implementer(IConsumer)
class Gathering(Relay):
    """A relay that keeps what comes, and notes when there was nobody to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.received = b""
        self.idle_stops = 0

    def write(self, data: bytes) -> None:
        self.received += data

    def _stop_waiting(self) -> None:
        self.idle_stops += 1


class RelayTests(SynchronousTestCase):
    """Producers come and go behind it."""

    def setUp(self) -> None:
        self.relay = Gathering()

    def pour(self) -> ScriptedStream:
        stream = ScriptedStream([b"x"], HANG)
        stream.flow_to(self.relay).addErrback(lambda _: None)
        return stream

    def test_paused_before(self) -> None:
        """One that comes while it is paused waits."""
        self.relay.pauseProducing()
        self.pour()
        self.assertEqual(self.relay.received, b"")
        self.relay.resumeProducing()
        self.assertEqual(self.relay.received, b"x")

    def test_stopped_before(self) -> None:
        """One that comes after it was stopped is stopped, and gives nothing."""
        self.relay.stopProducing()
        self.assertTrue(self.pour().was_stopped)
        self.assertEqual((self.relay.received, self.relay.idle_stops), (b"", 1))

    def test_stopped_once(self) -> None:
        """To stop it again stops nobody else."""
        stream = self.pour()
        self.relay.stopProducing()
        self.relay.stopProducing()
        self.assertTrue(stream.was_stopped)
        self.assertEqual(self.relay.idle_stops, 0)

    def test_one_after_the_other(self) -> None:
        """A later one is asked, and an earlier one no more."""
        first = self.pour()
        first.finish()
        second = self.pour()
        self.relay.pauseProducing()
        self.assertEqual((first.pauses, second.pauses), (0, 1))
