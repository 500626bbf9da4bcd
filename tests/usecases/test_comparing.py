"""One of all daemons compares, now and then, and lets go at once."""

from __future__ import annotations

from contextlib import aclosing

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import move
from glancetx.errors import StoreUnavailable
from glancetx.image import Status
from glancetx.shelf import Shelf
from glancetx.stores.memory import MemoryStore
from glancetx.usecases.comparing import LOOK_EVERY, Comparing
from glancetx.usecases.comparison import Comparison
from glancetx.usecases.orphans import Orphans
from glancetx.usecases.pace import Pace
from tests.usecases.test_comparison import ONE, TWO
from tests.usecases.world import HELLO, FaultyRegistry, GatedRegistry, World

DAY = 86_400.0
SAFE = 100.0


class Unlisted(MemoryStore):
    """A store whose listing breaks off."""

    async def listing(self):
        async with aclosing(super().listing()) as listing:
            async for holding in listing:
                yield holding
                raise StoreUnavailable()


class Slow(MemoryStore):
    """The world's store, which thinks for days before it tells what is at a key."""

    def __init__(self, world):
        super().__init__(world.clock)
        self._clock = world.clock
        self._images, self._moments = world.kept._images, world.kept._moments

    async def look_up(self, key):
        await deferLater(self._clock, 4 * DAY)
        return await super().look_up(key)


class ComparingCase(SynchronousTestCase):
    """A world with an old orphan, and daemons that compare."""

    def setUp(self):
        self.world = World()
        self.orphan()

    def orphan(self, image_id=ONE):
        self.world.reserve(image_id)
        self.world.do(
            self.world.truth.update(image_id, move(Status.DELETED, lease=None), {Status.QUEUED})
        )
        self.world.kept._images[image_id] = bytearray(HELLO)
        self.world.kept._moments[image_id] = self.world.clock.seconds()

    def daemon(self, registry=None, pace=None, store=None):
        """One that has been started."""
        clock, registry = self.world.clock, registry or self.world.truth
        shelved = self.world.here.shelved
        if store is not None:
            shelved = type(shelved)("file", store)
        comparison = Comparison(clock, registry, SAFE, Pace(clock, pace))
        orphans = Orphans(comparison, registry)
        comparing = Comparing(clock, registry, Shelf([shelved]), comparison, orphans, DAY)
        comparing.startService()
        self.addCleanup(comparing.stopService)
        return comparing

    def assert_gone(self, image_id=ONE):
        self.assertNotIn(image_id, self.world.kept._images)


class ScheduleTests(ComparingCase):
    """When it looks."""

    def test_rounds(self):
        """The first round comes some minutes after the start, the next ones an interval later."""
        self.daemon()
        self.world.clock.advance(LOOK_EVERY - 1)
        self.assertIn(ONE, self.world.kept._images)
        self.world.clock.advance(1)
        self.assert_gone()
        self.orphan(TWO)
        for _ in range(int(DAY / LOOK_EVERY) - 1):
            self.world.clock.advance(LOOK_EVERY)
        self.assertIn(TWO, self.world.kept._images)
        self.world.clock.advance(LOOK_EVERY)
        self.assert_gone(TWO)

    def test_one_of_several(self):
        """Of several daemons one compares in each round."""
        with capturedLogs() as logs:
            for _ in range(3):
                self.daemon()
            self.world.clock.advance(LOOK_EVERY)
        said = [formatEvent(event) for event in logs]
        rounds = [text for text in said if text.startswith("compared stores and records")]
        self.assertEqual(len(rounds), 1)
        self.assertIn("1 orphans removed (5 bytes)", rounds[0])

    def test_lost_images_are_told(self):
        """What is missing is an error in the log, with the id."""
        self.world.active(TWO)
        del self.world.kept._images[TWO]
        with capturedLogs() as logs:
            self.daemon()
            self.world.clock.advance(LOOK_EVERY)
        said = [formatEvent(e) for e in logs if e["log_level"].name == "error"]
        self.assertEqual(said, [f"image {TWO}: missing in the store file: 0 of 5 bytes"])


class StopTests(ComparingCase):
    """When it ends."""

    def test_before_a_round(self):
        """It ends at once, and looks no more."""
        comparing = self.daemon()
        self.successResultOf(maybeDeferred(comparing.stopService))
        self.world.clock.advance(10 * DAY)
        self.assertIn(ONE, self.world.kept._images)

    def test_in_a_round(self):
        """A round is broken off, and touches nothing more."""
        for number in range(300):
            self.orphan(f"{number:032x}")
        self.world.clock.advance(SAFE)
        comparing = self.daemon(pace=1)
        self.world.clock.advance(LOOK_EVERY)
        self.assertEqual(len(self.world.kept._images), 301)
        self.successResultOf(maybeDeferred(comparing.stopService))
        self.world.clock.advance(10 * DAY)
        self.assertEqual(len(self.world.kept._images), 301)

    def test_never_started(self):
        """One that was never started can be stopped."""
        clock, registry = self.world.clock, self.world.truth
        comparison = Comparison(clock, registry, SAFE, Pace(clock))
        shelf, orphans = Shelf([self.world.here.shelved]), Orphans(comparison, registry)
        comparing = Comparing(clock, registry, shelf, comparison, orphans, DAY)
        self.assertIsNone(comparing.stopService())


class TroubleTests(ComparingCase):
    """What goes wrong is not the end."""

    def test_registry_away(self):
        """A round that cannot begin is begun at a later look."""
        faulty = FaultyRegistry(self.world.truth)
        faulty.fails_at = 0
        self.daemon(faulty)
        self.world.clock.advance(LOOK_EVERY)
        self.assertIn(ONE, self.world.kept._images)
        self.world.clock.advance(LOOK_EVERY)
        self.assert_gone()

    def test_store_away(self):
        """A store that cannot be listed is told of by name."""
        store = Unlisted(self.world.clock)
        store._images, store._moments = self.world.kept._images, self.world.kept._moments
        with capturedLogs() as logs:
            self.daemon(store=store)
            self.world.clock.advance(LOOK_EVERY)
        said = [formatEvent(event) for event in logs]
        self.assertTrue(any("the store file is compared another time" in text for text in said))

    def assert_alone(self, days):
        """That no other daemon does a round in so many days."""
        with capturedLogs() as logs:
            self.daemon()
            for _ in range(int(days * DAY / LOOK_EVERY)):
                self.world.clock.advance(LOOK_EVERY)
        self.assertEqual([e for e in logs if "compared stores" in str(formatEvent(e))], [])

    def test_a_long_round_is_told(self):
        """While a round goes on, nobody else begins one, however long it takes."""
        for number in range(2000):
            self.orphan(f"{number:032x}")
        self.daemon(pace=200 / 36_000)
        self.world.clock.advance(LOOK_EVERY)
        self.assert_alone(4)

    def test_a_long_round_without_findings_is_told(self):
        """That is so also when there is nothing to tell of what takes so long."""
        self.world.active(TWO)
        self.daemon(store=Slow(self.world))
        self.world.clock.advance(LOOK_EVERY)
        self.assert_alone(3)


class GateTests(ComparingCase):
    """Stopped while it waits for the registry."""

    def test_waiting(self):
        """It does not wait for an answer."""
        gated = GatedRegistry(self.world.truth)
        comparing = self.daemon(gated)
        gated.is_open = False
        self.world.clock.advance(LOOK_EVERY)
        self.assertEqual(len(gated.waiting), 1)
        self.successResultOf(maybeDeferred(comparing.stopService))
        self.assertEqual(gated.waiting, [])
