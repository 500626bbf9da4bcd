"""The part of the registry contract about leases."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import gatherResults

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import StatusConflict
from glancetx.image import Image, Status
from glancetx.testing.registry_case import OVERDUE, RegistryCase


class LeaseContract(RegistryCase):
    """Whoever stops answering for an image loses it to one other."""

    async def test_a_new_image_has_no_lease(self) -> None:
        """Nothing is overdue of which nobody said that somebody answers for it."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        await registry.update("a", Change(), {Status.SAVING})
        self.assertEqual(await registry.take_overdue(60, 10), [])

    async def test_a_lease_runs_out(self) -> None:
        """An image is handed on once its lease is over, and then not again."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        saving = await registry.update("a", move(Status.SAVING, lease=OVERDUE), {Status.QUEUED})
        await registry.update("b", move(Status.SAVING, lease=60), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [saving])
        self.assertEqual(await registry.take_overdue(60, 10), [])
        self.assertEqual(await registry.fetch("a"), saving)

    async def test_a_lease_is_kept(self) -> None:
        """An update that does not speak of the lease leaves it."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        updated = await registry.update("a", Change(values={"name": "n"}), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [updated])

    async def test_a_lease_ends(self) -> None:
        """An update can say that nobody needs to answer any more."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        await registry.update("a", Change(lease=None), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [])

    async def test_renew(self) -> None:
        """A renewed lease counts from now, and no time of the record changes."""
        registry = await self.registry_with(Image(image_id="a"))
        before = await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        await registry.renew("a", Status.QUEUED, 60)
        self.assertEqual(await registry.take_overdue(60, 10), [])
        await registry.renew("a", Status.QUEUED, OVERDUE)
        self.assertEqual(await registry.take_overdue(60, 10), [before])

    async def test_renew_expects_a_state(self) -> None:
        """Who has lost the image cannot renew its lease."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        error = await self.assert_raises(StatusConflict, registry.renew("a", Status.SAVING, 60))
        self.assertIs(error.found, Status.QUEUED)
        self.assertEqual(len(await registry.take_overdue(60, 10)), 1)

    async def test_a_lease_from_the_first_instant(self) -> None:
        """A record may be made under a lease, which runs out like any other."""
        registry = await self.make_registry()
        await registry.insert(Image(image_id="a"), 60)
        overdue = await registry.insert(Image(image_id="b"), OVERDUE)
        self.assertEqual(await registry.take_overdue(60, 10), [overdue])
        self.assertEqual(await registry.take_overdue(60, 10), [])

    async def test_transferred(self) -> None:
        """A renewal may tell how many bytes have come, and no time of the record changes."""
        registry = await self.registry_with(Image(image_id="a"))
        before = await registry.update("a", move(Status.SAVING, lease=60), {Status.QUEUED})
        self.assertEqual(before.transferred, 0)
        await registry.renew("a", Status.SAVING, 60, 2**40)
        self.assertEqual(await registry.fetch("a"), evolve(before, transferred=2**40))
        await registry.renew("a", Status.SAVING, 60)
        self.assertEqual(await registry.fetch("a"), evolve(before, transferred=2**40))
        await self.assert_raises(StatusConflict, registry.renew("a", Status.QUEUED, 60, 7))
        self.assertEqual((await registry.fetch("a")).transferred, 2**40)

    async def test_transferred_ends_with_the_lease(self) -> None:
        """What was told of a transfer is forgotten when it is over."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", move(Status.SAVING, lease=60), {Status.QUEUED})
        await registry.renew("a", Status.SAVING, 60, 5)
        kept = await registry.update("a", Change(values={"name": "n"}), {Status.SAVING})
        self.assertEqual(kept.transferred, 5)
        active = await registry.update("a", move(Status.ACTIVE, lease=None), {Status.SAVING})
        self.assertEqual(active.transferred, 0)

    async def test_oldest_leases_first(self) -> None:
        """A limited taker gets those that have been overdue for the longest time."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "abcd"))
        for name, ago in ("a", 300.0), ("b", 4000.0), ("c", 20.0), ("d", 100000.5):
            await registry.update(name, Change(lease=-ago), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 0), [])
        for expected in (["d", "b", "a"], ["c"], []):
            taken = await registry.take_overdue(60, 3)
            self.assertEqual([image.image_id for image in taken], expected)

    async def test_takers_expect_states(self) -> None:
        """Overdue images in other states are left to those who ask for them."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "ab"))
        for name in "ab":
            await registry.update(name, Change(lease=OVERDUE), {Status.QUEUED})
        killed = await registry.update("b", move(Status.KILLED), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10, {Status.KILLED}), [killed])
        self.assertEqual(await registry.take_overdue(60, 10, {Status.KILLED}), [])
        (queued,) = await registry.take_overdue(60, 10)
        self.assertEqual(queued.image_id, "a")

    async def test_racing_takers(self) -> None:
        """Takers that race never get the same image, and together get all of them."""
        registry = await self.registry_with(*(Image(image_id=str(n)) for n in range(12)))
        for n in range(12):
            await registry.update(str(n), Change(lease=OVERDUE), {Status.QUEUED})
        batches = await gatherResults(as_deferred(registry.take_overdue(60, 3)) for _ in range(6))
        batches.append(await registry.take_overdue(60, 12))
        taken = [image.image_id for batch in batches for image in batch]
        self.assertEqual(sorted(taken), sorted(str(n) for n in range(12)))
