"""How many images an owner may have holds however many daemons make some at once."""

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import TooManyImages
from glancetx.image import Image
from glancetx.registry import creation
from glancetx.registry.creation import creations_of
from glancetx.registry.postgres import PostgresRegistry
from glancetx.testing.registry_case import outcome_of
from tests.registry.server import fresh_database, open_database
from tests.registry.test_listing import FILL


class RaceTests(TestCase):
    """Several daemons on one database."""

    timeout = 120

    async def test_across_the_quota(self):
        """Those who do not wait for each other and those who do never make too many (R21)."""
        self.patch(creation, "CROWD", 8)
        dsn = await fresh_database(self)
        registries = [
            PostgresRegistry(open_database(self, dsn, size=2, timeout=60)) for _ in range(4)
        ]
        for owner in "me", None:
            made = [
                registries[n % 4].insert(Image(image_id=f"{owner} {n}", owner=owner), quota=24)
                for n in range(80)
            ]
            outcomes = await gatherResults([as_deferred(outcome_of(each)) for each in made])
            kinds = [type(each) for each in outcomes]
            self.assertEqual((kinds.count(Image), kinds.count(TooManyImages)), (24, 56))


class StatementTests(TestCase):
    """What is asked of the database."""

    timeout = 60

    def test_far_and_near(self):
        """Far from the quota there is no need to wait, and without one nothing is locked."""
        image = Image(image_id="a", owner="me")
        ((plain, _),) = creations_of(image, None, 0)
        self.assertNotIn("lock", plain)
        (far, near) = creations_of(image, None, 10_000)
        self.assertIn("_shared", far[0])
        self.assertEqual((far[1]["quota"], near[1]["quota"]), (9_000, 10_000))
        ((near_alone, _),) = creations_of(image, None, 2_000)
        self.assertEqual(near_alone, near[0])

    async def test_plan(self):
        """An owner's images are counted along an index, also those of nobody."""
        database = open_database(self, await fresh_database(self))
        await database.write(FILL)
        await database.write("UPDATE images SET owner = NULL WHERE id IN ('3', '4', '5')")
        await database.write("ANALYZE images")
        for owner in "tenant 1", None:
            ((statement, arguments),) = creations_of(Image(image_id="x", owner=owner), None, 100)
            insertion = statement.partition(";")[2]
            rows = await database.read(f"EXPLAIN {insertion}", arguments)
            self.assertRegex(str(rows), "images_(counted|own)")
