"""Work is held to a pace."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.usecases.pace import Pace


class PaceTests(SynchronousTestCase):
    """By a clock that stands still unless it is told."""

    def setUp(self):
        self.clock = Clock()

    def test_without_a_rate(self):
        """Nobody waits."""
        self.successResultOf(as_deferred(Pace(self.clock).spend(1e12)))

    def test_rate(self):
        """So many units take their time, whoever spends them."""
        pace = Pace(self.clock, 10)
        first, second = as_deferred(pace.spend(10)), as_deferred(pace.spend(5))
        self.clock.advance(0.9)
        self.assertNoResult(first)
        self.clock.advance(0.2)
        self.successResultOf(first)
        self.assertNoResult(second)
        self.clock.advance(0.4)
        self.successResultOf(second)

    def test_small_ones_are_saved_up(self):
        """A pause that is not worth it is made later."""
        pace = Pace(self.clock, 100)
        for _ in range(4):
            self.successResultOf(as_deferred(pace.spend(1)))
        self.assertNoResult(as_deferred(pace.spend(1)))

    def test_idle_time_is_not_saved(self):
        """Who has done nothing for long has no more to spend than others."""
        pace = Pace(self.clock, 10)
        self.clock.advance(1000)
        self.assertNoResult(as_deferred(pace.spend(10)))
