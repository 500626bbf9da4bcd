"""Threads without threads do jobs when they are told to."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.testing.threads import HeldThreads, InlineThreads


class InlineThreadsTests(SynchronousTestCase):
    """Jobs are done at once."""

    def test_run(self) -> None:
        """Results and errors come at once."""
        threads = InlineThreads()
        threads.startService()
        self.assertEqual(self.successResultOf(threads.run(int, "12", base=3)), 5)
        self.failureResultOf(threads.run(int, "x"), ValueError)
        threads.stopService()


class HeldThreadsTests(SynchronousTestCase):
    """Jobs are done when the test says so."""

    def test_order(self) -> None:
        """One after the other, or all, also those that come meanwhile."""
        threads = HeldThreads()
        done: list[int] = []

        def another(_: None) -> None:
            threads.run(done.append, 3)

        threads.run(done.append, 1)
        threads.run(done.append, 2).addCallback(another)
        self.assertEqual((threads.held, done), (2, []))
        threads.do_one()
        self.assertEqual(done, [1])
        threads.do_all()
        self.assertEqual((threads.held, done), (0, [1, 2, 3]))

    def test_cancelled(self) -> None:
        """As with real threads, a cancelled job ends first."""
        threads = HeldThreads()
        result = threads.run(int)
        result.cancel()
        self.assertNoResult(result)
        threads.do_all()
        self.failureResultOf(result, CancelledError)
