"""Those who follow a copy that is being made: each at his own pace, and nobody in another's way."""

from __future__ import annotations

import traceback

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.flight import HELD_BACK, Flight
from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, NoSuchData, StoreUnavailable
from glancetx.testing.streams import RecordingConsumer
from tests.cache.case import DATA, IMAGE_ID, CountingSource, HangingCase, Reader, original


class PaceTests(HangingCase):
    """Many want the same at once."""

    def test_one_read(self):
        """The store is read once, and everybody gets everything."""
        readers = [self.read() for _ in range(64)]
        self.bring_rest()
        self.assert_got_all(*readers)
        self.assertEqual(self.source.opened, [(0, None)])
        self.assertEqual((self.cache.misses, self.cache.joins), (1, 63))

    def test_as_it_comes(self):
        """Who follows is given what has come, at once; who joins late, from the beginning."""
        early = self.read()
        self.assertGreater(early.size, 0)
        late = self.read()
        self.assertEqual(late.size, early.size)
        self.bring_rest()
        self.assert_got_all(early, late)

    def test_slow_reader(self):
        """One who takes nothing holds up neither the copy nor the others."""
        slow, quick = self.read(pause_after=1), self.read()
        held = slow.size
        self.bring_rest()
        self.assert_got_all(quick)
        self.assertEqual(self.cached(), [IMAGE_ID])
        self.assertEqual(slow.size, held)
        self.assertEqual(self.source.streams[0].pauses, self.source.streams[0].resumes)
        slow.consumer.resume()
        self.assert_got_all(slow)

    def test_slow_reader_is_alone(self):
        """Nor does he hold up the copy when there is nobody else."""
        slow = self.read(pause_after=1)
        self.bring_rest()
        self.assertEqual(self.cached(), [IMAGE_ID])
        slow.consumer.resume()
        self.assert_got_all(slow)

    def test_last_bytes(self):
        """The last bytes come when the copy has been verified, not before."""
        reader = self.read()
        self.source.give(DATA[self.half :])
        self.assertLess(reader.size, len(DATA) - HELD_BACK + 1)
        self.source.finish()
        self.assert_got_all(reader)

    def test_landed(self):
        """Who comes while it is being made safe is given the copy, ranges too."""
        reader = self.read()
        commit = self.cache.maker._pools.write
        held: Deferred[None] = Deferred()
        run = commit.run

        def hold_commit(job, *args):
            result = run(job, *args)
            if job.__name__ == "commit":
                result.addCallback(lambda _: held)
            return result

        self.patch(commit, "run", hold_commit)
        self.bring_rest()
        self.assert_got_all(reader)
        self.assert_got_all(self.read())
        part = Reader(self.do(self.cache.open(original(), self.source, 5, 7)), RecordingConsumer())
        self.assertEqual(part.consumer.data, DATA[5:12])
        self.assertEqual(self.cache.hits, 2)
        held.callback(None)
        self.assertEqual(len(self.source.opened), 1)


class LeavingTests(HangingCase):
    """Readers come and go."""

    def leave(self, reader):
        reader.consumer.stop()
        self.failureResultOf(reader.flow, ConsumerGone)

    def test_stops_nobody(self):
        """The first one leaves, and the other gets everything."""
        first, second = self.read(), self.read()
        self.leave(first)
        self.settle()
        self.bring_rest()
        self.assert_got_all(second)

    def test_last_one(self):
        """When the last one has left, the source is stopped, and nothing is kept."""
        readers = [self.read(), self.read()]
        for reader in readers:
            self.leave(reader)
        self.settle()
        self.assertTrue(self.source.streams[0].was_stopped)
        self.assertEqual(self.cached(), [])
        self.assertFalse(self.do(self.cache._find(original())))

    def test_one_comes_as_the_last_leaves(self):
        """Who comes at the same moment goes on with the same copy."""
        self.leave(self.read())
        reader = self.read()
        self.settle()
        self.bring_rest()
        self.assert_got_all(reader)
        self.assertEqual(len(self.source.opened), 1)

    def test_gone_at_once(self):
        """One who leaves before his first byte counts no longer."""
        opened = self.do(self.cache.open(original(), self.source))
        self.failureResultOf(Reader(opened, RecordingConsumer(stop_after=0)).flow, ConsumerGone)
        self.settle()
        self.assertTrue(self.source.streams[0].was_stopped)

    def test_leaves_while_source_opens(self):
        """When the only one leaves before the source has answered, nobody asks any more."""
        self.source.gate = Deferred(lambda _: gone.append(True))
        gone: list[bool] = []
        opening = as_deferred(self.cache.open(original(), self.source))
        self.assertNoResult(opening)
        opening.cancel()
        self.failureResultOf(opening)
        self.settle()
        self.assertEqual(gone, [True])
        self.source.gate = None
        reader = self.read()
        self.bring_rest()
        self.assert_got_all(reader)

    def test_leaves_as_it_comes(self):
        """One who leaves out of the very call that brings him bytes stops nobody."""
        first, second = self.read(stop_after=1), self.read()
        self.settle()
        self.failureResultOf(first.flow, ConsumerGone)
        self.bring_rest()
        self.assert_got_all(second)

    def test_leaves_after_landing(self):
        """Who leaves when the copy is complete leaves it behind."""
        reader = self.read(pause_after=1)
        self.bring_rest()
        self.leave(reader)
        self.settle()
        self.assertEqual(self.cached(), [IMAGE_ID])


class TroubleTests(HangingCase):
    """Sources that refuse, break or say nothing."""

    def test_refused(self):
        """Everybody who waited is told why, before his first byte."""
        self.source.gate, self.source.error = Deferred(), NoSuchData()
        waiting = [as_deferred(self.cache.open(original(), self.source)) for _ in range(3)]
        self.source.gate.callback(None)
        for each in waiting:
            self.failureResultOf(each, NoSuchData)
        self.assertEqual(len(self.source.opened), 1)

    def test_breaks(self):
        """When the source breaks, so does every download; the next one asks again."""
        readers = [self.read(), self.read(pause_after=1)]
        self.source.streams[0].finish(StoreUnavailable())
        readers[1].consumer.resume()
        for reader in readers:
            self.failureResultOf(reader.flow, StoreUnavailable)
        self.assertEqual(self.cached(), [])
        self.source = CountingSource()
        self.assert_got_all(self.read(source=self.source))

    def test_traces(self):
        """An error remembers only where it has been with the one who got it last."""
        readers = [self.read(source=self.source) for _ in range(20)]
        self.source.streams[0].finish(StoreUnavailable())
        errors = [self.failureResultOf(reader.flow, StoreUnavailable) for reader in readers]
        error = errors[-1].value
        self.assertLess(len(traceback.extract_tb(error.__traceback__)), 20)

    def test_says_nothing(self):
        """One of which nothing comes for the stall time is given up."""
        reader = self.read()
        self.clock.advance(self.stall_time - 1)
        self.assertNoResult(reader.flow)
        self.clock.advance(1)
        self.failureResultOf(reader.flow, StoreUnavailable)
        self.assertTrue(self.source.streams[0].was_stopped)

    def test_slow_source(self):
        """One from which something comes now and then is not."""
        reader = self.read()
        self.clock.advance(self.stall_time - 1)
        self.source.give(DATA[self.half :])
        self.clock.advance(self.stall_time - 1)
        self.source.finish()
        self.assert_got_all(reader)


class WakingTests(SynchronousTestCase):
    """Those who wait are told one after the other."""

    def test_one_ends_another(self):
        """Who is told first may make the next one leave, and the others hear of it all the same."""
        flight = Flight(Clock(), original(), 0.0, lambda: None)
        first, second, third = (as_deferred(flight.until_over()) for _ in range(3))
        first.addCallback(lambda _: second.cancel())
        flight.over()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)
        self.successResultOf(third)


class PatientTests(HangingCase):
    """No stall time."""

    stall_time = 0.0

    def test_waits_for_ever(self):
        """With 0 nobody gives up."""
        reader = self.read()
        self.clock.advance(1e9)
        self.bring_rest()
        self.assert_got_all(reader)
