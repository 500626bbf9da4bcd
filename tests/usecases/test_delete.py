"""Deletions: nothing before the decision, and never half of it."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    DataInUse,
    ImageProtected,
    NoSuchImage,
    NotAllowed,
    RegistryUnavailable,
    StoreFailed,
    StoreUnavailable,
)
from glancetx.image import Status, Visibility
from glancetx.testing.stores import FailingStore, SlowStore
from tests.usecases.world import LEASE, FaultyRegistry, GatedRegistry, World, hanging

OWNER = Caller(owner="t1")
STRANGER = Caller(owner="t2")


class DecisionTests(SynchronousTestCase):
    """No store is asked before the decision (R1)."""

    def assert_refused(self, error, caller, **values):
        world = World(store=lambda kept: FailingStore(kept, ZeroDivisionError(), on={"delete"}))
        world.active(owner="t1", **values)
        before = world.fetch()
        self.assertRaises(error, world.do, world.here.deletions.delete(caller, "i"))
        self.assertEqual(world.fetch(), before)

    def test_stranger(self):
        """A stranger may not know of it, or not delete it."""
        self.assert_refused(NoSuchImage, STRANGER)
        self.assert_refused(NoSuchImage, Caller())
        self.assert_refused(NotAllowed, STRANGER, visibility=Visibility.PUBLIC)
        self.assert_refused(NotAllowed, Caller(), visibility=Visibility.COMMUNITY)

    def test_protected(self):
        """A protected image is kept from everybody; a stranger does not learn that it is."""
        self.assert_refused(ImageProtected, OWNER, protected=True)
        self.assert_refused(ImageProtected, OPERATOR, protected=True)
        self.assert_refused(NoSuchImage, STRANGER, protected=True)


class RaceTests(SynchronousTestCase):
    """Others want something of the same image."""

    def slow(self):
        world = World(store=lambda kept: SlowStore(kept, on={"delete"}))
        world.active()
        deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        self.assertEqual(world.fetch().status, Status.PENDING_DELETE)
        return world, deletion

    def test_second_deletion(self):
        """While one deletion runs another is refused."""
        world, deletion = self.slow()
        again = world.there.deletions.delete(OPERATOR, "i")
        self.assertRaises(NotAllowed, world.do, again)
        world.store.open_gate()
        self.successResultOf(deletion)
        self.assertEqual(world.faults(), [])

    def test_slow_store(self):
        """A store may take longer than a lease, and no janitor comes between."""
        world, deletion = self.slow()
        world.pass_time(5 * LEASE)
        self.assertEqual(world.do(world.there.janitor.clean()), 0)
        world.store.open_gate()
        self.successResultOf(deletion)
        self.assertEqual(world.faults(), [])

    def assert_not_restored(self, wake):
        """
        A daemon that slept through its lease does not restore what a janitor deletes.

        The image would be active without its bytes.
        """
        failing = []

        def slow_and_failing(kept):
            failing.append(FailingStore(kept, DataInUse(), on=()))
            return SlowStore(failing[0], on={"delete"})

        world = World(store=slow_and_failing)
        world.active()
        deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        world.clock.rightNow += 2 * LEASE
        cleaning = as_deferred(world.there.janitor.clean())
        failing[0].on = frozenset({"delete"})
        wake(world)
        self.failureResultOf(deletion, RegistryUnavailable)
        failing[0].on = frozenset()
        world.store.open_gate()
        self.successResultOf(cleaning)
        self.assertEqual(world.fetch().status, Status.DELETED)
        self.assertEqual(world.faults(), [])

    def test_wakes_by_its_heart(self):
        """When its heart beats first, the work ends."""
        self.assert_not_restored(lambda world: world.clock.advance(0))

    def test_wakes_by_its_store(self):
        """When its store answers first, the answer comes too late."""
        self.assert_not_restored(lambda world: world.store.let_one_pass())

    def test_image_moves_on(self):
        """An image that changes its state between look and deed is looked at again."""
        world = World(registry=GatedRegistry)
        image = world.reserve()
        world.registry.is_open = False
        deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        world.registry.pass_one()
        upload = world.there.upload(image, hanging())
        world.registry.open()
        self.successResultOf(deletion)
        world.pass_time(10)
        self.failureResultOf(upload)
        self.assertEqual(world.fetch().status, Status.DELETED)
        self.assertEqual(world.faults(), [])


class CancelTests(SynchronousTestCase):
    """A deletion that has begun is finished, whoever leaves."""

    def test_in_the_store(self):
        """Also when the store takes its time."""
        world = World(store=lambda kept: SlowStore(kept, on={"delete"}))
        world.active()
        deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        deletion.cancel()
        idle = world.here.transfers.idle()
        self.assertNoResult(idle)
        world.store.open_gate()
        self.failureResultOf(deletion, CancelledError)
        self.successResultOf(idle)
        self.assertEqual(world.fetch().status, Status.DELETED)
        self.assertEqual(world.faults(), [])

    def test_at_every_call_of_the_registry(self):
        """It is done or not begun, never half."""
        for fails in (False, True):
            for gate in range(10):
                world = World(
                    registry=GatedRegistry,
                    store=lambda kept: FailingStore(kept, DataInUse(), on=()),
                )
                world.active()
                world.store.on = frozenset({"delete"} if fails else ())
                world.registry.is_open = False
                deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
                deletion.addErrback(lambda failure: None)
                for _ in range(gate):
                    if world.registry.waiting:
                        world.registry.pass_one()
                deletion.cancel()
                world.registry.open()
                self.successResultOf(deletion)
                world.clear_up()
                self.assertEqual(world.faults(), [], f"gate {gate}, fails {fails}")
                done = Status.DELETED if gate > 1 and not fails else Status.ACTIVE
                self.assertEqual(world.fetch().status, done)


class FaultyRegistryTests(SynchronousTestCase):
    """The registry cannot be reached for one call, or from one call on."""

    def test_at_every_call(self):
        """Whichever call it is, and whether or not it took effect, all is well in the end."""
        for status in (Status.QUEUED, Status.SAVING, Status.ACTIVE):
            for store_fails in (False, True):
                for takes_effect in (False, True):
                    for outage in (1, 2, 100):
                        for number in range(5):
                            case = (status, store_fails, takes_effect, outage, number)
                            self.assert_survives(*case)

    def assert_survives(self, status, store_fails, takes_effect, outage, number):
        world = World(
            registry=FaultyRegistry, store=lambda kept: FailingStore(kept, StoreUnavailable(), ())
        )
        registry = world.registry
        if status is Status.ACTIVE:
            world.active()
        else:
            image = world.reserve()
        if status is Status.SAVING:
            world.here.upload(image, hanging()).addErrback(lambda failure: None)
        registry.calls, registry.fails_at = 0, number
        registry.takes_effect, registry.outage = takes_effect, outage
        world.store.on = frozenset({"delete"} if store_fails else ())
        deletion = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        deletion.addErrback(
            lambda failure: failure.trap(RegistryUnavailable, StoreFailed, NoSuchImage)
        )
        self.successResultOf(deletion)
        registry.fails_at = None
        world.store.on = frozenset()
        if status is Status.SAVING:
            world.here.transfers.image_deleted("i")
        world.clear_up()
        case = (status, store_fails, takes_effect, outage, number)
        self.assertEqual(world.faults(), [], case)
