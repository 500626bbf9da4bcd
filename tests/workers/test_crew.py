"""Workers are brought up, kept up, succeeded, and ended."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from glancetx.workers.child import WorkerFailed
from glancetx.workers.crew import Crew
from tests.web.case import logged_events


class FakeWorker:
    """A worker that does only what a test says."""

    def __init__(self, number, order):
        self.number, self.order = number, order
        self.ready: Deferred[None] = Deferred()
        self.has_ended = False
        self.told = []
        self.was_killed = False
        self._waiting = []

    def tell(self, *message):
        if not self.has_ended:
            self.told.append(message[0])

    def kill(self):
        self.was_killed = True

    def ended(self):
        done: Deferred[str] = Deferred()
        if self.has_ended:
            done.callback("gone")
        else:
            self._waiting.append(done)
        return done

    def end(self):
        """It has ended, whyever."""
        self.has_ended = True
        if not self.ready.called:
            self.ready.errback(WorkerFailed(f"worker {self.number} is gone"))
        for done in self._waiting:
            done.callback("gone")


class CrewCase(SynchronousTestCase):
    """A crew of two on a clock."""

    def setUp(self):
        self.clock = Clock()
        self.hired = []
        self.crew = Crew(self.clock, 2, self.hire)
        self.events = logged_events(self)

    def hire(self, number, order):
        self.hired.append(FakeWorker(number, order))
        return self.hired[-1]

    def started(self):
        """Both serve by the first order."""
        starting = ensureDeferred(self.crew.start({"order": 1}))
        for worker in self.hired:
            worker.ready.callback(None)
        self.successResultOf(starting)
        return self.hired[:2]

    def errors(self):
        """What was logged as an error since the last time."""
        found = [each for each in self.events if each["log_level"] is LogLevel.error]
        self.events.clear()
        return found

    def wait(self, seconds):
        self.clock.pump([0.1] * round(seconds * 10))

    def newest(self):
        return self.hired[-1]

    def assert_no_timers(self):
        self.assertEqual(self.clock.getDelayedCalls(), [])


class StartTests(CrewCase):
    """All of them serve, or none."""

    def test_all_at_once(self):
        """They start together, each with a number; it is over when all of them serve."""
        starting = ensureDeferred(self.crew.start({"order": 1}))
        first, second = self.hired
        self.assertEqual(
            [(each.number, each.order) for each in self.hired],
            [(1, {"order": 1}), (2, {"order": 1})],
        )
        second.ready.callback(None)
        self.assertNoResult(starting)
        first.ready.callback(None)
        self.successResultOf(starting)
        self.assert_no_timers()

    def test_one_fails(self):
        """When one cannot serve the whole start has failed, with its words."""
        starting = ensureDeferred(self.crew.start({}))
        self.hired[1].ready.errback(WorkerFailed("no such store"))
        failure = self.failureResultOf(starting, WorkerFailed)
        self.assertEqual(str(failure.value), "no such store")

    def test_one_takes_too_long(self):
        """One that never tells is killed."""
        starting = ensureDeferred(self.crew.start({}))
        self.hired[0].ready.callback(None)
        self.clock.advance(Crew.start_time)
        failure = self.failureResultOf(starting, WorkerFailed)
        self.assertEqual(str(failure.value), "worker 2 takes too long to start")
        self.assertEqual([each.was_killed for each in self.hired], [False, True])

    def test_cancelled(self):
        """A start that is given up leaves workers to be stopped, and no timers."""
        starting = ensureDeferred(self.crew.start({}))
        starting.cancel()
        self.failureResultOf(starting, CancelledError)
        self.assert_no_timers()
        stopping = ensureDeferred(self.crew.stop(60))
        for worker in self.hired:
            self.assertEqual(worker.told, ["stop"])
            worker.end()
        self.successResultOf(stopping)
        self.assert_no_timers()


class KeepTests(CrewCase):
    """Whoever dies has a successor."""

    def test_successor(self):
        """It has the same number and the same order, and soon; the other goes on."""
        first, second = self.started()
        second.end()
        self.assertEqual(len(self.errors()), 1)
        self.assertEqual(len(self.hired), 2)
        self.wait(0.1)
        successor = self.newest()
        self.assertEqual((successor.number, successor.order), (2, {"order": 1}))
        successor.ready.callback(None)
        self.assertEqual((first.told, len(self.hired)), ([], 3))
        self.assert_no_timers()

    def test_growing_pauses(self):
        """While successors die young the pauses grow, up to a limit."""
        self.started()[0].end()
        pauses = []
        for _ in range(8):
            [timer] = self.clock.getDelayedCalls()
            pauses.append(round(timer.getTime() - self.clock.seconds(), 1))
            self.clock.advance(timer.getTime() - self.clock.seconds())
            self.newest().ready.callback(None)
            self.newest().end()
        self.assertEqual(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])

    def test_pauses_begin_anew(self):
        """One that has lived for long has a successor at once, whatever came before."""
        self.started()[0].end()
        for _ in range(3):
            self.wait(1)
            self.newest().ready.callback(None)
            self.newest().end()
        self.wait(1)
        self.newest().ready.callback(None)
        self.clock.advance(Crew.young + 1)
        self.newest().end()
        count = len(self.hired)
        self.wait(0.1)
        self.assertEqual(len(self.hired), count + 1)

    def test_successors_do_not_start(self):
        """While others serve it is tried for ever."""
        self.started()[0].end()
        for _ in range(3 * Crew.tries):
            self.wait(Crew.longest_pause + 1)
            self.newest().end()
        self.assertNoResult(self.crew.broken)
        self.wait(Crew.longest_pause + 1)
        self.newest().ready.callback(None)
        self.assertFalse(self.newest().has_ended)

    def test_nobody_serves(self):
        """When nobody does, and nobody can, the crew is broken: once, with the reason."""
        for worker in self.started():
            worker.end()
        for _ in range(Crew.tries + 1):
            self.assertNoResult(self.crew.broken)
            self.wait(Crew.longest_pause + 1)
            for worker in [each for each in self.hired if not each.has_ended]:
                worker.end()
            if self.crew.broken.called:
                break
        failure = self.failureResultOf(self.crew.broken, WorkerFailed)
        self.assertIn("is gone", str(failure.value))


class HandOverTests(CrewCase):
    """Successors take over in order."""

    def hand_over(self, order):
        return ensureDeferred(self.crew.hand_over({"order": order}))

    def test_one_by_one(self):
        """Nobody retires before his successor serves, and the next one is started only then."""
        first, second = self.started()
        handing_over = self.hand_over(2)
        self.assertEqual([each.number for each in self.hired], [1, 2, 1])
        self.assertEqual(first.told, [])
        self.newest().ready.callback(None)
        self.assertEqual((first.told, second.told), (["retire"], []))
        self.assertEqual((self.newest().number, self.newest().order), (2, {"order": 2}))
        self.newest().ready.callback(None)
        self.assertEqual(second.told, ["retire"])
        self.successResultOf(handing_over)

    def test_retired_end(self):
        """Whoever has retired may end, and needs no successor."""
        first, second = self.started()
        self.hand_over(2)
        for _ in range(2):
            self.newest().ready.callback(None)
        first.end()
        second.end()
        self.wait(10)
        self.assertEqual(len(self.hired), 4)
        self.assertEqual(self.errors(), [])

    def test_successor_cannot_serve(self):
        """Then the old ones stay, and who dies has a successor of the old kind."""
        first, second = self.started()
        handing_over = self.hand_over(2)
        self.newest().end()
        self.failureResultOf(handing_over, WorkerFailed)
        self.assertEqual((first.told, second.told), ([], []))
        first.end()
        self.wait(0.1)
        self.assertEqual(self.newest().order, {"order": 1})

    def test_death_meanwhile(self):
        """One that dies while its successor starts gets no second one."""
        first, _ = self.started()
        self.hand_over(2)
        first.end()
        self.wait(1)
        self.assertEqual(len(self.hired), 3)
        self.newest().ready.callback(None)
        self.wait(10)
        self.assertEqual([each.number for each in self.hired], [1, 2, 1, 2])

    def test_death_of_the_new(self):
        """A successor that dies later has one by the new order."""
        self.started()
        self.hand_over(2)
        for _ in range(2):
            self.newest().ready.callback(None)
        self.newest().end()
        self.wait(0.1)
        self.assertEqual((self.newest().number, self.newest().order), (2, {"order": 2}))

    def test_again(self):
        """Those who still work since the last time are told to stop."""
        first, second = self.started()
        for order in 2, 3:
            handing_over = self.hand_over(order)
            for _ in range(2):
                self.newest().ready.callback(None)
            self.successResultOf(handing_over)
        self.assertEqual((first.told, second.told), (["retire", "stop"], ["retire", "stop"]))


class StopTests(CrewCase):
    """Everybody ends."""

    def test_in_order(self):
        """It is over when all of them have ended, those who have retired included."""
        self.started()
        handing_over = ensureDeferred(self.crew.hand_over({}))
        self.newest().ready.callback(None)  # and worker 2's successor is just starting
        handing_over.cancel()
        self.failureResultOf(handing_over, CancelledError)
        stopping = ensureDeferred(self.crew.stop(60))
        self.assertEqual([each.told[-1] for each in self.hired], ["stop"] * 4)
        for worker in self.hired:
            self.assertNoResult(stopping)
            worker.end()
        self.successResultOf(stopping)
        self.assertEqual(len(self.hired), 4)
        self.assert_no_timers()

    def test_hurry(self):
        """All are told."""
        self.started()
        ensureDeferred(self.crew.stop(60))
        self.crew.hurry()
        self.assertEqual([each.told[-1] for each in self.hired], ["hurry", "hurry"])

    def test_one_does_not_end(self):
        """It is killed, when it has had time to clear up."""
        first, second = self.started()
        stopping = ensureDeferred(self.crew.stop(5))
        first.end()
        self.clock.advance(5 + Crew.end_time - 1)
        self.assertFalse(second.was_killed)
        self.clock.advance(1)
        self.assertEqual((first.was_killed, second.was_killed), (False, True))
        second.end()
        self.successResultOf(stopping)

    def test_while_somebody_is_away(self):
        """Nobody is started any more."""
        first, second = self.started()
        first.end()
        stopping = ensureDeferred(self.crew.stop(5))
        second.end()
        self.successResultOf(stopping)
        self.wait(10)
        self.assertEqual(len(self.hired), 2)
        self.assert_no_timers()

    def test_others(self):
        """Everybody but one, for what he tells."""
        first, second = self.started()
        self.assertEqual(self.crew.others(first), [second])
