"""Tests of digests that threads compute."""

from __future__ import annotations

import hashlib

from twisted.trial.unittest import SynchronousTestCase

from glancetx.streams.hashing import Hashing
from glancetx.testing.threads import HeldThreads

NAMES = ("md5", "sha256", "sha1")


class HashingTests(SynchronousTestCase):
    """Batches are hashed in their order, by few jobs or by many."""

    def hashing(self, *, in_parallel: bool) -> Hashing:
        self.threads = HeldThreads()
        return Hashing(self.threads, NAMES, in_parallel=in_parallel)

    def assert_hashed(self, hashing: Hashing, data: bytes) -> None:
        expected = {name: hashlib.new(name, data).hexdigest() for name in NAMES}
        self.assertEqual(hashing.digests, expected)

    def test_in_parallel(self) -> None:
        """Each digest is a job of its own, and waits for its own batch before."""
        hashing = self.hashing(in_parallel=True)
        first, second = hashing.update(b"a"), hashing.update(b"b")
        self.assertEqual(self.threads.held, 3)
        self.threads.do_one()
        self.threads.do_one()
        self.assertNoResult(first)
        self.threads.do_one()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.threads.do_all()
        self.successResultOf(second)
        self.assert_hashed(hashing, b"ab")

    def test_together(self) -> None:
        """All digests of a batch are one job."""
        hashing = self.hashing(in_parallel=False)
        first, second = hashing.update(b"a"), hashing.update(b"b")
        self.assertEqual(self.threads.held, 1)
        self.threads.do_one()
        self.successResultOf(first)
        self.threads.do_all()
        self.successResultOf(second)
        self.assert_hashed(hashing, b"ab")
