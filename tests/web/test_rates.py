"""Tests of how often somebody may ask."""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.errors import TooManyRequests
from glancetx.web.rates import BUCKETS, Buckets, RequestRate, new_buckets

ALICE, BOB = Caller(owner="alice"), Caller(owner="bob")


class BucketTests(SynchronousTestCase):
    """A bucket of tokens for each of those who ask."""

    def setUp(self) -> None:
        self.clock = Clock()
        # As large as the time of day: floating point has its say.
        self.clock.advance(1.8e9)

    def refusal(self, rate: RequestRate, key: str = "k") -> int:
        """After how many seconds to come again."""
        error: TooManyRequests = self.assertRaises(TooManyRequests, rate.take, key)
        return error.retry_after

    def taken(self, rate: RequestRate, key: str = "k") -> int:
        """How many tokens there are at the moment."""
        for number in range(10_000):
            try:
                rate.take(key)
            except TooManyRequests:
                return number
        raise AssertionError("there is no end")

    def test_burst(self) -> None:
        """So many at once, and then as many as flow in, but never more than the bucket holds."""
        rate = RequestRate(self.clock, 2, 5)
        self.assertEqual(self.taken(rate), 5)
        self.clock.advance(1)
        self.assertEqual(self.taken(rate), 2)
        self.clock.advance(3600)
        self.assertEqual(self.taken(rate), 5)

    def test_retry_after_is_enough(self) -> None:
        """Whoever waits as long as he is told is served; a second less is too soon."""
        for per_second in (0.1, 0.3, 1 / 7, 0.7, 1, 3, 1000 / 3, 1000):
            rate = RequestRate(self.clock, per_second, 3)
            self.assertEqual(self.taken(rate), 3)
            seconds = self.refusal(rate)
            self.assertGreaterEqual(seconds, 1)
            if seconds > 1:
                self.clock.advance(seconds - 1)
                self.refusal(rate)
                self.clock.advance(1)
            else:
                self.clock.advance(seconds)
            rate.take("k")

    def test_refusals_cost_nothing(self) -> None:
        """Who asks all the same does not wait longer for it."""
        rate = RequestRate(self.clock, 1, 1)
        rate.take("k")
        for _ in range(100):
            self.assertEqual(self.refusal(rate), 1)
        self.clock.advance(1)
        rate.take("k")

    def test_apart(self) -> None:
        """Nobody takes what others have."""
        rate = RequestRate(self.clock, 1, 2)
        self.assertEqual(self.taken(rate, "a"), 2)
        self.assertEqual(self.taken(rate, "b"), 2)

    def test_no_limit(self) -> None:
        """A rate or a burst of 0 is none."""
        for rate in RequestRate(self.clock, 0, 5), RequestRate(self.clock, 5, 0):
            for _ in range(100):
                rate.take("k")

    def test_memory(self) -> None:
        """However many ask, the memory is the same, and hardly anybody meets anybody (R27)."""
        rate = RequestRate(self.clock, 0.001, 1)
        met = 0
        for number in range(1000):
            try:
                rate.take(f"{number}")
            except TooManyRequests:
                met += 1
        self.assertLess(met, 50)
        places = {rate._buckets.place_of(f"{number}") for number in range(10_000)}
        self.assertTrue(0 <= min(places) and max(places) < BUCKETS)

    def test_shared(self) -> None:
        """Processes that share their buckets allow as much as one."""
        descriptor = new_buckets()
        rates = [RequestRate(self.clock, 2, 6, Buckets(descriptor)) for _ in range(2)]
        os.close(descriptor)
        for _ in range(3):
            for rate in rates:
                rate.take("k")
        for rate in rates:
            self.assertEqual(self.refusal(rate), 1)
        self.clock.advance(0.5)
        rates[0].take("k")
        self.refusal(rates[1])

    def test_names(self) -> None:
        """Whatever somebody is called, he has a bucket; in another daemon another one."""
        rate, other = RequestRate(self.clock, 1, 1), RequestRate(self.clock, 1, 1)
        names = ["", "ü", "\ud800", "x" * 10_000, *map(str, range(100))]
        here = [rate._buckets.place_of(name) for name in names]
        self.assertEqual(here, [rate._buckets.place_of(name) for name in names])
        self.assertNotEqual(here, [other._buckets.place_of(name) for name in names])

    def test_clock_is_put_back(self) -> None:
        """Nobody waits for the time that a clock goes through twice."""
        rate = RequestRate(self.clock, 1, 5)
        self.taken(rate)
        self.clock.rightNow -= 3600
        self.assertEqual(self.refusal(rate), 1)
        self.clock.advance(1)
        rate.take("k")


class CallerTests(SynchronousTestCase):
    """Who shares a bucket with whom."""

    def setUp(self) -> None:
        self.rate = RequestRate(Clock(), 1, 1)

    def assert_refused(self, caller: Caller, client: str | None) -> None:
        self.assertRaises(TooManyRequests, self.rate.check, caller, client)

    def test_projects(self) -> None:
        """A project is one, wherever its members ask from."""
        self.rate.check(ALICE, "10.0.0.1")
        self.assert_refused(ALICE, "10.0.0.2")
        self.rate.check(BOB, "10.0.0.1")

    def test_strangers(self) -> None:
        """Who has no project is known by his address, which is nobody's project."""
        self.rate.check(Caller(), "alice")
        self.assert_refused(Caller(), "alice")
        self.rate.check(Caller(), "10.0.0.2")
        self.rate.check(ALICE, "alice")

    def test_operators(self) -> None:
        """They may ask as often as they like."""
        for _ in range(100):
            self.rate.check(OPERATOR, "10.0.0.1")
