"""The threads of the cache, and what it means when they cannot do their work."""

from __future__ import annotations

import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.partial import NoRoom
from glancetx.cache.workers import attempt, make_workers, run
from glancetx.deferreds import as_deferred
from glancetx.errors import CacheUnavailable
from glancetx.testing.threads import InlineThreads


def refuse(error):
    raise error


class RunTests(SynchronousTestCase):
    """Whatever the system says, it means one thing."""

    def test_result(self):
        """What a job returns is passed on."""
        for do in run, attempt:
            self.assertEqual(self.successResultOf(as_deferred(do(InlineThreads(), abs, -5))), 5)

    def test_refused(self):
        """A disk, an index and a full cache refuse alike; who can do without is given nothing."""
        for error in OSError(5, "I/O"), sqlite3.OperationalError("locked"), NoRoom():
            refusing = as_deferred(run(InlineThreads(), refuse, error))
            self.failureResultOf(refusing, CacheUnavailable)
            missing = as_deferred(attempt(InlineThreads(), refuse, error))
            self.assertIsNone(self.successResultOf(missing))

    def test_mistake(self):
        """What is a mistake of ours stays one."""
        mistaken = as_deferred(attempt(InlineThreads(), refuse, ZeroDivisionError()))
        self.failureResultOf(mistaken, ZeroDivisionError)

    def test_not_running(self):
        """Threads that have not started can do nothing."""
        workers = make_workers(None)
        self.assertEqual(workers.index.size, 1)
        for pool in workers.pools:
            self.failureResultOf(as_deferred(run(pool, abs, -5)), CacheUnavailable)
