"""The waits between tries grow, and never without bound."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.httpclient import Backoff


class BackoffTests(SynchronousTestCase):
    """One wait after the other."""

    def test_waits(self) -> None:
        """Each is twice as long as the one before, up to the longest, after however many."""
        clock = Clock()
        backoff = Backoff(clock, wait=1.0, longest=5.0, jitter=lambda: 1.0)
        for failures, seconds in ((1, 1), (2, 2), (3, 4), (4, 5), (100_000, 5)):
            backoff.pause(failures)
            (call,) = clock.getDelayedCalls()
            self.assertEqual(call.getTime() - clock.seconds(), seconds)
            clock.advance(seconds)
