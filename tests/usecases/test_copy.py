"""Copies run in the background, and nothing is left of those that fail."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    RegistryUnavailable,
    RemoteUnavailable,
    StoreFull,
    StoreUnavailable,
)
from glancetx.image import Image, Location, Status
from glancetx.testing.stores import FailingStore
from glancetx.testing.streams import HANG
from tests.elsewhere import FAILING, HELLO, HERE, REFUSED
from tests.usecases.world import LEASE, FaultyRegistry, GatedRegistry, World


class CopyCase(SynchronousTestCase):
    """Copies in a world whose sources give their bytes and then hang."""

    def setUp(self) -> None:
        self.world = self.make_world()
        self.elsewhere = self.world.elsewhere
        self.elsewhere.then = HANG

    def make_world(self) -> World:
        return World()

    def copy(self, image_id: str = "i", location: str = HERE) -> None:
        self.world.do(self.world.here.copy(Image(image_id=image_id), location))

    def finish(self, number: int = 0) -> None:
        self.elsewhere.sources[number].finish()

    def drain(self, seconds: float = 60) -> Deferred[None]:
        return as_deferred(self.world.here.copies.drain(seconds))

    def assert_status(self, status: Status, image_id: str = "i") -> None:
        self.assertIs(self.world.fetch(image_id).status, status)

    def assert_killed(self, fragment: str, image_id: str = "i") -> None:
        """It is, with this reason, and everything is in its place."""
        self.assert_status(Status.KILLED, image_id)
        self.assertIn(fragment, self.world.fetch(image_id).status_reason or "")
        self.assert_rest()

    def assert_rest(self) -> None:
        """Nothing is wrong, and nothing runs any more."""
        self.assertEqual(self.world.faults(), [])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.successResultOf(self.world.here.transfers.idle())


class TurnTests(CopyCase):
    """No more than so many at once."""

    def test_others_wait(self):
        """The third of two waits, its lease renewed however long, and then has its turn."""
        for image_id in "abc":
            self.copy(image_id)
        self.assertEqual(len(self.elsewhere.sources), 2)
        self.world.pass_time(5 * LEASE)
        self.assertEqual(self.world.do(self.world.there.janitor.clean()), 0)
        self.assert_status(Status.QUEUED, "c")
        self.finish(0)
        self.assert_status(Status.SAVING, "c")
        self.finish(1)
        self.finish(2)
        for image_id in "abc":
            self.assert_status(Status.ACTIVE, image_id)
        self.assert_rest()

    def test_failures_free_their_turn(self):
        """Whatever ends a copy, the next one begins."""
        self.copy("a", REFUSED)
        self.copy("b")
        self.copy("c")
        self.elsewhere.sources[0].finish(BodyCutShort())
        self.assert_status(Status.SAVING, "c")
        self.world.pass_time(14)
        self.assert_status(Status.KILLED, "a")
        self.copy("d")
        self.assert_status(Status.SAVING, "d")
        self.finish(1)
        self.finish(2)
        self.assert_rest()

    def test_one_that_waits_is_deleted(self):
        """It never begins, and takes nobody's turn."""
        for image_id in "abcd":
            self.copy(image_id)
        self.world.do(self.world.here.deletions.delete(OPERATOR, "c"))
        self.finish(0)
        self.assert_status(Status.SAVING, "d")
        self.finish(1)
        self.finish(2)
        self.world.clear_up()
        self.assert_rest()


class EndTests(CopyCase):
    """How a copy may end before its time."""

    def test_deleted(self):
        """The source is stopped at once when its image is deleted (R11, R12)."""
        self.copy()
        self.world.do(self.world.here.deletions.delete(OPERATOR, "i"))
        self.assertTrue(self.elsewhere.sources[0].has_ended)
        self.assert_status(Status.DELETED)
        self.assert_rest()

    def test_deleted_by_another_daemon(self):
        """Within a third of its lease when another daemon deletes it."""
        self.copy()
        self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
        self.world.pass_time(LEASE / 3)
        self.assertTrue(self.elsewhere.sources[0].has_ended)
        self.assert_rest()

    def test_deleted_while_asked_again(self):
        """Also while it waits for its source."""
        self.copy(location=FAILING)
        self.world.do(self.world.here.deletions.delete(OPERATOR, "i"))
        self.assertEqual(len(self.elsewhere.asked), 1)
        self.world.clear_up()
        self.assertEqual(len(self.elsewhere.asked), 1)
        self.assert_rest()

    def test_source_goes_away(self):
        """A source that is out of reach is not taken for a store that is."""
        self.copy()
        self.elsewhere.sources[0].finish(RemoteUnavailable())
        self.assert_killed("Remote server where the image is present is unavailable")

    def test_mistake_of_a_source(self):
        """It is logged for the operator; others are told nothing of its inside."""
        nonsense: Any = "much"
        self.elsewhere.lies_by = nonsense
        self.copy()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assert_killed("Internal error")

    def test_somebody_else_gives_a_location(self):
        """A copy that comes too late leaves the image alone."""
        self.copy(location=FAILING)
        source = self.world.here.sources.find(HERE)
        self.world.do(self.world.here.sources.attach(self.world.fetch(), source, 5))
        self.world.pass_time(LEASE)
        self.assert_status(Status.ACTIVE)
        self.assertEqual(self.world.fetch().locations, (Location("http", HERE),))
        self.assertEqual(self.world.clock.getDelayedCalls(), [])


class StoreTests(CopyCase):
    """Stores that fail."""

    def make_world(self) -> World:
        return World(store=lambda kept: FailingStore(kept, StoreFull(), on={"add"}))

    def test_full(self):
        """A copy is killed as an upload would be."""
        self.copy()
        self.assert_killed("media is full")

    def test_out_of_reach(self):
        """What a store out of reach may keep is left to the janitor."""
        self.world.store.error = StoreUnavailable()
        self.copy()
        self.assert_status(Status.KILLED)
        self.world.store.on = frozenset()
        self.world.clear_up()
        self.assert_killed("Failed to upload image")


class DrainTests(CopyCase):
    """The end of a daemon."""

    def test_nothing_runs(self):
        """It need not wait."""
        self.successResultOf(self.drain())
        self.assert_rest()

    def test_in_time(self):
        """Copies that end in time end well."""
        self.copy()
        draining = self.drain()
        self.assertNoResult(draining)
        self.world.pass_time(30)
        self.finish()
        self.successResultOf(draining)
        self.assert_status(Status.ACTIVE)
        self.assert_rest()

    def test_too_slow(self):
        """All others are killed, also those that wait, and nothing is left of them."""
        for image_id in "abc":
            self.copy(image_id)
        draining = self.drain()
        self.world.pass_time(60)
        self.successResultOf(draining)
        for image_id in "abc":
            self.assert_killed("The daemon was stopped", image_id)

    def test_no_limit(self):
        """Copies may take as long as they do; those that wait have their turn."""
        for image_id in "abc":
            self.copy(image_id)
        draining = as_deferred(self.world.here.copies.drain(None))
        self.world.pass_time(1000)
        for number in range(3):
            self.assertNoResult(draining)
            self.finish(number)
        self.successResultOf(draining)
        for image_id in "abc":
            self.assert_status(Status.ACTIVE, image_id)
        self.assert_rest()

    def test_cut(self):
        """Whoever waits for them may lose his patience."""
        self.copy()
        draining = as_deferred(self.world.here.copies.drain(None))
        self.world.here.copies.cut()
        self.successResultOf(draining)
        self.assert_killed("The daemon was stopped")

    def test_while_asked_again(self):
        """Also those that wait for their source."""
        self.copy(location=FAILING)
        draining = self.drain(1)
        self.world.pass_time(1)
        self.successResultOf(draining)
        self.assert_killed("The daemon was stopped")

    def test_too_late(self):
        """What is to begin afterwards does not."""
        self.successResultOf(self.drain())
        self.copy()
        self.assertEqual(self.elsewhere.asked, [])
        self.assert_killed("The daemon was stopped")


class ClaimTests(CopyCase):
    """A registry that takes its time while a copy begins."""

    def make_world(self) -> World:
        return World(registry=GatedRegistry)

    def test_stopped_while_it_claims(self):
        """It has its source, and the end comes before its first byte."""
        image = self.world.do(self.world.truth.insert(Image(image_id="i"), LEASE))
        here = self.world.here
        self.world.registry.is_open = False
        here.copies.start(image, here.sources.find(HERE), here.shelved)
        self.assertEqual(len(self.elsewhere.sources), 1)
        draining = self.drain(0)
        self.world.pass_time(1)
        self.successResultOf(draining)
        self.world.registry.open()
        self.assertFalse(self.elsewhere.sources[0].was_poured)
        self.assert_killed("The daemon was stopped")

    def test_deleted_while_it_claims(self):
        """It has its source, and the image is gone."""
        image = self.world.do(self.world.truth.insert(Image(image_id="i"), LEASE))
        here = self.world.here
        self.world.registry.is_open = False
        here.copies.start(image, here.sources.find(HERE), here.shelved)
        self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
        self.world.registry.open()
        self.assertFalse(self.elsewhere.sources[0].was_poured)
        self.world.clear_up()
        self.assert_rest()


class LeaseTests(CopyCase):
    """A daemon that loses its registry, and one that dies, look alike to the others."""

    def make_world(self) -> World:
        return World(registry=FaultyRegistry)

    def lose_registry(self) -> None:
        self.world.registry.fails_at, self.world.registry.outage = self.world.registry.calls, 10**6

    def test_one_that_waits(self):
        """A janitor kills it within the time of its lease; the copy never begins (R12)."""
        for image_id in "abc":
            self.copy(image_id)
        self.lose_registry()
        self.world.pass_time(LEASE)
        self.world.do(self.world.there.janitor.clean())
        self.assert_killed("was to copy the image went away", "c")
        self.assertFalse(any(source.was_poured for source in self.elsewhere.sources[2:]))

    def test_one_that_runs(self):
        """So it is when bytes have come: none are left (R12)."""
        self.copy()
        self.lose_registry()
        self.world.pass_time(LEASE)
        self.assertTrue(self.elsewhere.sources[0].has_ended)
        self.world.do(self.world.there.janitor.clean())
        self.assert_killed("that received the image went away")

    def test_at_every_call(self):
        """Wherever the registry goes away, the image comes to rest, and no bytes are left (R12)."""
        for takes_effect in (False, True):
            for call in range(6):
                with self.subTest(call=call, takes_effect=takes_effect):
                    world = World(registry=FaultyRegistry)
                    registry = world.registry
                    registry.fails_at, registry.takes_effect = call, takes_effect
                    work = as_deferred(world.here.copy(Image(image_id="i")))
                    work.addErrback(lambda failure: failure.trap(RegistryUnavailable))
                    world.clear_up()
                    self.assertEqual(world.faults(), [])
                    self.assertEqual(world.clock.getDelayedCalls(), [])
                    for data in world.kept._images.values():
                        self.assertEqual(bytes(data), HELLO)
