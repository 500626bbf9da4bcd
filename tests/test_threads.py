"""Bounded threads: jobs run, are not cancelled half way, and do not hold up the end."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, cast

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from glancetx.threads import NICENESS, NotRunning, Threads

reactor = cast(IReactorFromThreads, installed_reactor)


class ThreadsTests(TestCase):
    """Real threads."""

    timeout = 20.0

    def started(self, size: int = 2, **options: Any) -> Threads:
        threads = Threads(reactor, "test", size, **options)
        threads.startService()
        self.addCleanup(threads.stopService)
        return threads

    async def test_run(self) -> None:
        """A job's result and its error come back, and it runs in another thread."""
        threads = self.started()
        self.assertNotEqual(await threads.run(threading.get_ident), threading.get_ident())
        self.assertEqual(await threads.run(int, "12", base=3), 5)
        with self.assertRaises(ValueError):
            await threads.run(int, "x")

    async def test_bounded(self) -> None:
        """Never more than ``size`` jobs run at once."""
        threads = self.started(size=2)
        lock, running, most = threading.Lock(), 0, 0

        def job() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.005)
            with lock:
                running -= 1

        await gatherResults([threads.run(job) for _ in range(12)])
        self.assertEqual(most, 2)

    async def test_load(self) -> None:
        """It tells how many jobs run and how many wait, and none when it does not run."""
        threads = self.started(size=1)
        begun, gate = threading.Event(), threading.Event()

        def job() -> None:
            begun.set()
            gate.wait(10)

        jobs = [threads.run(job) for _ in range(3)]
        begun.wait(10)
        self.assertEqual(threads.load(), (1, 2))
        gate.set()
        await gatherResults(jobs)
        self.assertEqual(Threads(reactor, "test", 1).load(), (0, 0))

    async def test_cancelled(self) -> None:
        """A cancelled job ends first, and then tells CancelledError."""
        threads = self.started()
        gate, ended = threading.Event(), threading.Event()

        def job() -> None:
            gate.wait(10)
            ended.set()

        result = threads.run(job)
        result.cancel()
        self.assertFalse(result.called)
        gate.set()
        with self.assertRaises(CancelledError):
            await result
        self.assertTrue(ended.is_set())

    async def test_not_running(self) -> None:
        """A job that comes too early or too late fails, and is not forgotten."""
        threads = Threads(reactor, "test", 1)
        with self.assertRaises(NotRunning):
            await threads.run(int)
        threads.startService()
        await threads.run(int)
        await cast("Deferred[None]", threads.stopService())
        with self.assertRaises(NotRunning):
            await threads.run(int)

    async def test_starts_again(self) -> None:
        """Threads that were stopped may be started again; stopping twice does no harm."""
        threads = Threads(reactor, "test", 1)
        for _ in range(2):
            threads.startService()
            self.assertEqual(await threads.run(int, "1"), 1)
            await cast("Deferred[None]", threads.stopService())
            self.assertIsNone(threads.stopService())

    async def test_stop_waits(self) -> None:
        """Stopping waits for jobs under way and in the queue, without blocking the reactor."""
        threads = Threads(reactor, "test", 1)
        threads.startService()
        gate = threading.Event()
        first, second = threads.run(gate.wait, 10), threads.run(int, "2")
        stopping = cast("Deferred[None]", threads.stopService())
        self.assertFalse(stopping.called)
        gate.set()
        await stopping
        self.assertEqual((await first, await second), (True, 2))

    async def test_stop_gives_up(self) -> None:
        """A job that hangs holds up stopping for no longer than the patience lasts."""
        threads = Threads(reactor, "test", 1, patience=0.05)
        threads.startService()
        gate = threading.Event()
        self.addCleanup(gate.set)
        hanging = threads.run(gate.wait, 10)
        begun = time.monotonic()
        await cast("Deferred[None]", threads.stopService())
        self.assertLess(time.monotonic() - begun, 5)
        self.assertFalse(hanging.called)
        gate.set()
        await hanging

    async def test_nice(self) -> None:
        """Whoever serves small requests comes before threads that compute and write."""

        def niceness() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        self.assertEqual(await self.started().run(niceness), min(niceness() + NICENESS, 19))
        self.assertEqual(await self.started(niceness=0).run(niceness), niceness())

    async def test_daemon_threads(self) -> None:
        """A thread that hangs does not keep the process from ending."""
        self.assertTrue(await self.started().run(lambda: threading.current_thread().daemon))
