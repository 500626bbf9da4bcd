"""The janitor clears up what others left, and touches nothing else."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import StoreReadOnly, StoreUnavailable
from glancetx.image import Image, Status
from glancetx.testing.stores import FailingStore, SlowStore
from tests.usecases.world import (
    HELLO,
    LEASE,
    Daemon,
    FaultyRegistry,
    GatedRegistry,
    World,
    hanging,
)


class CleanTests(SynchronousTestCase):
    """One round."""

    def setUp(self):
        self.world = World(store=lambda kept: FailingStore(kept, StoreUnavailable(), on=()))
        self.failing = self.world.store

    def leave(self, *path, bytes_left=HELLO, image_id="i"):
        """An image that went this way, and its daemon away; nobody recorded its bytes."""
        image = self.world.reserve(image_id)
        for status in path:
            change = move(status, lease=LEASE)
            image = self.world.do(self.world.truth.update(image_id, change, {image.status}))
        if bytes_left is not None:
            self.world.kept._images[image_id] = bytearray(bytes_left)

    def clean(self):
        return self.world.do(self.world.here.janitor.clean())

    def test_nothing_to_do(self):
        """Images without a lease are nobody's business."""
        self.world.active("a")
        self.world.reserve("b")
        self.world.pass_time(1000)
        self.assertEqual(self.clean(), 0)
        self.assertEqual(self.world.faults(), [])

    def test_abandoned_upload(self):
        """It is killed, its bytes are discarded, and the record says why."""
        self.leave(Status.SAVING)
        self.world.pass_time(LEASE)
        self.assertEqual(self.clean(), 1)
        self.assertEqual(self.world.fetch().status, Status.KILLED)
        self.assertIn("went away", self.world.fetch().status_reason)
        self.assertEqual(self.world.faults(), [])
        self.assertEqual(self.clean(), 0)
        self.assertEqual((self.world.here.janitor.cleared, self.world.here.janitor.failed), (1, 0))

    def test_abandoned_copy(self):
        """An image whose copier died while it still waited is killed, and the record says so."""
        self.world.do(self.world.truth.insert(Image(image_id="i"), LEASE))
        self.world.pass_time(LEASE - 1)
        self.assertEqual(self.clean(), 0)
        self.world.pass_time(1)
        self.assertEqual(self.clean(), 1)
        self.assertEqual(self.world.fetch().status, Status.KILLED)
        self.assertIn("was to copy the image went away", self.world.fetch().status_reason)
        self.assertEqual(self.world.faults(), [])

    def test_abandoned_copy_begins_after_all(self):
        """A copier that was slow, and not dead, wins when it is the first to change the state."""
        self.world.do(self.world.truth.insert(Image(image_id="i"), LEASE))
        self.world.pass_time(LEASE)
        registry = GatedRegistry(self.world.truth)
        janitor = Daemon(self.world.clock, registry, self.world.store).janitor
        registry.is_open = False
        cleaning = as_deferred(janitor.clean())
        registry.pass_one()
        registry.pass_one()
        upload = self.world.there.upload(self.world.fetch(), hanging())
        registry.open()
        self.assertEqual(self.successResultOf(cleaning), 1)
        self.assertEqual(self.world.fetch().status, Status.SAVING)
        upload.cancel()
        self.failureResultOf(upload)
        self.assertEqual(self.world.faults(), [])

    def test_killed_or_deleted(self):
        """Bytes that somebody could not remove are discarded."""
        for path in ((Status.SAVING, Status.KILLED), (Status.SAVING, Status.DELETED)):
            with self.subTest(path):
                self.leave(*path, image_id=path[-1].value)
        self.world.pass_time(LEASE)
        self.assertEqual(self.clean(), 2)
        self.assertEqual(self.world.faults(), [])

    def test_no_bytes(self):
        """It is no mistake when there are none."""
        self.leave(Status.SAVING, bytes_left=None)
        self.world.pass_time(LEASE)
        self.clean()
        self.assertEqual(self.world.faults(), [])

    def test_half_deleted(self):
        """A deletion is finished, whether or not the bytes are gone."""
        for bytes_are_gone in (False, True):
            image = self.world.active(str(bytes_are_gone))
            going = move(Status.PENDING_DELETE, lease=LEASE)
            self.world.do(self.world.truth.update(image.image_id, going, {Status.ACTIVE}))
            if bytes_are_gone:
                self.world.do(self.world.kept.delete(image.image_id))
        self.world.pass_time(LEASE)
        self.assertEqual(self.clean(), 2)
        self.assertEqual(self.world.fetch("True").status, Status.DELETED)
        self.assertEqual(self.world.faults(), [])

    def test_active_image_with_a_lease(self):
        """Bytes of an image that is in use are never discarded, whatever its lease says."""
        self.world.active()
        self.world.do(self.world.truth.update("i", Change(lease=1), {Status.ACTIVE}))
        self.world.pass_time(LEASE)
        self.clean()
        self.assertEqual(bytes(self.world.kept._images["i"]), HELLO)

    def test_store_out_of_reach(self):
        """The image is tried again in a later round."""
        self.leave(Status.SAVING)
        self.failing.on = frozenset({"discard"})
        self.world.pass_time(LEASE)
        self.clean()
        self.assertEqual(self.world.here.janitor.failed, 1)
        self.failing.on = frozenset()
        self.world.pass_time(61)
        self.clean()
        self.assertEqual(self.world.faults(), [])

    def test_mistake_of_a_store(self):
        """One image that cannot be cleared up does not keep the others waiting."""
        self.leave(Status.SAVING, image_id="a")
        image = self.world.active("b")
        going = move(Status.PENDING_DELETE, lease=LEASE)
        self.world.do(self.world.truth.update(image.image_id, going, {Status.ACTIVE}))
        self.failing.error, self.failing.on = ZeroDivisionError(), frozenset({"discard"})
        self.world.pass_time(LEASE)
        self.assertEqual(self.clean(), 2)
        self.assertEqual(self.world.fetch("b").status, Status.DELETED)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_many(self):
        """All of them, in batches."""
        for number in range(45):
            self.leave(Status.SAVING, image_id=f"i{number}")
        self.world.pass_time(LEASE)
        self.assertEqual(self.clean(), 45)
        self.assertEqual(self.world.faults(), [])

    def test_two_janitors(self):
        """Each image goes to one of them."""
        world = World(store=lambda kept: SlowStore(kept, on={"discard"}))
        self.world = world
        self.leave(Status.SAVING)
        world.pass_time(LEASE)
        first = as_deferred(world.here.janitor.clean())
        self.assertEqual(world.do(world.there.janitor.clean()), 0)
        world.store.open_gate()
        self.assertEqual(self.successResultOf(first), 1)

    def test_cancelled(self):
        """One that is told to stop in the middle leaves the image to the next, and no traceback."""
        world = World(store=lambda kept: SlowStore(kept, on={"discard"}))
        self.world = world
        self.leave(Status.SAVING)
        world.pass_time(LEASE)
        cleaning = as_deferred(world.here.janitor.clean())
        cleaning.cancel()
        self.failureResultOf(cleaning, CancelledError)
        world.store.open_gate()
        world.pass_time(61)
        self.assertEqual(world.do(world.there.janitor.clean()), 1)
        self.assertEqual(world.faults(), [])

    def test_read_only_store(self):
        """A store that takes nothing has nothing to discard, or says so."""
        self.leave(Status.SAVING, bytes_left=None)
        self.failing.error, self.failing.on = StoreReadOnly(), frozenset({"discard"})
        self.world.pass_time(LEASE)
        self.clean()
        self.failing.on = frozenset()
        self.world.pass_time(61)
        self.clean()
        self.assertEqual(self.world.faults(), [])


class ServiceTests(SynchronousTestCase):
    """It comes round again and again."""

    def test_rounds(self):
        """Every ten seconds, from the start on until the stop."""
        world = World(registry=FaultyRegistry)
        janitor = world.here.janitor
        janitor.startService()
        self.assertEqual(world.registry.calls, 1)
        world.pass_time(20)
        self.assertEqual(world.registry.calls, 3)
        self.successResultOf(maybeDeferred(janitor.stopService))
        world.pass_time(20)
        self.assertEqual(world.registry.calls, 3)

    def test_failing_round(self):
        """A registry that is away now is asked again later; so is one that has a mistake."""
        world = World(registry=FaultyRegistry)
        world.registry.fails_at = 0
        world.here.janitor.startService()
        world.pass_time(10)
        self.assertEqual(world.registry.calls, 2)
        world.here.janitor._registry = None  # type: ignore[assignment]
        world.pass_time(10)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        world.here.janitor._registry = world.registry
        world.pass_time(10)
        self.assertEqual(world.registry.calls, 3)
        self.successResultOf(maybeDeferred(world.here.janitor.stopService))

    def test_stop_waits(self):
        """A stop waits for a round that is under way."""
        world = World(store=lambda kept: SlowStore(kept, on={"discard"}))
        world.reserve()
        saving = move(Status.SAVING, lease=1)
        world.do(world.truth.update("i", saving, {Status.QUEUED}))
        world.pass_time(1)
        world.here.janitor.startService()
        stopped = maybeDeferred(world.here.janitor.stopService)
        self.assertNoResult(stopped)
        world.store.open_gate()
        self.successResultOf(stopped)

    def test_stop_before_start(self):
        """A janitor that never started stops at once."""
        self.assertIsNone(World().here.janitor.stopService())
