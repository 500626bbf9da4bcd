"""Downloads: which images have bytes to give, and which of them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    ImageDeactivated,
    ImageNotActive,
    NoSuchData,
    RangeOutside,
    StoreUnavailable,
)
from glancetx.image import Image, Location, Status
from glancetx.testing.streams import RecordingConsumer
from tests.usecases.world import World


class CheckTests(SynchronousTestCase):
    """Only active images have bytes to give."""

    def test_states(self):
        """Each state has its answer."""
        downloads = World().here.downloads
        downloads.check(Image(image_id="i", status=Status.ACTIVE))
        for status in set(Status) - {Status.ACTIVE}:
            error = ImageDeactivated if status is Status.DEACTIVATED else ImageNotActive
            self.assertRaises(error, downloads.check, Image(image_id="i", status=status))


class OpenTests(SynchronousTestCase):
    """Opening the bytes."""

    def setUp(self):
        self.world = World()
        self.image = self.world.active()

    def read(self, *span):
        stream = self.world.do(self.world.here.downloads.open(self.image, *span))
        consumer = RecordingConsumer()
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        return consumer.data

    def test_all(self):
        """All of them."""
        self.assertEqual(self.read(), b"hello")

    def test_part(self):
        """Some of them."""
        self.assertEqual(self.read(1, 2), b"el")
        self.assertEqual(self.read(3), b"lo")

    def test_outside(self):
        """None beyond the end."""
        self.assertRaises(RangeOutside, self.read, 6)

    def test_lost(self):
        """Bytes that the store has lost, or that were never recorded."""
        self.world.do(self.world.kept.delete("i"))
        self.assertRaises(NoSuchData, self.read)
        self.image = Image(image_id="j", status=Status.ACTIVE, size=5)
        self.assertRaises(NoSuchData, self.read)

    def test_unknown_store(self):
        """A store that this daemon was not given."""
        self.image = Image(image_id="j", locations=(Location("attic", "j"),))
        self.assertRaises(StoreUnavailable, self.read)
