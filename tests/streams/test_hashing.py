"""Tests of digests that threads compute."""

from __future__ import annotations

import hashlib
from typing import cast

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.streams.hashing import Hashing
from glancetx.testing.threads import HeldThreads
from glancetx.threads import NotRunning

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

    def test_foremost(self) -> None:
        """The first digest alone goes to other threads, for as long as they are given."""
        hashing, foremost = self.hashing(in_parallel=True), HeldThreads()
        first = hashing.update(b"a", foremost)
        self.assertEqual((foremost.held, self.threads.held), (1, 2))
        self.threads.do_all()
        self.assertNoResult(first)
        foremost.do_all()
        self.successResultOf(first)
        second = hashing.update(b"b")
        self.assertEqual((foremost.held, self.threads.held), (0, 3))
        self.threads.do_all()
        self.successResultOf(second)
        self.assert_hashed(hashing, b"ab")

    def test_told_once(self) -> None:
        """Only the last digest of a batch wakes the reactor."""
        hashing, told = self.hashing(in_parallel=True), []
        self.patch(self.threads, "tell", lambda call, *args: told.append(call(*args)))
        batch = hashing.update(b"a")
        self.threads.do_all()
        self.successResultOf(batch)
        self.assertEqual(len(told), 1)

    def test_failure(self) -> None:
        """What fails in one of the threads fails the batch, when all have ended; others go on."""
        hashing = self.hashing(in_parallel=True)
        batch = hashing.update(cast(bytes, "no bytes"))
        self.threads.do_one()
        self.assertNoResult(batch)
        self.threads.do_all()
        self.failureResultOf(batch, TypeError)
        following = hashing.update(b"a")
        self.threads.do_all()
        self.successResultOf(following)
        self.assert_hashed(hashing, b"a")

    def test_cancelled(self) -> None:
        """A batch that is cancelled is hashed first, and then tells CancelledError."""
        hashing = self.hashing(in_parallel=True)
        batch = hashing.update(b"a")
        batch.cancel()
        self.assertNoResult(batch)
        self.threads.do_all()
        self.failureResultOf(batch, CancelledError)

    def test_refused(self) -> None:
        """Threads that do not run fail the batch."""
        hashing = self.hashing(in_parallel=True)
        batch = hashing.update(b"a")
        for _ in NAMES:
            self.threads.refuse_one(NotRunning("stopped"))
        self.failureResultOf(batch, NotRunning)

    def test_nothing_to_hash(self) -> None:
        """Without digests a batch is done at once."""
        self.successResultOf(Hashing(HeldThreads(), ()).update(b"a"))
