"""Streams that nobody wants after all."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.streams import from_chunks, leave
from glancetx.testing.streams import HANG, ScriptedStream


class LeaveTests(SynchronousTestCase):
    """They are let go of without being read."""

    def test_stopped(self):
        """The source is stopped at once, whatever it would have done."""
        for then in HANG, ValueError():
            stream = ScriptedStream([b"a"], then)
            self.successResultOf(as_deferred(leave(stream)))
            self.assertTrue(stream.was_stopped)
            self.assertEqual(stream.written, 0)

    def test_not_started(self):
        """A generator is not even started."""

        async def never():
            self.fail("it was started")
            yield b""

        self.successResultOf(as_deferred(leave(from_chunks(never()))))

    def test_cancelled(self):
        """Whoever is called off while the source ends is told."""

        class Slow(ScriptedStream):
            def stopProducing(self):
                self.was_stopped = True

        leaving = as_deferred(leave(Slow([], HANG)))
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)

    def test_writes_all_the_same(self):
        """What a source writes in spite of that is lost."""

        class Deaf(ScriptedStream):
            def stopProducing(self):
                self.was_stopped = True

        self.successResultOf(as_deferred(leave(Deaf([b"a", b"b"]))))
