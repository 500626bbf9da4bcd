"""The queue of copies that are wanted is worked off."""

from __future__ import annotations

from twisted.internet.defer import maybeDeferred

from glancetx.cache.directory import Directory
from glancetx.cache.index import Index
from glancetx.cache.partial import NoRoom
from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import StoreUnavailable
from glancetx.image import Status
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import ScriptedStream
from glancetx.usecases.caching import CachedDownloads
from glancetx.usecases.prefetch import Prefetch
from tests.elsewhere import HELLO
from tests.usecases.test_caching import CachingCase
from tests.usecases.world import FaultyRegistry, World


class PrefetchCase(CachingCase):
    """A service that looks every ten seconds."""

    def build(self, world, registry=None):
        super().build(world)
        registry = registry or world.truth
        self.prefetch = Prefetch(world.clock, registry, self.downloads, self.cache, 10.0)

    def queue(self, *image_ids):
        for image_id in image_ids:
            self.world.do(self.cache.queue(image_id))

    def queued(self):
        return self.world.do(self.cache.queued())

    def go_through(self):
        self.world.do(self.prefetch.prefetch())


def refuse(*_):
    """As a directory that has no room."""
    raise NoRoom()


class RoundTests(PrefetchCase):
    """One look at the queue."""

    def test_copied(self):
        """What can be copied is, and leaves the queue."""
        self.world.active("a")
        self.world.active("b")
        self.queue("b", "a")
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), (["a", "b"], []))

    def test_oldest_first(self):
        """The oldest wish is fulfilled first."""
        self.build(World(store=lambda kept: SlowStore(kept, {"open"})))
        for image_id in "ab":
            self.world.active(image_id)
        self.queue("b", "a")
        going = as_deferred(self.prefetch.prefetch())
        self.world.store.let_one_pass()
        self.assertEqual((self.cached_ids(), self.queued()), (["b"], ["a"]))
        self.world.store.let_one_pass()
        self.successResultOf(going)

    def test_hopeless(self):
        """What is unknown, gone, or not to be copied leaves the queue."""
        self.world.reserve("killed")
        for status in Status.SAVING, Status.KILLED:
            before = self.world.fetch("killed").status
            self.world.do(self.world.truth.update("killed", move(status), {before}))
        self.elsewhere(image_id="elsewhere")
        self.queue("unknown", "killed", "elsewhere")
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), ([], []))

    def test_waiting(self):
        """What has no bytes yet is tried again, and nobody waits for it."""
        image = self.world.reserve("a")
        self.world.active("b")
        self.queue("a", "b")
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), (["b"], ["a"]))
        self.world.do(self.world.here.upload(image, ScriptedStream([HELLO])))
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), (["a", "b"], []))

    def test_store_fails(self):
        """What cannot be read now is tried again."""
        self.build(World(store=lambda kept: FailingStore(kept, StoreUnavailable(), {"open"})))
        self.world.active("a")
        self.queue("a")
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), ([], ["a"]))
        self.world.store.on = frozenset()
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), (["a"], []))

    def test_corrupted(self):
        """What is not what it should be is read once, and not every ten seconds for ever."""
        self.world.active("a")
        self.world.kept._images["a"] = bytearray(b"jello")
        self.queue("a")
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), ([], []))

    def test_store_has_a_mistake(self):
        """Nobody waits for one that fails as nothing should."""
        self.world.active("a")
        self.world.active("b")
        self.queue("a", "b")

        def fail(downloads, image):
            if image.image_id == "a":
                raise ZeroDivisionError()
            return original(downloads, image)

        original = CachedDownloads.prefetch
        self.patch(CachedDownloads, "prefetch", fail)
        self.go_through()
        self.assertEqual((self.cached_ids(), self.queued()), (["b"], ["a"]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_no_room(self):
        """What does not fit now stays too."""
        self.world.active("a")
        self.queue("a")
        full = self.patch(Directory, "begin", refuse)
        self.go_through()
        self.assertEqual(self.queued(), ["a"])
        full.restore()
        self.go_through()
        self.assertEqual(self.queued(), [])


class ServiceTests(PrefetchCase):
    """Round after round."""

    def start(self):
        self.prefetch.startService()
        self.addCleanup(self.prefetch.stopService)

    def test_every_ten_seconds(self):
        """It looks at the start, and then again and again."""
        self.world.active("a")
        self.start()
        self.queue("a")
        self.world.clock.advance(9)
        self.assertEqual(self.cached_ids(), [])
        self.world.clock.advance(1)
        self.assertEqual(self.cached_ids(), ["a"])

    def test_registry_fails(self):
        """A round that fails is not the last one."""
        world = World()
        world.active("a")
        registry = FaultyRegistry(world.truth)
        registry.fails_at = 0
        self.build(world, registry)
        self.queue("a")
        self.start()
        self.assertEqual(self.queued(), ["a"])
        self.world.clock.advance(10)
        self.assertEqual(self.queued(), [])

    def test_queue_fails(self):
        """Nor is one that finds no queue."""
        self.world.active("a")
        self.queue("a")
        broken = self.patch(Index, "queued", lambda _: 1 // 0)
        self.start()
        broken.restore()
        self.world.clock.advance(10)
        self.assertEqual(self.cached_ids(), ["a"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_stop(self):
        """It stops in the middle of an image, and leaves nothing behind."""
        self.build(World(store=lambda kept: SlowStore(kept, {"open"})))
        self.world.active("a")
        self.queue("a")
        self.prefetch.startService()
        self.assertEqual(self.world.store.waiting, 1)
        self.successResultOf(maybeDeferred(self.prefetch.stopService))
        self.world.clock.advance(0)
        self.assertEqual(self.world.store.waiting, 0)
        self.assertEqual(self.queued(), ["a"])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_stop_without_start(self):
        """One that never ran has nothing to end."""
        self.assertIsNone(self.prefetch.stopService())
