"""Work done once for all who ask at the same time."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.flights import Flights


class FlightsTests(SynchronousTestCase):
    """One piece of work for a key at a time."""

    def setUp(self) -> None:
        self.flights: Flights[str, int] = Flights()
        self.works: list[Deferred[int]] = []

    def start(self) -> Deferred[int]:
        self.works.append(Deferred())
        return self.works[-1]

    def test_one_work_for_all(self) -> None:
        """Those who ask while it is under way share one piece of work, and its result."""
        seats = [self.flights.join("key", self.start) for _ in range(3)]
        self.works[0].callback(7)
        self.assertEqual([self.successResultOf(seat) for seat in seats], [7, 7, 7])
        self.assertEqual(len(self.works), 1)

    def test_other_key(self) -> None:
        """Work for one key does not stand for that of another."""
        first, second = self.flights.join("a", self.start), self.flights.join("b", self.start)
        self.works[1].callback(2)
        self.assertNoResult(first)
        self.assertEqual(self.successResultOf(second), 2)

    def test_new_work_after_the_end(self) -> None:
        """Whoever comes after the end gets work of his own."""
        self.flights.join("key", self.start)
        self.works[0].callback(1)
        late = self.flights.join("key", self.start)
        self.assertNoResult(late)
        self.works[1].callback(2)
        self.assertEqual(self.successResultOf(late), 2)
        self.assertEqual(len(self.flights), 0)

    def test_error_for_all(self) -> None:
        """An error reaches everybody, and the next one tries again."""
        seats = [self.flights.join("key", self.start) for _ in range(3)]
        self.works[0].errback(ValueError("no"))
        for seat in seats:
            self.failureResultOf(seat, ValueError)
        self.flights.join("key", self.start)
        self.assertEqual(len(self.works), 2)

    def test_giving_up_stops_nobody_else(self) -> None:
        """Who gives up is let go at once; the others get the result."""
        first, second = (self.flights.join("key", self.start) for _ in range(2))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertNoResult(second)
        self.works[0].callback(7)
        self.assertEqual(self.successResultOf(second), 7)

    def test_immediate_result(self) -> None:
        """Work that is done when it is started is as good."""

        async def now() -> int:
            return 7

        self.assertEqual(self.successResultOf(self.flights.join("key", now)), 7)
        self.assertEqual(len(self.flights), 0)
