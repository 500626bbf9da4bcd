"""The registry in PostgreSQL keeps every promise."""

import re
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import TestCase

from glancetx.query import ImageQuery
from glancetx.registry.postgres import PostgresRegistry, page_of
from glancetx.testing.registry_contract import RegistryContract
from tests.registry.server import fresh_database, open_database


class PostgresRegistryTests(RegistryContract, TestCase):
    """The contract of all registries."""

    def make_registry(self):
        async def make():
            return PostgresRegistry(open_database(self, await fresh_database(self)))

        return ensureDeferred(make())


class PlanTests(TestCase):
    """Among many images a page is found without reading or sorting the others."""

    timeout = 60

    #: One owner has many: what another one has is so little that it may as well be sorted.
    FILL = """
    INSERT INTO images (
        id, status, owner, visibility, protected, size, min_disk, min_ram,
        digests, properties, locations, created_at, updated_at
    )
    SELECT
        n, (ARRAY['active', 'queued', 'deactivated', 'killed', 'deleted'])[1 + n % 5],
        CASE WHEN n % 7 = 0 THEN 'me' ELSE 'tenant ' || n % 500 END,
        (ARRAY['public', 'shared', 'private', 'community'])[1 + n / 2 % 4], false, n, 0, 0,
        '{}', '{}', '[]', now() - n * interval '1 minute', now()
    FROM generate_series(1, 20000) AS n
    """

    async def plan_of(self, database, query):
        statement, arguments = page_of(query) or ("", {})
        rows = await database.read(f"EXPLAIN {statement}", arguments)
        return "\n".join(line for (line,) in rows)

    async def test_every_form(self):
        """Every form of listing walks along its index, from the beginning and from a marker on."""
        database = open_database(self, await fresh_database(self))
        registry = PostgresRegistry(database)
        await database.write(self.FILL)
        await database.write("ANALYZE images")
        marker = await registry.fetch("15000")
        forms: list[tuple[dict[str, Any], set[str]]] = [
            ({}, {"images_public"}),
            ({"public": True}, {"images_public"}),
            ({"owner": "me"}, {"images_public", "images_own", "images_not_public"}),
            ({"owner": "me", "public": False}, {"images_own", "images_not_public"}),
            ({"everything": True}, {"images_listed"}),
            ({"everything": True, "public": True}, {"images_public"}),
            ({"everything": True, "public": False}, {"images_not_public"}),
        ]
        for form, indexes in forms:
            for after in None, marker:
                query = ImageQuery(**form, after=after, limit=25)
                plan = await self.plan_of(database, query)
                scans = set(re.findall(r"Index Scan using (\w+)", plan))
                self.assertTrue(scans and scans <= indexes, plan)
                self.assertNotIn("Seq Scan", plan)
                self.assertNotIn("Sort  ", plan)
                self.assertEqual(len(await registry.select(query)), 25)
        query = ImageQuery(owner="tenant 1", public=False, limit=25)
        self.assertIn("images_own", await self.plan_of(database, query))
