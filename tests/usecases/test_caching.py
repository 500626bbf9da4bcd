"""Downloads with a cache in front of them, and deletions behind which no copy stays."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.cache.directory import Directory
from glancetx.deferreds import as_deferred
from glancetx.errors import ImageDeactivated, NoSuchData, NoSuchImage
from glancetx.image import Image, Status
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import SlowStore
from glancetx.testing.streams import RecordingConsumer
from glancetx.usecases.caching import CachedDownloads, EvictingDeletions
from tests.cache.case import make_cache
from tests.elsewhere import HELLO, HERE
from tests.usecases.world import World

HELLO_MD5 = "5d41402abc4b2a76b9719d911017c592"


class CachingCase(SynchronousTestCase):
    """A world with a cache of a thousand bytes."""

    def setUp(self):
        self.build(World(clock=Clock()))

    def build(self, world):
        self.world = world
        self.cache = make_cache(world.clock, self.mktemp(), max_size=1000)
        self.addCleanup(self.cache.stopService)
        self.downloads = self.cached()

    def cached(self, bypassed=()):
        return CachedDownloads(self.world.here.downloads, self.cache, bypassed)

    def read(self, image, *span, downloads=None):
        """The bytes that a download brings."""
        consumer = RecordingConsumer()
        stream = self.world.do((downloads or self.downloads).open(image, *span))
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        return consumer.data

    def cached_ids(self):
        return [each.image_id for each in self.world.do(self.cache.entries())]

    def lose_data(self):
        self.world.kept._images.clear()

    def elsewhere(self, **values):
        """An image whose bytes are elsewhere."""
        image = self.world.reserve(**values)
        source = self.world.here.sources.find(HERE)
        return self.world.do(self.world.here.sources.attach(image, source, len(HELLO)))


class OpenTests(CachingCase):
    """Which images are copied."""

    def test_copied(self):
        """What was read once is read from the copy."""
        image = self.world.active()
        self.assertEqual(self.read(image), HELLO)
        self.lose_data()
        self.assertEqual(self.read(image), HELLO)
        self.assertEqual(self.read(image, 1, 2), HELLO[1:3])

    def test_lost(self):
        """What is lost before is lost."""
        image = self.world.active()
        self.lose_data()
        self.assertRaises(NoSuchData, self.world.do, self.downloads.open(image))

    def test_too_large(self):
        """What could never fit is not."""
        self.cache = make_cache(self.world.clock, self.mktemp(), max_size=4)
        self.addCleanup(self.cache.stopService)
        image = self.world.active()
        self.assertEqual(self.read(image, downloads=self.cached()), HELLO)
        self.assertEqual(self.cached_ids(), [])

    def test_bypassed(self):
        """Nor what lies in a store that the operator has excepted."""
        image = self.world.active()
        self.assertEqual(self.read(image, downloads=self.cached({"file"})), HELLO)
        self.assertEqual(self.cached_ids(), [])
        self.assertEqual(self.read(image, downloads=self.cached({"http"})), HELLO)
        self.assertEqual(self.cached_ids(), [image.image_id])

    def test_not_to_be_judged(self):
        """Nor what lies elsewhere and has no checksum; with one it is."""
        self.assertEqual(self.read(self.elsewhere()), HELLO)
        self.assertEqual(self.cached_ids(), [])
        image = self.elsewhere(image_id="j", checksum=HELLO_MD5)
        self.assertEqual(self.read(image), HELLO)
        self.assertEqual(self.cached_ids(), ["j"])

    def test_checked(self):
        """What may be downloaded is decided as ever."""
        image = Image(image_id="i", status=Status.DEACTIVATED)
        self.assertRaises(ImageDeactivated, self.downloads.check, image)


class SizeTests(CachingCase):
    """How many bytes there are now."""

    def test_of_a_copy(self):
        """Of what is copied it is as many as the copy has, whatever the source has by now."""
        image = self.elsewhere(checksum=HELLO_MD5)
        self.assertTrue(self.downloads.is_elsewhere(image))
        self.world.elsewhere.things[HERE] = b"changed"
        self.assertEqual(self.world.do(self.downloads.size_now(image)), 7)
        self.world.elsewhere.things[HERE] = HELLO
        self.read(image)
        self.world.elsewhere.things.clear()
        self.assertEqual(self.world.do(self.downloads.size_now(image)), 5)
        self.assertEqual(self.read(image, 1), HELLO[1:])

    def test_here(self):
        """Of others it is what the record says."""
        image = self.world.active()
        self.assertFalse(self.downloads.is_elsewhere(image))
        self.assertEqual(self.world.do(self.downloads.size_now(image)), 5)


class PrefetchTests(CachingCase):
    """Copies before anybody asks."""

    def test_prefetch(self):
        """What can be copied is, and what cannot is not."""
        self.assertTrue(self.world.do(self.downloads.prefetch(self.world.active())))
        self.assertFalse(self.world.do(self.downloads.prefetch(self.elsewhere(image_id="j"))))
        self.assertEqual(self.cached_ids(), ["i"])


class DeletionTests(CachingCase):
    """A copy goes with its image."""

    def setUp(self):
        super().setUp()
        self.deletions = EvictingDeletions(self.world.here.deletions, self.cache)
        self.read(self.world.active())

    def test_deleted(self):
        """After a deletion there is none."""
        self.world.do(self.deletions.delete(OPERATOR, "i"))
        self.assertEqual(self.cached_ids(), [])

    def test_refused(self):
        """After a refusal there is."""
        self.assertRaises(NoSuchImage, self.world.do, self.deletions.delete(OPERATOR, "j"))
        self.assertEqual(self.cached_ids(), ["i"])

    def test_client_leaves(self):
        """Who does not wait for the answer has deleted it all the same, its copy too."""
        self.build(World(clock=Clock(), store=lambda kept: SlowStore(kept, {"delete"})))
        self.deletions = EvictingDeletions(self.world.here.deletions, self.cache)
        self.read(self.world.active())
        deleting = as_deferred(self.deletions.delete(OPERATOR, "i"))
        deleting.cancel()
        self.world.store.open_gate()
        self.failureResultOf(deleting, CancelledError)
        self.assertEqual(self.world.fetch().status, Status.DELETED)
        self.assertEqual(self.cached_ids(), [])

    def test_cache_out_of_order(self):
        """The image is deleted, whatever becomes of the copy."""

        def refuse(*_):
            raise OSError()

        self.patch(Directory, "drop", refuse)
        self.world.do(self.deletions.delete(OPERATOR, "i"))
        self.assertEqual(self.world.fetch().status, Status.DELETED)


class StoresTests(CachingCase):
    """Images in several stores."""

    def test_partly_bypassed(self):
        """An image that lies elsewhere too is copied."""
        image = self.world.active()
        other = ShelvedStore("other", MemoryStore(None))
        self.assertIsNone(self.cached({"file"}).original_of(image))
        self.assertIsNotNone(self.cached({other.name}).original_of(image))
