"""Strands: jobs in their order, on threads that others use too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.deferreds import Patient
from glancetx.strand import Strand
from glancetx.testing.threads import HeldThreads
from glancetx.threads import NotRunning, Threads

reactor = cast(IReactorFromThreads, installed_reactor)


def run(strand: Strand, job: Callable[..., Any], *args: Any) -> Deferred[Any]:
    """What comes of a job, for whoever wants to know."""
    done: Patient[Any] = Patient()
    threads = strand.threads

    def work() -> None:
        threads.tell(done.fire, job(*args))

    strand.post(work, done.fire)
    return done


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

        results = [run(strands[n % 3], job, n % 3, n) for n in range(60)]
        self.assertEqual(await gatherResults(results), list(range(60)))
        self.assertEqual(done, [list(range(n, 60, 3)) for n in range(3)])

    async def test_goes_on(self) -> None:
        """The next job begins while the reactor has not heard of the end of the one before."""
        strand, began = Strand(self.threads), threading.Event()
        first: Deferred[Any] = run(strand, int)
        second: Deferred[Any] = run(strand, began.set)
        # The reactor's thread is here, and tells nobody anything.
        self.assertTrue(began.wait(10))
        self.assertFalse(first.called)
        await gatherResults([first, second])

    async def test_other_threads(self) -> None:
        """Exchanged threads have the next job, also of those that wait already."""
        others = Threads(reactor, "others", 1)
        others.startService()
        self.addCleanup(others.stopService)
        strand, gate = Strand(self.threads), threading.Event()
        names: list[str] = []

        def job() -> None:
            gate.wait(10)
            names.append(threading.current_thread().name)

        jobs = [run(strand, job), run(strand, job)]
        strand.threads = others
        gate.set()
        await gatherResults(jobs)
        self.assertEqual(names, ["test-0", "others-0"])

    async def test_others_have_their_turn(self) -> None:
        """What waits for the threads comes between two jobs of a strand."""
        threads = Threads(reactor, "test", 1)
        threads.startService()
        self.addCleanup(threads.stopService)
        strand, gate = Strand(threads), threading.Event()
        order: list[str] = []
        jobs: list[Deferred[Any]] = [threads.run(gate.wait, 10)]
        jobs += [run(strand, order.append, name) for name in ("first", "second")]
        jobs.append(threads.run(order.append, "other"))
        gate.set()
        await gatherResults(jobs)
        self.assertEqual(order, ["first", "other", "second"])

    async def test_not_running(self) -> None:
        """Jobs on threads that do not run fail, all of them, also later ones."""
        strand = Strand(Threads(reactor, "test", 1))
        for _ in range(2):
            with self.assertRaises(NotRunning):
                await run(strand, int)


class HeldStrandTests(SynchronousTestCase):
    """Threads that do nothing by themselves."""

    def test_refused(self) -> None:
        """When threads refuse a strand, all that waits in it is told."""
        threads = HeldThreads()
        strand = Strand(threads)
        jobs = [run(strand, int), run(strand, int)]
        self.assertEqual(threads.held, 1)
        threads.refuse_one(NotRunning("stopped"))
        for job in jobs:
            self.failureResultOf(job, NotRunning)
        run(strand, int)
        self.assertEqual(threads.held, 1)
