"""Members in PostgreSQL: what the contract cannot see."""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.trial.unittest import TestCase

from glancetx.change import move
from glancetx.errors import NoSuchImage
from glancetx.image import Image, Status
from glancetx.registry import members
from glancetx.registry.postgres import PostgresRegistry
from glancetx.testing.registry_case import outcome_of
from tests.registry.server import fresh_database, open_database


class TableTests(TestCase):
    """The table itself."""

    timeout = 60

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.database = open_database(self, await fresh_database(self))
        self.registry = PostgresRegistry(self.database)

    async def rows(self):
        return await self.database.read("SELECT image_id, member FROM members ORDER BY place")

    async def test_deleted(self):
        """A deleted image leaves no row; one that is being deleted leaves all."""
        for image_id in "ab":
            await self.registry.insert(Image(image_id=image_id, status=Status.ACTIVE))
            await self.registry.replace_members(image_id, {"m": True, "n": None})
            await self.registry.unshare(image_id, "n")
        await self.registry.update("a", move(Status.PENDING_DELETE), {Status.ACTIVE})
        self.assertEqual(len(await self.rows()), 4)
        deleted = await self.registry.update("a", move(Status.DELETED), {Status.PENDING_DELETE})
        self.assertEqual(await self.registry.fetch("a"), deleted)
        self.assertEqual(await self.rows(), [("b", "m"), ("b", "n")])

    async def test_not_deleted(self):
        """A deletion that comes too late takes no member away."""
        await self.registry.insert(Image(image_id="a", status=Status.ACTIVE))
        await self.registry.share("a", "m")
        await outcome_of(self.registry.update("a", move(Status.DELETED), {Status.QUEUED}))
        self.assertEqual(await self.rows(), [("a", "m")])

    async def test_image_created_at(self):
        """Each row knows when its image was created, for listings walk along that."""
        await self.registry.insert(Image(image_id="a"))
        await self.registry.share("a", "m")
        ((created_at,),) = await self.database.read("SELECT image_created_at FROM members")
        self.assertEqual(created_at, (await self.registry.fetch("a")).created_at)

    async def test_racing_with_deletion(self):
        """Whoever is added to an image that goes either was first, or is told."""
        for number in range(10):
            image_id = str(number)
            await self.registry.insert(Image(image_id=image_id))
            work = [
                self.registry.share(image_id, "m"),
                self.registry.update(image_id, move(Status.DELETED), {Status.QUEUED}),
                self.registry.replace_members(image_id, {"n": True}),
            ]
            shared, deleted, replaced = await gatherResults(
                [ensureDeferred(outcome_of(each)) for each in work]
            )
            self.assertIsInstance(deleted, Image)
            for outcome in shared, replaced:
                if isinstance(outcome, Exception):
                    self.assertIsInstance(outcome, NoSuchImage)
            self.assertEqual(await self.registry.members(image_id), [])

    async def test_plan(self):
        """Among many memberships those that are asked for are found by an index."""
        await self.database.write(
            """
            INSERT INTO images (
                id, status, visibility, protected, size, min_disk, min_ram,
                digests, properties, locations, created_at, updated_at
            )
            SELECT n, 'active', 'shared', false, n, 0, 0, '{}', '{}', '[]',
                now() - n * interval '1 minute', now()
            FROM generate_series(1, 5000) AS n
            """
        )
        await self.database.write(
            """
            INSERT INTO members (
                image_id, member, can_share, created_at, updated_at, image_created_at
            )
            SELECT id, 'm ' || (id::int + m) % 100, false, now(), now(), created_at
            FROM images, generate_series(1, 5) AS m
            """
        )
        await self.database.write("ANALYZE")
        arguments = {"image_id": "1", "member": "m 7", "owner": None}
        for statement, index in (
            (members._SHARED_WITH, "members_shared"),
            (members._MEMBERSHIP, "members_pkey"),
            (members._MEMBERS, "members_pkey"),
            (members._COUNT, "members_pkey"),
        ):
            rows = await self.database.read(f"EXPLAIN {statement}", arguments)
            plan = "\n".join(line for (line,) in rows)
            self.assertIn(index, plan)
            self.assertNotIn("Seq Scan on members", plan)
        self.assertEqual(len(await self.registry.shared_with("m 7")), 250)
