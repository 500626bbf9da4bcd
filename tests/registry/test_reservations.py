"""Quotas in PostgreSQL hold however many daemons ask at once, and are summed up by an index."""

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import QuotaExceeded, StatusConflict
from glancetx.image import Image, Location, Status
from glancetx.quota import Room
from glancetx.registry.postgres import PostgresRegistry
from glancetx.registry.reservations import used_by_others
from glancetx.testing.registry_case import outcome_of
from tests.registry.server import fresh_database, open_database
from tests.registry.test_listing import FILL


class RaceTests(TestCase):
    """Several daemons on one database."""

    timeout = 120

    async def test_whole_lives(self):
        """Uploads of one owner claim, grow, end and go at once: at no moment is it too much."""
        dsn = await fresh_database(self)
        registries = [
            PostgresRegistry(open_database(self, dsn, size=4, timeout=60)) for _ in range(4)
        ]
        watcher = open_database(self, dsn, size=1)
        for n in range(60):
            await registries[0].insert(Image(image_id=str(n), owner="me", size=10**15))
        seen: list[int] = []

        async def live(n):
            registry = registries[n % 4]
            saving = move(Status.SAVING, lease=60)
            room = Room(quota=1000, needed=n, wanted=200)
            claim = registry.reserve(str(n), room, Status.QUEUED, saving)
            if isinstance(await outcome_of(claim), QuotaExceeded):
                return
            room = Room(quota=1000, needed=150, wanted=300)
            image = await outcome_of(registry.reserve(str(n), room, Status.SAVING))
            if isinstance(image, QuotaExceeded) or n % 3 == 0:
                await registry.update(str(n), move(Status.KILLED), {Status.SAVING})
                await registry.update(str(n), Change(lease=None), {Status.KILLED})
            else:
                place = (Location("file", str(n)),)
                change = move(Status.ACTIVE, lease=None, size=150, locations=place)
                await registry.update(str(n), change, {Status.SAVING})
                if n % 3 == 1:
                    await registry.update(str(n), move(Status.DELETED), {Status.ACTIVE})

        async def watch():
            while not lives.called:
                statement, arguments = used_by_others("", "me")
                [(used,)] = await watcher.read(statement, arguments)
                seen.append(int(used))

        # Of those that stay the others may leave none a place.
        await live(2)
        lives = gatherResults([as_deferred(live(n)) for n in range(60) if n != 2])
        watching = as_deferred(watch())
        await lives
        await watching
        self.assertGreater(max(seen), 0)
        self.assertLessEqual(max(seen), 1000)
        images = [await registries[0].fetch(str(n)) for n in range(60)]
        self.assertEqual(sum(image.reserved for image in images), 0)
        active = [image for image in images if image.status is Status.ACTIVE]
        self.assertTrue(0 < len(active) <= 6)

    async def test_one_image_is_claimed_once(self):
        """Of many who claim one image one wins, and its bytes are set aside once."""
        registry = PostgresRegistry(open_database(self, await fresh_database(self)))
        await registry.insert(Image(image_id="a"))
        saving = move(Status.SAVING, lease=60)
        room = Room(quota=1000, needed=100, wanted=100)
        claims = (registry.reserve("a", room, Status.QUEUED, saving) for _ in range(12))
        outcomes = await gatherResults([as_deferred(outcome_of(claim)) for claim in claims])
        self.assertEqual(sum(isinstance(each, StatusConflict) for each in outcomes), 11)
        self.assertEqual((await registry.fetch("a")).reserved, 100)


class IndexTests(TestCase):
    """Many images of others cost nothing."""

    timeout = 60

    async def test_plan(self):
        """What an owner's images take is summed up along an index, also for images of nobody."""
        database = open_database(self, await fresh_database(self))
        await database.write(FILL)
        await database.write("UPDATE images SET owner = NULL WHERE id IN ('3', '4', '5')")
        await database.write("ANALYZE images")
        for owner in "tenant 1", None:
            statement, arguments = used_by_others("1", owner)
            rows = await database.read(f"EXPLAIN {statement}", arguments)
            self.assertIn("images_counted", str(rows))
