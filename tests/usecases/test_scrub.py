"""Bytes of deleted images are scrubbed when their time has come, once, and never forgotten."""

from __future__ import annotations

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import StoreUnavailable
from glancetx.image import Status
from glancetx.shelf import Shelf
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.usecases.delete import Deletions
from glancetx.usecases.janitor import GOING, HOLD, Cleared, Janitor
from tests.usecases.world import LEASE, FaultyRegistry, World

SCRUB_TIME = 1000.0
WAKEUP_TIME = 300.0


class ScrubCase(SynchronousTestCase):
    """A world in which deletions are delayed, with two janitors."""

    def make(self, store=None, registry=None):
        self.world = World(store=store, registry=registry)
        self.janitors = []
        for daemon in self.world.here, self.world.there:
            registry = self.world.registry if daemon is self.world.here else self.world.truth
            shelf = Shelf([daemon.shelved])
            daemon.deletions = Deletions(registry, shelf, daemon.transfers, SCRUB_TIME)
            self.janitors.append(
                Janitor(self.world.clock, registry, shelf, daemon.deletions, 10.0, WAKEUP_TIME)
            )

    def deleted(self, image_id="i"):
        self.world.active(image_id)
        self.world.do(self.world.there.deletions.delete(OPERATOR, image_id))

    def clear(self, janitor=0):
        return self.world.do(self.janitors[janitor].clear(GOING))

    def assert_gone(self, image_id="i"):
        self.assertIs(self.world.fetch(image_id).status, Status.DELETED)
        self.assertNotIn(image_id, self.world.kept._images)


class ScheduleTests(ScrubCase):
    """When it looks."""

    def test_wakeup_time(self):
        """It looks for deleted images at the start and every wakeup_time, for abandoned oftener."""
        self.make()
        looked = []
        take = self.world.truth.take_overdue

        async def note(lease, limit, states):
            looked.append((self.world.clock.seconds(), GOING <= set(states)))
            return await take(lease, limit, states)

        self.world.truth.take_overdue = note  # type: ignore[assignment]
        self.janitors[0].startService()
        self.world.pass_time(620)
        self.successResultOf(maybeDeferred(self.janitors[0].stopService))
        self.assertEqual([when for when, is_going in looked if is_going], [0.0, 300.0, 600.0])
        self.assertEqual(len([when for when, is_going in looked if not is_going]), 63)

    def test_scrubbed_at_a_wakeup(self):
        """So bytes go at the first wakeup after their time."""
        self.make()
        self.janitors[0].startService()
        self.deleted()
        self.world.pass_time(1199)
        self.assertIn("i", self.world.kept._images)
        self.world.pass_time(1)
        self.assert_gone()
        self.assertEqual(self.world.faults(), [])

    def test_date_stays(self):
        """The date is set by the deletion: a later setting is for later deletions."""
        self.make()
        self.deleted()
        shelf = Shelf([self.world.here.shelved])
        sooner = Deletions(self.world.truth, shelf, self.world.here.transfers, 10.0)
        janitor = Janitor(self.world.clock, self.world.truth, shelf, sooner)
        self.world.pass_time(999)
        self.assertEqual(self.world.do(janitor.clean()), 0)
        self.world.pass_time(1)
        self.assertEqual(self.world.do(janitor.clean()), 1)


class SharedWorkTests(ScrubCase):
    """Several daemons scrub."""

    def test_once(self):
        """Each image goes to one of them, also when its store takes longer than any lease."""
        self.make(store=lambda kept: SlowStore(kept, on={"delete"}))
        for image_id in "abc":
            self.deleted(image_id)
        self.world.pass_time(SCRUB_TIME)
        works = [as_deferred(janitor.clear(GOING)) for janitor in self.janitors]
        self.world.pass_time(5 * HOLD)
        self.assertEqual(self.world.store.waiting, 2)
        self.world.store.open_gate()
        cleared = [each.image_id for work in works for each in self.successResultOf(work)]
        self.assertEqual(sorted(cleared), ["a", "b", "c"])
        for image_id in "abc":
            self.assert_gone(image_id)
        self.assertEqual(self.world.faults(), [])

    def test_stop(self):
        """A daemon that is told to stop ends the image at hand, and leaves the others."""
        self.make(store=lambda kept: SlowStore(kept, on={"delete"}))
        for image_id in "ab":
            self.deleted(image_id)
        self.world.pass_time(SCRUB_TIME)
        self.janitors[0].startService()
        stopped = maybeDeferred(self.janitors[0].stopService)
        self.assertNoResult(stopped)
        self.world.store.let_one_pass()
        self.successResultOf(stopped)
        self.assert_gone("a")
        self.world.store.open_gate()
        self.assertEqual(self.clear(1), [Cleared("b")])


class TroubleTests(ScrubCase):
    """What goes wrong."""

    def test_failing_store(self):
        """The image is put off, and the others are not."""
        self.make(store=lambda kept: FailingStore(kept, StoreUnavailable(), on=()))
        self.deleted()
        self.world.pass_time(SCRUB_TIME)
        self.world.store.on = frozenset({"delete"})
        (cleared,) = self.clear()
        self.assertEqual(cleared.image_id, "i")
        self.assertIn("unavailable", cleared.trouble)
        self.world.store.on = frozenset()
        self.assertEqual(self.clear(1), [])
        self.world.pass_time(HOLD)
        self.assertEqual(self.clear(1), [Cleared("i")])
        self.assert_gone()

    def test_daemon_dies(self):
        """Another one finishes what was begun, whether or not the bytes are gone."""
        for bytes_are_gone in (False, True):
            self.make()
            self.deleted()
            self.world.pass_time(SCRUB_TIME)
            self.assertEqual(len(self.world.do(self.world.truth.take_overdue(HOLD, 1))), 1)
            if bytes_are_gone:
                self.world.do(self.world.kept.delete("i"))
            self.assertEqual(self.clear(), [])
            self.world.pass_time(HOLD)
            self.assertEqual(self.clear(), [Cleared("i")])
            self.assert_gone()

    def test_registry_away(self):
        """Whichever call fails, and whether or not it took effect, the bytes go in the end."""
        for takes_effect in (False, True):
            for number in range(4):
                self.make(registry=FaultyRegistry)
                self.deleted()
                self.world.pass_time(SCRUB_TIME)
                registry = self.world.registry
                registry.calls, registry.fails_at = 0, number
                registry.takes_effect = takes_effect
                as_deferred(self.janitors[0].clear(GOING)).addErrback(lambda failure: None)
                registry.fails_at = None
                self.world.clear_up()
                self.assert_gone()
                self.assertEqual(self.world.faults(), [])

    def test_own_deletion_that_slept(self):
        """A deletion that lost its lease and a janitor of the same daemon do not meet."""
        self.make(store=lambda kept: SlowStore(kept, on={"delete"}))
        self.world.active()
        at_once = Deletions(
            self.world.truth, Shelf([self.world.here.shelved]), self.world.here.transfers
        )
        deletion = as_deferred(at_once.delete(OPERATOR, "i"))
        self.world.clock.rightNow += 2 * LEASE
        cleaning = as_deferred(self.janitors[0].clear(GOING))
        self.world.store.open_gate()
        self.successResultOf(deletion)
        self.assertEqual(self.successResultOf(cleaning), [Cleared("i")])
        self.assert_gone()
        self.assertEqual(self.world.faults(), [])

    def test_moved_on(self):
        """An image that somebody else finished meanwhile is no trouble."""
        self.make(store=lambda kept: SlowStore(kept, on={"delete"}))
        self.deleted()
        self.world.pass_time(SCRUB_TIME)
        work = as_deferred(self.janitors[0].clear(GOING))
        gone = move(Status.DELETED, lease=None, locations=())
        self.world.do(self.world.truth.update("i", gone, GOING))
        self.world.store.open_gate()
        self.assertEqual(self.successResultOf(work), [Cleared("i")])
        self.assert_gone()
