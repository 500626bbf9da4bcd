"""Strands: jobs in their order, on threads that others use too."""

from __future__ import annotations

import threading
from typing import Any, cast

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.strand import Strand
from glancetx.testing.threads import HeldThreads
from glancetx.threads import NotRunning, Threads

reactor = cast(IReactorFromThreads, installed_reactor)


class StrandTests(TestCase):
    """Real threads."""

    timeout = 20.0

    def setUp(self) -> None:
        self.threads = Threads(reactor, "test", 2)
        self.threads.startService()
        self.addCleanup(self.threads.stopService)

    async def test_order(self) -> None:
        """Jobs run in their order and one at a time, whatever thread they get."""
        strands = [Strand(self.threads) for _ in range(3)]
        done: list[list[int]] = [[], [], []]
        busy = [threading.Lock() for _ in strands]

        def job(strand: int, number: int) -> int:
            if not busy[strand].acquire(blocking=False):
                raise RuntimeError("two at a time")
            threading.Event().wait(0.001)
            done[strand].append(number)
            busy[strand].release()
            return number

        results = [strands[n % 3].run(job, n % 3, n) for n in range(60)]
        self.assertEqual(await gatherResults(results), list(range(60)))
        self.assertEqual(done, [list(range(n, 60, 3)) for n in range(3)])

    async def test_goes_on(self) -> None:
        """The next job begins while the reactor has not heard of the end of the one before."""
        strand, began = Strand(self.threads), threading.Event()
        first: Deferred[Any] = strand.run(int)
        second: Deferred[Any] = strand.run(began.set)
        # The reactor's thread is here, and tells nobody anything.
        self.assertTrue(began.wait(10))
        self.assertFalse(first.called)
        await gatherResults([first, second])

    async def test_failure(self) -> None:
        """What a job raises comes back, and the next one runs."""
        strand = Strand(self.threads)
        first, second = strand.run(int, "x"), strand.run(int, "2")
        with self.assertRaises(ValueError):
            await first
        self.assertEqual(await second, 2)

    async def test_cancelled(self) -> None:
        """A cancelled job ends first, and then tells CancelledError."""
        strand, gate = Strand(self.threads), threading.Event()
        result = strand.run(gate.wait, 10)
        result.cancel()
        self.assertFalse(result.called)
        gate.set()
        with self.assertRaises(CancelledError):
            await result

    async def test_others_have_their_turn(self) -> None:
        """What waits for the threads comes between two jobs of a strand."""
        threads = Threads(reactor, "test", 1)
        threads.startService()
        self.addCleanup(threads.stopService)
        strand, gate = Strand(threads), threading.Event()
        order: list[str] = []
        jobs: list[Deferred[Any]] = [threads.run(gate.wait, 10)]
        jobs += [strand.run(order.append, name) for name in ("first", "second")]
        jobs.append(threads.run(order.append, "other"))
        gate.set()
        await gatherResults(jobs)
        self.assertEqual(order, ["first", "other", "second"])

    async def test_not_running(self) -> None:
        """Jobs on threads that do not run fail, all of them, also later ones."""
        strand = Strand(Threads(reactor, "test", 1))
        for _ in range(2):
            with self.assertRaises(NotRunning):
                await strand.run(int)


class HeldStrandTests(SynchronousTestCase):
    """Threads that do nothing by themselves."""

    def test_refused(self) -> None:
        """When threads refuse a strand, all that waits in it is told."""
        threads = HeldThreads()
        strand = Strand(threads)
        jobs = [strand.run(int), strand.run(int)]
        self.assertEqual(threads.held, 1)
        threads.refuse_one(NotRunning("stopped"))
        for job in jobs:
            self.failureResultOf(job, NotRunning)
        strand.run(int)
        self.assertEqual(threads.held, 1)
