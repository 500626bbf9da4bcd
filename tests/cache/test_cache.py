"""The cache of one process: what is given from copies, and how it is managed, begins and ends."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from attrs import evolve
from twisted.application.service import IService
from zope.interface.verify import verifyObject

from glancetx.cache.cache import PATIENCE, ImageCache
from glancetx.cache.directory import Directory
from glancetx.cache.index import Index
from glancetx.copies import CachedImage
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    CacheUnavailable,
    CannotRead,
    ConsumerGone,
    RangeOutside,
    StoreUnavailable,
)
from glancetx.interfaces import IByteStream, IFileSpan, IImageCache
from glancetx.testing.streams import HANG, RecordingConsumer
from glancetx.testing.threads import HeldThreads
from tests.cache.case import (
    DATA,
    IMAGE_ID,
    MIB,
    CacheCase,
    CountingSource,
    Reader,
    original,
    pools,
)

OTHER_ID = "99999999-2222-3333-4444-555555555555"


class KeptCase(CacheCase):
    """There is a copy already."""

    def setUp(self):
        super().setUp()
        self.assertEqual(self.read().consumer.data, DATA)
        self.source = CountingSource(error=StoreUnavailable())

    def part(self, offset=0, length=None, **consumer):
        """Somebody downloads a part."""
        opened = self.cache.open(original(), self.source, offset, length)
        return Reader(self.do(opened), RecordingConsumer(**consumer))

    def hits(self):
        (entry,) = self.do(self.cache.entries())
        return entry.hits

    def copy(self):
        return Path(self.directory) / "images" / IMAGE_ID


class HitTests(KeptCase):
    """What is given from a finished copy."""

    def test_interfaces(self):
        """It is what it says, and so are its streams."""
        self.assertTrue(verifyObject(IImageCache, self.cache))
        self.assertTrue(verifyObject(IService, self.cache))
        self.assertTrue(
            verifyObject(IByteStream, self.do(self.cache.open(original(), self.source)))
        )

    def test_whole(self):
        """The store is not asked."""
        self.assertEqual(self.part().consumer.data, DATA)
        self.assertEqual(self.source.opened, [])

    def test_parts(self):
        """Any part is cut out, and its length is told."""
        for offset, length in (5, 7), (MIB, None), (len(DATA) - 1, 99), (len(DATA), None), (0, 0):
            part = self.part(offset, length)
            self.successResultOf(part.flow)
            end = len(DATA) if length is None else offset + length
            self.assertEqual(part.consumer.data, DATA[offset:end])
        self.fails(self.cache.open(original(), self.source, len(DATA) + 1), RangeOutside)

    def test_no_descriptor_left(self):
        """Who has as many files open as he may is in nobody's way."""

        def refuse(number):
            raise OSError(errno.EMFILE, "Too many open files")

        self.patch(os, "dup", refuse)
        self.source.error = None
        self.assertEqual(self.part(5, 7).consumer.data, DATA[5:12])
        self.assertEqual(self.part().consumer.data, DATA)

    def test_counted(self):
        """Each download that is complete counts, and says when."""
        self.clock.advance(5)
        self.part()
        self.part(1, 2)
        broken = self.part(pause_after=1)
        broken.consumer.stop()
        self.failureResultOf(broken.flow, ConsumerGone)
        self.assertEqual(self.hits(), 2)
        self.assertEqual(self.cache.bytes_given, len(DATA) + 2)
        self.assertEqual(
            self.do(self.cache.entries()),
            [
                CachedImage(
                    image_id=IMAGE_ID,
                    size=len(DATA),
                    hits=2,
                    last_accessed=self.clock.seconds(),
                    last_modified=self.copy().stat().st_mtime,
                )
            ],
        )

    def test_pause(self):
        """A reader who takes nothing is given no more."""
        reader = self.part(pause_after=1)
        self.assertLess(reader.size, MIB)
        reader.consumer.resume()
        self.assertEqual(reader.consumer.data, DATA)

    def test_dropped_meanwhile(self):
        """Who reads reads on."""
        reader = self.part(pause_after=1)
        self.assertTrue(self.do(self.cache.drop(IMAGE_ID)))
        reader.consumer.resume()
        self.assertEqual(reader.consumer.data, DATA)

    def test_cut_short(self):
        """A copy that turns out not to have its bytes breaks the download off, and goes."""
        reader = self.part(pause_after=1)
        os.chmod(self.copy(), 0o600)
        os.truncate(self.copy(), 5)
        reader.consumer.resume()
        self.failureResultOf(reader.flow, StoreUnavailable)
        self.assertEqual(self.cached(), [])

    def test_other_size(self):
        """A file of another size is no copy."""
        os.chmod(self.copy(), 0o600)
        os.truncate(self.copy(), 5)
        source = CountingSource()
        self.assertEqual(self.read(source=source).consumer.data, DATA)
        self.assertEqual(len(source.opened), 1)
        self.assertEqual(self.part().consumer.data, DATA)

    def test_descriptors(self):
        """Nothing stays open."""
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            self.part()
            self.do(self.cache.drop(IMAGE_ID))
            self.read(source=CountingSource())
        self.assertLessEqual(len(os.listdir("/proc/self/fd")), before)


class ColdTests(CacheCase):
    """What is not there."""

    def test_part(self):
        """A part of a cold image is read from the store, and makes no copy."""
        opened = self.cache.open(original(), self.source, 5, 7)
        reader = Reader(self.do(opened), RecordingConsumer())
        self.assertEqual(reader.consumer.data, DATA[5:12])
        self.assertEqual(self.source.opened, [(5, 7)])
        self.assertEqual((self.cached(), self.cache.misses), ([], 1))

    def test_whole_by_range(self):
        """The whole is the whole, however it is asked for."""
        for length in len(DATA), len(DATA) + 1:
            opened = self.cache.open(original(), self.source, 0, length)
            reader = Reader(self.do(opened), RecordingConsumer())
            self.assertEqual(reader.consumer.data, DATA)
        self.assertEqual(self.cached(), [IMAGE_ID])
        self.assertEqual((self.cache.misses, self.cache.hits), (1, 1))

    def test_finished_elsewhere(self):
        """A copy that another process has finished just now is given, and the store not asked."""
        there, find = self.make_cache(), Directory.find

        def find_late(directory, *args):
            finding.restore()
            found = find(directory, *args)
            self.read(there)
            return found

        finding = self.patch(Directory, "find", find_late)
        idle = CountingSource()
        self.assertEqual(self.read(source=idle).consumer.data, DATA)
        self.assertEqual((idle.opened, len(self.source.opened)), ([], 1))

    def test_beyond(self):
        """Beyond the end there is nothing, and nobody is asked."""
        self.fails(self.cache.open(original(), self.source, len(DATA) + 1), RangeOutside)
        self.assertEqual(self.source.opened, [])


class FillTests(CacheCase):
    """Copies for nobody yet."""

    def test_fill(self):
        """It is read once, and is there."""
        self.assertTrue(self.do(self.cache.fill(original(), self.source)))
        self.assertTrue(self.do(self.cache.fill(original(), self.source)))
        self.assertEqual(len(self.source.opened), 1)
        self.assertTrue(self.do(self.cache.holds(original())))

    def test_readers_leave(self):
        """What is being fetched for the cache goes on when its readers have left."""
        source = CountingSource(then=HANG)
        filling = as_deferred(self.cache.fill(original(), source))
        reader = self.read(source=source)
        reader.consumer.stop()
        self.failureResultOf(reader.flow, ConsumerGone)
        self.settle()
        source.finish()
        self.assertTrue(self.successResultOf(filling))

    def test_two_at_once(self):
        """Two who want it filled wait for one."""
        source = CountingSource(then=HANG)
        filling = [as_deferred(self.cache.fill(original(), source)) for _ in range(2)]
        source.finish()
        for each in filling:
            self.assertTrue(self.successResultOf(each))

    def test_refused(self):
        """Why the store refuses is told."""
        source = CountingSource(error=StoreUnavailable())
        self.fails(self.cache.fill(original(), source), StoreUnavailable)

    def test_no_room(self):
        """What could never fit is not even read."""
        cache = self.make_cache(max_size=5)
        self.assertFalse(self.do(cache.fill(original(), self.source)))
        self.assertEqual(self.source.opened, [])

    def test_lost(self):
        """A disk that cannot keep it makes no copy."""
        self.patch(Directory, "begin", _refuse)
        self.assertFalse(self.do(self.cache.fill(original(), self.source)))


class ManagementTests(CacheCase):
    """What operators ask and order."""

    def test_entries(self):
        """They are ordered by id; what the index does not know was never given."""
        for name in "b", "a":
            self.read(wanted=original(image_id=name))
        self.do(self.cache.stopService())
        for path in Path(self.directory).glob("index*"):
            path.unlink()
        self.cache = self.make_cache()
        entries = self.do(self.cache.entries())
        self.assertEqual([each.image_id for each in entries], ["a", "b"])
        self.assertEqual([each.hits for each in entries], [0, 0])
        self.assertEqual(entries[0].last_accessed, entries[0].last_modified)

    def test_drop(self):
        """One, and then all."""
        for name in "abc":
            self.read(wanted=original(image_id=name))
        self.assertTrue(self.do(self.cache.drop("b")))
        self.assertFalse(self.do(self.cache.drop("b")))
        self.assertEqual(self.do(self.cache.drop_all()), 2)
        self.assertEqual(self.cached(), [])

    def test_queue(self):
        """A wish for what is there, or comes, is none."""
        source = CountingSource(then=HANG)
        self.read(wanted=original(image_id="there"))
        coming = as_deferred(self.cache.fill(original(image_id="coming"), source))
        for name in "there", "coming", "b", "a":
            self.do(self.cache.queue(name))
        self.assertEqual(self.do(self.cache.queued()), ["b", "a"])
        self.assertTrue(self.do(self.cache.unqueue("a")))
        self.assertEqual(self.do(self.cache.unqueue_all()), 1)
        source.finish()
        self.successResultOf(coming)

    def test_out_of_order(self):
        """When it cannot do what is asked, it says so."""
        self.patch(Directory, "entries", _refuse)
        self.patch(Directory, "drop", _refuse)
        self.patch(Index, "queued", _fail)
        for deed in self.cache.entries(), self.cache.drop("a"), self.cache.queued():
            self.fails(deed, CacheUnavailable)

    def test_index_out_of_order(self):
        """Without an index copies are made and given all the same."""
        for name in "uses", "added", "given", "removed":
            self.patch(Index, name, _fail)
        for _ in range(2):
            self.assertEqual(self.read().consumer.data, DATA)
        self.assertEqual(self.cached(), [IMAGE_ID])
        self.assertEqual(self.cache.hits, 1)
        self.do(self.cache.drop(IMAGE_ID))


def _refuse(*_):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _fail(*_):
    raise sqlite3.OperationalError("disk I/O error")


class LifeTests(CacheCase):
    """It starts, and it ends."""

    def test_crash(self):
        """What a dead process left is swept, what was complete is there, the index is brought into
        line."""
        self.read()
        index = Index(os.path.join(self.directory, "index.sqlite"))
        index.given("gone", 1.0)
        partial = Path(self.directory) / "partial" / "x.5"
        partial.write_bytes(b"he")
        again = self.make_cache()
        self.assertFalse(partial.exists())
        self.assertEqual(index.uses().keys(), {IMAGE_ID})
        self.assertEqual(self.cached(again), [IMAGE_ID])
        index.close()

    def test_stop(self):
        """What is being made is given up; those who follow are told; nothing is left."""
        source = CountingSource(then=HANG)
        reader = self.read(source=source)
        self.do(self.cache.stopService())
        self.failureResultOf(reader.flow, StoreUnavailable)
        self.assertTrue(source.streams[0].was_stopped)
        self.assertEqual(os.listdir(Path(self.directory) / "partial"), [])

    def test_disk_hangs(self):
        """A disk that has gone holds up neither those who follow nor the end, or not for long."""
        write = HeldThreads()
        threads = pools()
        cache = self.make_cache(threads=evolve(threads, write=write))
        reader = self.read(cache)
        stopping = as_deferred(cache.stopService())
        self.failureResultOf(reader.flow, StoreUnavailable)
        self.assertNoResult(stopping)
        self.clock.advance(PATIENCE)
        self.successResultOf(stopping)
        write.do_all()

    def test_after_stop(self):
        """Whoever comes then is given what the store has, and no copy is begun."""
        self.do(self.cache.stopService())
        self.assertEqual(self.read().consumer.data, DATA)
        self.assertFalse(self.do(self.cache.fill(original(), self.source)))
        self.assertEqual(os.listdir(Path(self.directory) / "images"), [])

    def test_cannot_start(self):
        """A directory that cannot be made is told of in the log, and no reason to fail."""
        self.directory = f"{self.directory}/lock/below"
        cache: ImageCache = self.make_cache()
        self.assertEqual(self.read(cache).consumer.data, DATA)
        self.assertEqual(len(self.source.opened), 1)


class SendingTests(CacheCase):
    """A hit may be sent by the kernel."""

    def kept(self):
        """A span of a finished copy."""
        self.assert_got_all(self.read())
        span = self.do(self.cache.open(original(), self.source, 5, 7))
        self.assertTrue(IFileSpan.providedBy(span))
        return span

    def test_span(self):
        """It is a part of a file, which is its own."""
        span = self.kept()
        self.assertEqual(os.pread(span.number, span.length, span.start), DATA[5:12])
        other = self.do(self.cache.open(original(), self.source, 5, 7))
        span.close(7)
        self.assertEqual(os.pread(other.number, other.length, other.start), DATA[5:12])

    def test_broken(self):
        """A copy that cannot be read goes; that a client leaves is not its fault."""
        span = self.kept()
        span.close(3, ConsumerGone())
        self.assertTrue(self.do(self.cache.holds(original())))
        span = self.kept()
        span.close(3, CannotRead())
        self.assertFalse(self.do(self.cache.holds(original())))
        self.flushLoggedErrors()
