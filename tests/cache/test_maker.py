"""How copies come into being: verified, bounded, and shared with other processes."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path

from twisted.internet.defer import CancelledError

from glancetx.cache.directory import Directory
from glancetx.cache.maker import TRIES
from glancetx.cache.partial import Growing, Partial, Standing
from glancetx.deferreds import as_deferred
from glancetx.errors import DataCorrupted, StoreUnavailable
from glancetx.files import Descriptor
from glancetx.testing.streams import HANG, RecordingConsumer
from glancetx.testing.threads import HeldThreads
from tests.cache.case import (
    DATA,
    IMAGE_ID,
    KIB,
    MIB,
    CacheCase,
    CountingSource,
    HangingCase,
    Reader,
    half_source,
    make_cache,
    original,
    pools,
)

OTHER_ID = "99999999-2222-3333-4444-555555555555"


class TrustTests(CacheCase):
    """A copy is kept when its bytes are right."""

    def test_every_digest(self):
        """Whether the record knows SHA-256 or only MD5."""
        for algorithm in "sha256", "md5":
            wanted = original(image_id=algorithm, algorithm=algorithm)
            self.assertEqual(self.read(wanted=wanted).consumer.data, DATA)
        self.assertEqual(self.cached(), ["md5", "sha256"])

    def test_wrong(self):
        """One wrong byte, too few and too many are refused before the first byte when possible."""
        for data in DATA[:-1] + b"?", DATA[:-1], DATA + b"?":
            source = CountingSource(data, tells_length=False)
            self.fails(self.cache.open(original(), source), DataCorrupted)
            self.assertEqual(self.cached(), [])

    def test_wrong_while_followed(self):
        """Who follows gets nothing of the end."""
        source = CountingSource(DATA[:-1] + b"?", then=HANG)
        reader = self.read(source=source)
        source.finish()
        self.failureResultOf(reader.flow, DataCorrupted)
        self.assertLess(reader.size, len(DATA))
        self.assertEqual(reader.consumer.data, DATA[: reader.size])

    def test_announced_otherwise(self):
        """What has another size where it lies is given as it is there, and no copy is made."""
        changed = CountingSource(DATA + b"?")
        self.assertEqual(self.read(source=changed).consumer.data, DATA + b"?")
        self.assertEqual(len(changed.opened), 2)
        self.assertTrue(changed.streams[0].was_stopped)
        self.assertEqual(self.cached(), [])

    def test_announced_nothing(self):
        """A source that does not tell its size may be right all the same."""
        source = CountingSource(tells_length=False)
        self.assertEqual(self.read(source=source).consumer.data, DATA)
        self.assertEqual(self.cached(), [IMAGE_ID])

    def test_small_image(self):
        """One that fits into what is held back is given when it is verified."""
        source = CountingSource(b"hello")
        reader = self.read(wanted=original(b"hello"), source=source)
        self.assertEqual(reader.consumer.data, b"hello")


class FallbackTests(CacheCase):
    """A cache that cannot do its work stands in nobody's way."""

    max_size = 2 * len(DATA) - 1

    def test_disk_full(self):
        """Who follows goes on from the store where he is, though no copy comes of it."""
        source = self.half_and(full := CountingSource())
        here, behind = self.read(source=source), self.read(source=source, pause_after=1)
        reached, taken = here.size, behind.size
        self.assertLess(taken, reached)
        self.patch(Partial, "write", self.no_room)
        self.half.give(DATA[MIB:])
        behind.consumer.resume()
        for reader in here, behind:
            self.successResultOf(reader.flow)
            self.assertEqual(reader.consumer.data, DATA)
        self.assertEqual(full.opened, [(reached, None), (taken, None)])
        self.assertEqual((self.cached(), self.partials()), ([], []))
        self.assertTrue(self.half.streams[0].was_stopped)

    def half_and(self, full):
        """A source that gives the first one half of its bytes and hangs; for others ``full``."""
        self.half = half_source()

        async def source(offset, length):
            return await (full if self.half.opened else self.half)(offset, length)

        return source

    def no_room(self, *_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def test_cannot_be_written(self):
        """When nothing at all can be written it is a plain download."""
        self.patch(Directory, "prepare", self.no_permission)
        self.assertEqual(self.read().consumer.data, DATA)
        self.assertEqual(self.source.opened, [(0, None)])

    def no_permission(self, *_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def test_cannot_be_kept(self):
        """When the last step fails everybody has his bytes; the next one reads the store."""
        self.patch(os, "fsync", self.no_permission)
        self.assertEqual(self.read().consumer.data, DATA)
        self.assertEqual(self.cached(), [])
        self.assertEqual(self.partials(), [])

    def partials(self):
        return os.listdir(Path(self.directory) / "partial")

    def test_too_large(self):
        """What could never fit is read as if there were no cache."""
        self.cache = self.make_cache(max_size=len(DATA) - 1)
        self.assertFalse(self.cache.can_hold(original()))
        self.assertEqual(self.read().consumer.data, DATA)
        self.assertEqual(self.cached(), [])

    def test_no_room_now(self):
        """What does not fit beside what is being copied is read straight from the store."""
        source = CountingSource(then=HANG, data=DATA[: 512 * KIB], tells_length=False)
        busy = self.read(source=source)
        other = self.read(wanted=original(image_id=OTHER_ID))
        self.assertEqual(other.consumer.data, DATA)
        self.assertEqual(self.cached(), [])
        busy.consumer.stop()
        self.failureResultOf(busy.flow)
        self.settle()

    def test_eviction(self):
        """The one that was used least recently makes room."""
        self.read()
        self.clock.advance(1)
        self.read(wanted=original(image_id=OTHER_ID))
        self.assertEqual(self.cached(), [OTHER_ID])
        self.assertEqual(self.do(self.cache.entries())[0].hits, 0)
        made = self.cache.maker.made
        self.assertEqual((made.fills, made.evictions), (2, 1))

    def test_bug(self):
        """What nobody has foreseen is logged, and everybody gets his bytes from the store."""
        self.patch(Directory, "begin", lambda *_: 1 // 0)
        self.assertEqual(self.read().consumer.data, DATA)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_copy_shrinks(self):
        """When somebody cuts the growing file short, the store has the bytes."""
        reader = self.read(source=self.half_and(CountingSource()), pause_after=1)
        (name,) = self.partials()
        os.truncate(Path(self.directory) / "partial" / name, 0)
        reader.consumer.resume()
        self.successResultOf(reader.flow)
        self.assertEqual(reader.consumer.data, DATA)
        self.settle()


class SharedTests(HangingCase):
    """Two processes, one directory."""

    def setUp(self):
        super().setUp()
        self.there = self.make_cache()
        self.spare = CountingSource()

    def join(self, **consumer):
        """Somebody downloads through the other process."""
        return self.read_there(self.spare, **consumer)

    def read_there(self, source, **consumer):
        opening = as_deferred(self.there.open(original(), source))
        self.settle()
        return Reader(self.successResultOf(opening), RecordingConsumer(**consumer))

    def test_one_read(self):
        """Readers of both follow one copy, and the store is read once."""
        here, there, also_there = self.read(), self.join(), self.join()
        self.assertGreater(there.size, 0)
        self.bring_rest()
        self.settle()
        self.assert_got_all(here, there, also_there)
        self.assertEqual((len(self.source.opened), self.spare.opened), (1, []))
        self.assertEqual(self.cached(self.there), [IMAGE_ID])

    def test_last_bytes(self):
        """Those of the other process, too, wait for the verdict."""
        self.read()
        there = self.join()
        self.source.give(DATA[self.half :])
        self.settle()
        self.assertLess(there.size, len(DATA))
        self.source.finish()
        self.settle()
        self.assert_got_all(there)

    def test_wrong(self):
        """And break off when it is bad."""
        here, there = self.read(), self.join()
        self.bring_rest(DATA[self.half : -1] + b"?")
        self.settle()
        for reader in here, there:
            self.failureResultOf(reader.flow, DataCorrupted)
        self.assertEqual(self.spare.opened, [])

    def test_dropped_meanwhile(self):
        """A deletion through the other process lets everybody read on, and nothing be kept."""
        here, there = self.read(), self.join()
        self.do(self.there.drop(IMAGE_ID))
        self.bring_rest()
        self.settle()
        self.assert_got_all(here, there)
        self.assertEqual(self.cached(), [])

    def test_given_up_elsewhere(self):
        """When the maker's last reader leaves, the other process makes the copy, once for all."""
        here = self.read()
        readers = [self.join(), self.join(pause_after=1), self.join()]
        here.consumer.stop()
        self.failureResultOf(here.flow)
        self.settle()
        readers[1].consumer.resume()
        self.assert_got_all(*readers)
        self.assertEqual(self.spare.opened, [(0, None)])
        self.assertEqual(self.cached(), [IMAGE_ID])

    def test_always_given_up(self):
        """If that happens again and again, each goes on from the store by himself."""
        self.patch(Directory, "begin", lambda *_: _Dead())
        reader = self.read_there(self.spare)
        self.settle()
        self.assert_got_all(reader)
        self.assertEqual(_Dead.looks, TRIES)

    def test_stalled_elsewhere(self):
        """One of which nothing comes is followed no longer than the stall time."""
        here, there = self.read(), self.join()
        self.clock.advance(1)
        for _ in range(4):
            self.clock.advance(self.stall_time / 2)
        for reader in here, there:
            self.failureResultOf(reader.flow, StoreUnavailable)

    def test_last_one_leaves(self):
        """Nobody looks any more when nobody follows."""
        here, there = self.read(), self.join()
        there.consumer.stop()
        self.failureResultOf(there.flow)
        self.settle()
        self.bring_rest()
        self.assert_got_all(here)


class _Dead(Growing):
    """A copy whose maker is always dead already."""

    looks = 0

    def __init__(self):
        super().__init__(Descriptor(-1), nullcontext)

    def look(self):
        _Dead.looks += 1
        return 0, Standing.LOST


class CancelTests(CacheCase):
    """Whoever makes a copy can be stopped at any moment, and leaves nothing."""

    def test_at_every_job(self):
        """Stopped before each of its jobs in threads, one after the other."""
        for jobs in range(40):
            if self.stopped_after(jobs):
                break
        else:
            self.fail("it never ends")
        self.assertGreater(jobs, 10)

    def stopped_after(self, jobs):
        """Whether it was complete after so many jobs; else it was stopped there."""
        held = HeldThreads()
        directory = self.mktemp()
        cache = make_cache(self.clock, directory, threads=pools(lambda: held))
        held.do_all()
        filling = as_deferred(cache.fill(original(), CountingSource()))
        for _ in range(jobs):
            if held.held:
                held.do_one()
        is_done = bool(filling.called)
        filling.cancel()
        self.clock.advance(0)
        held.do_all()
        if not is_done:
            self.failureResultOf(filling, CancelledError)
        else:
            self.assertTrue(self.successResultOf(filling))
        partial = Path(directory) / "partial"
        self.assertEqual(os.listdir(partial), [])
        stopping = as_deferred(cache.stopService())
        held.do_all()
        self.successResultOf(stopping)
        return is_done
