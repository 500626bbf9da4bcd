"""Turns that the workers of a daemon share."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.workers.turns import AskedTurns, Turns


class SupervisorTests(SynchronousTestCase):
    """The side that grants them."""

    def setUp(self):
        self.granted: list[str] = []
        self.turns = Turns(2, self.granted.append)

    def test_at_once(self):
        """So many are granted, and the others in the order in which they were asked for."""
        for worker in "aabc":
            self.turns.asked_by(worker)
        self.assertEqual(self.granted, ["a", "a"])
        self.turns.returned_by("a")
        self.turns.returned_by("a")
        self.assertEqual(self.granted, ["a", "a", "b", "c"])

    def test_worker_dies(self):
        """What it had goes to others, and what it wanted to nobody."""
        for worker in "aaab":
            self.turns.asked_by(worker)
        self.turns.gone("a")
        self.assertEqual(self.granted, ["a", "a", "b"])
        self.turns.asked_by("b")
        self.assertEqual(self.granted, ["a", "a", "b", "b"])

    def test_stranger_dies(self):
        """A worker that never wanted one may die as well."""
        self.turns.gone("z")
        self.turns.asked_by("a")
        self.assertEqual(self.granted, ["a"])

    def test_more_at_once(self):
        """A larger number holds from the next occasion on."""
        for worker in "aaaa":
            self.turns.asked_by(worker)
        self.turns.at_once = 3
        self.turns.returned_by("a")
        self.assertEqual(len(self.granted), 4)


class WorkerTests(SynchronousTestCase):
    """The side that asks for them."""

    def setUp(self):
        self.said: list[str] = []
        self.turns = AskedTurns(self.said.append)

    def test_turn(self):
        """It is asked for, had when it is granted, and returned."""
        first, second = self.turns.acquire(), self.turns.acquire()
        self.turns.granted()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.turns.release()
        self.assertEqual(self.said, ["turn", "turn", "done"])

    def test_nobody_wants_it_any_more(self):
        """One that comes for somebody who was cancelled is returned at once."""
        turn = self.turns.acquire()
        turn.cancel()
        self.failureResultOf(turn, CancelledError)
        self.turns.granted()
        self.assertEqual(self.said, ["turn", "done"])
