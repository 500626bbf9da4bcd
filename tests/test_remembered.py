"""Answers that cost something."""

from __future__ import annotations

from twisted.internet.defer import Deferred, TimeoutError, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.remembered import Remembered


class RememberedTests(SynchronousTestCase):
    """Asked for now and then, and never twice at a time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[str]] = []
        self.remembered = Remembered(self.clock, self.ask, lifetime=60, patience=2)

    def ask(self) -> Deferred[str]:
        self.asked.append(Deferred())
        return self.asked[-1]

    def get(self) -> Deferred[str | None]:
        return ensureDeferred(self.remembered.get())

    def test_remembers(self) -> None:
        """The answer holds for its lifetime, and then it is asked again."""
        first = self.get()
        self.asked[0].callback("a")
        self.assertEqual(self.successResultOf(first), "a")
        self.clock.advance(59)
        self.assertEqual(self.successResultOf(self.get()), "a")
        self.clock.advance(1)
        self.assertNoResult(self.get())
        self.assertEqual(len(self.asked), 2)
        self.asked[1].callback("b")

    def test_together(self) -> None:
        """Whoever comes meanwhile waits for the same answer."""
        both = [self.get(), self.get()]
        self.asked[0].callback("a")
        self.assertEqual([self.successResultOf(each) for each in both], ["a", "a"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_hangs(self) -> None:
        """Nobody waits for longer than his patience, and the question goes on alone."""
        for _ in range(3):
            waiting = self.get()
            self.clock.advance(2)
            self.failureResultOf(waiting, TimeoutError)
        self.assertEqual(len(self.asked), 1)
        self.asked[0].callback("late")
        self.assertEqual(self.successResultOf(self.get()), "late")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fails(self) -> None:
        """A failure is remembered too, and the last answer beside it."""
        first = self.get()
        self.asked[0].callback("a")
        self.successResultOf(first)
        self.clock.advance(60)
        second = self.get()
        self.asked[1].errback(ValueError())
        self.failureResultOf(second, ValueError)
        self.failureResultOf(self.get(), ValueError)
        self.assertEqual((self.remembered.last, len(self.asked)), ("a", 2))
        self.clock.advance(60)
        third = self.get()
        self.asked[2].callback("b")
        self.assertEqual(self.successResultOf(third), "b")

    def test_stop(self) -> None:
        """What is under way is called off, and whoever waits has waited in vain."""
        waiting = self.get()
        self.remembered.stop()
        self.failureResultOf(waiting, TimeoutError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.remembered.stop()
