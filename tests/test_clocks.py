"""How long something takes is told by a clock that nobody sets."""

import time

from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.clocks import keep_steady, time_of_day


class Reactor(ReactorBase):
    """One that never runs."""

    def installWaker(self):  # noqa: N802 - Twisted's name
        pass


class SteadyTests(SynchronousTestCase):
    """A reactor that waits by the steady clock."""

    def setUp(self):
        self.reactor = Reactor()
        self.reactor.seconds = lambda: 1_700_000_000.0

    def test_seconds(self):
        """Its seconds are those of the steady clock, and its time of day is what it was."""
        keep_steady(self.reactor)
        self.assertIs(self.reactor.seconds, time.monotonic)
        self.assertEqual(time_of_day(self.reactor), 1_700_000_000.0)

    def test_twice(self):
        """Another time changes nothing."""
        keep_steady(self.reactor)
        keep_steady(self.reactor)
        self.assertEqual(time_of_day(self.reactor), 1_700_000_000.0)

    def test_waiting(self):
        """What already waits comes when it would have come."""
        sooner = self.reactor.callLater(10, lambda: None)
        later = self.reactor.callLater(10, lambda: None)
        keep_steady(self.reactor)
        self.assertApproximates(sooner.getTime() - time.monotonic(), 10, 5)
        later.reset(20)
        self.assertApproximates(later.getTime() - time.monotonic(), 20, 5)

    def test_other_clocks(self):
        """A clock of tests tells both."""
        clock = Clock()
        clock.advance(7)
        self.assertEqual(time_of_day(clock), 7)
