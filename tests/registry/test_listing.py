"""Pages of many images come from indexes, and nothing that is asked can break the statement."""

import re
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.query import Filters, ImageQuery, Order
from glancetx.registry.listing import page_of
from glancetx.registry.postgres import PostgresRegistry
from tests.registry.server import fresh_database, open_database

#: One owner has many; whatever is rare is old, so that a walk from the newest on is the longest.
FILL = """
INSERT INTO images (
    id, status, name, owner, visibility, protected, disk_format, container_format, size,
    min_disk, min_ram, digests, properties, locations, created_at, updated_at
)
SELECT
    n, (ARRAY['active', 'queued', 'deactivated', 'killed', 'deleted'])[1 + n % 5], 'name ' || n,
    CASE WHEN n % 7 = 0 THEN 'me' ELSE 'tenant ' || n % 500 END,
    (ARRAY['public', 'shared', 'private', 'community'])[1 + n / 2 % 4], n > 19900,
    CASE WHEN n > 19900 THEN 'vdi' ELSE 'raw' END, CASE WHEN n > 19900 THEN 'ovf' ELSE 'bare' END,
    n, n / 19900, n / 19900, '{}', jsonb_build_object('number', n::text), '[]',
    timestamptz '2026-01-01' - n * interval '1 minute',
    timestamptz '2026-01-01' - n * interval '1 second'
FROM generate_series(1, 20000) AS n
"""

#: Forms of listing, and the indexes that each may use.
FORMS: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({}, {"public"}),
    ({"public": True}, {"public"}),
    ({"owner": "me"}, {"public", "own", "listed"}),
    ({"owner": "me", "public": False}, {"own", "listed"}),
    ({"everything": True}, {"listed"}),
    ({"everything": True, "public": True}, {"public"}),
    ({"everything": True, "public": False}, {"listed"}),
)

AGES_AGO = datetime(2000, 1, 1, tzinfo=UTC)

#: Filters that few old images fit, or none, and an index that finds them besides.
FILTERS = (
    (Filters(equal={"name": "name 19986"}), "named"),
    (Filters(equal={"disk_format": "vdi"}), None),
    (Filters(equal={"container_format": "ovf"}), None),
    (Filters(equal={"min_ram": 1}), None),
    (Filters(equal={"min_disk": 1}), None),
    (Filters(equal={"protected": True}), None),
    (Filters(size_min=19900), None),
    (Filters(size_min=19990, size_max=19995), None),
    (Filters(properties={"number": "19986"}), "properties"),
    (Filters(changes_since=AGES_AGO), "ever"),
    (Filters(changes_since=datetime(2025, 12, 31, 23, 59, tzinfo=UTC)), "changed"),
    (Filters(changes_since=datetime(2100, 1, 1, tzinfo=UTC)), "changed"),
)


class PlanTests(TestCase):
    """Among many images a page is found without reading or sorting the others."""

    timeout = 60

    async def prepare(self):
        self.database = open_database(self, await fresh_database(self))
        self.registry = PostgresRegistry(self.database)
        await self.database.write(FILL)
        await self.database.write("VACUUM ANALYZE images")

    async def plan_of(self, query):
        statement, arguments = page_of(query) or self.fail("nothing is asked")
        rows = await self.database.read(f"EXPLAIN {statement}", arguments)
        return "\n".join(line for (line,) in rows)

    def scans_of(self, plan):
        self.assertNotIn("Seq Scan on images", plan)
        return set(re.findall(r"Scan (?:Backward )?(?:using|on) images_(\w+)", plan))

    async def test_every_form(self):
        """Every form walks along its index, in both directions, from a marker on or not."""
        await self.prepare()
        marker = await self.registry.fetch("10000")
        for form, indexes in FORMS:
            for after in (None, marker):
                for ascending in (False, True):
                    order = Order(ascending=ascending)
                    query = ImageQuery(**form, order=order, after=after, limit=25)
                    plan = await self.plan_of(query)
                    scans = self.scans_of(plan) - {"pkey"}
                    self.assertTrue(scans and scans <= indexes, plan)
                    if "owner" not in form:
                        self.assertNotIn("Sort  ", plan)
                    self.assertEqual(len(await self.registry.select(query)), 25)

    async def test_owner_of_few(self):
        """What little an owner has is found without a look at what others have."""
        await self.prepare()
        plan = await self.plan_of(ImageQuery(owner="tenant 1", public=False, limit=25))
        self.assertIn("own", self.scans_of(plan))

    async def test_filters(self):
        """What hardly fits anything is not looked for in the rows, in any form."""
        await self.prepare()
        for filters, index in FILTERS:
            for form, _ in FORMS:
                plan = await self.plan_of(ImageQuery(**form, filters=filters, limit=25))
                scans = self.scans_of(plan)
                known = {"listed", "public", "own", "counted", "pkey", "ever", index}
                self.assertTrue(scans and scans <= known, plan)
            if index is not None:
                plan = await self.plan_of(ImageQuery(everything=True, filters=filters, limit=25))
                self.assertIn(index, self.scans_of(plan), plan)


class NothingTests(SynchronousTestCase):
    """What no record can hold is not asked for."""

    def test_impossible(self):
        """Values that the database would not even take, and states that are not shown."""
        for filters in (
            Filters(equal={"name": "a\0"}),
            Filters(equal={"disk_format": "\ud800"}),
            Filters(equal={"min_ram": 2**31}),
            Filters(equal={"min_disk": -1}),
            Filters(equal={"min_ram": 10**5000}),
            Filters(size_min=2**63),
            Filters(size_max=-1),
            Filters(properties={"key": "\0"}),
            Filters(properties={"\0": "value"}),
            Filters(equal={"status": "killed"}),
            Filters(equal={"status": "deleted"}),
        ):
            self.assertIsNone(page_of(ImageQuery(everything=True, filters=filters, limit=5)))

    def test_nobodys(self):
        """Nobody has no images that are not public, and a page of none has none."""
        self.assertIsNone(page_of(ImageQuery(public=False, limit=5)))
        self.assertIsNone(page_of(ImageQuery(everything=True, limit=0)))

    def test_possible(self):
        """Bounds that everything is within are no reason not to ask."""
        for filters in (
            Filters(size_min=-(10**30), size_max=10**30),
            Filters(equal={"min_ram": 2**31 - 1}),
            Filters(changes_since=AGES_AGO, equal={"status": "killed"}),
        ):
            self.assertIsNotNone(page_of(ImageQuery(everything=True, filters=filters, limit=5)))
