"""What one process does of a daemon's work, and how many processes there are."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.config import ConfigError, Settings
from glancetx.description import parse
from glancetx.registry_source import pool_size
from glancetx.share import Share, cores, worker_count


def settings(workers=None, registry="embedded:", store="file:/images"):
    """Settings that differ in this."""
    return Settings(
        data=Path("/data"),
        listen=("tcp:1",),
        workers=workers,
        registry=registry,
        store=(parse("http:"), parse(store)),
    )


class CountTests(SynchronousTestCase):
    """How many workers there are."""

    def test_default(self) -> None:
        """As many as cores that this process may use."""
        self.assertEqual(worker_count(settings()), len(os.sched_getaffinity(0)))

    def test_given(self) -> None:
        """What the operator says."""
        self.assertEqual(worker_count(settings(7)), 7)

    def test_memory(self) -> None:
        """What is in memory is served by one process, and by several not even on request."""
        for private in ({"registry": "memory:"}, {"store": "fast=memory:"}):
            for workers in (None, 1):
                self.assertEqual(worker_count(settings(workers, **private)), 1)
            error = self.assertRaises(ConfigError, worker_count, settings(2, **private))
            self.assertIn("--workers 2 cannot share the ", str(error))
        error = self.assertRaises(ConfigError, worker_count, settings(2, store="fast=memory:"))
        self.assertIn("the store 'fast'", str(error))


class ShareTests(SynchronousTestCase):
    """The share of one."""

    def test_alone(self) -> None:
        """One process does everything, with all cores."""
        share = Share()
        self.assertTrue(share.is_all and share.tends)
        self.assertEqual(share.hash_threads, cores())

    def test_workers(self) -> None:
        """One of them cleans; nobody is without a thread for hashing."""
        shares = [Share(number=number, workers=1000) for number in range(1, 1001)]
        self.assertEqual([each.number for each in shares if each.tends], [1])
        self.assertEqual({each.hash_threads for each in shares}, {1})
        self.assertEqual({each.is_all for each in shares}, {False})

    def test_pools(self) -> None:
        """Connections to the registry are shared, and each worker has two at least."""
        self.assertEqual([pool_size(workers) for workers in (1, 8, 16, 1000)], [8, 8, 4, 2])
