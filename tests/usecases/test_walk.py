"""A walk does several things at a time, and knows behind which one everything is done."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.usecases.walk import Walk


async def numbers(count):
    for number in range(count):
        yield number


class WalkTests(SynchronousTestCase):
    """Three at a time."""

    def setUp(self):
        self.running: dict[int, Deferred[None]] = {}
        self.walk = Walk(3, self.do)

    def do(self, number):
        self.running[number] = Deferred()
        return self.running[number]

    def end(self, number):
        self.running.pop(number).callback(None)

    def test_order(self):
        """The point moves only over what is done without a gap."""
        walking = as_deferred(self.walk.over(numbers(5)))
        self.assertEqual(sorted(self.running), [0, 1, 2])
        self.assertIsNone(self.walk.behind)
        self.end(1)
        self.assertEqual(sorted(self.running), [0, 2, 3])
        self.assertEqual((self.walk.behind, self.walk.passed), (None, 0))
        self.end(0)
        self.assertEqual((self.walk.behind, self.walk.passed), (1, 2))
        for number in 4, 3, 2:
            self.end(number)
        self.successResultOf(walking)
        self.assertEqual((self.walk.behind, self.walk.passed), (4, 5))

    def test_nothing(self):
        """A walk over nothing ends at once."""
        self.successResultOf(as_deferred(self.walk.over(numbers(0))))
        self.assertIsNone(self.walk.behind)

    def test_cancelled(self):
        """Whoever cancels it ends all that runs."""
        walking = as_deferred(self.walk.over(numbers(5)))
        walking.cancel()
        self.failureResultOf(walking, CancelledError)
        self.assertIsNone(self.walk.behind)

    def test_error(self):
        """An error ends the others, and comes out as it was."""
        walking = as_deferred(self.walk.over(numbers(5)))
        self.running[1].errback(ZeroDivisionError())
        self.failureResultOf(walking, ZeroDivisionError)
        self.assertTrue(all(each.called for each in self.running.values()))

    def test_source_fails(self):
        """So does an error of what is walked over."""

        async def broken():
            yield 0
            raise ZeroDivisionError

        walking = as_deferred(self.walk.over(broken()))
        self.failureResultOf(walking, ZeroDivisionError)
