"""The part of the registry contract about changes."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import CancelledError, gatherResults

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import StatusConflict
from glancetx.image import Image, Status, Visibility
from glancetx.query import ImageQuery
from glancetx.testing.registry_case import FULL, RegistryCase, outcome_of, stamped


class UpdateContract(RegistryCase):
    """A change is made entirely or not at all, in the states that it expects."""

    async def test_update_sets_values(self) -> None:
        """An update sets what it names, leaves the rest, and returns the new record."""
        registry = await self.registry_with(Image(image_id="a", name="old", min_ram=5))
        change = move(
            Status.ACTIVE,
            name="new",
            locations=FULL.locations,
            digests=FULL.digests,
            visibility=Visibility.PUBLIC,
            owner=None,
            size=3,
        )
        updated = await registry.update("a", change, {Status.QUEUED})
        self.assertEqual(updated, await registry.fetch("a"))
        expected = change.applied_to(updated, updated.updated_at)
        self.assertEqual(updated, expected)
        self.assertEqual(updated.min_ram, 5)

    async def test_update_sets_every_attribute(self) -> None:
        """There is no attribute that a change may name and a registry forgets."""
        registry = await self.registry_with(Image(image_id="a"))
        values = {
            name: getattr(FULL, name)
            for name in (
                "name owner visibility protected disk_format container_format size virtual_size"
                " min_disk min_ram checksum digests locations status_reason"
            ).split()
        }
        change = Change(values=values, properties=FULL.properties)
        updated = await registry.update("a", change, {Status.QUEUED})
        expected = evolve(FULL, image_id="a", status=Status.QUEUED)
        self.assertEqual(updated, stamped(expected, updated))

    async def test_update_stamps(self) -> None:
        """Each update is later than the one before; the time of creation stays."""
        registry = await self.registry_with(Image(image_id="a"))
        images = [await registry.fetch("a")]
        for _ in range(5):
            images.append(await registry.update("a", Change(), {Status.QUEUED}))
        times = [image.updated_at for image in images]
        self.assertEqual(times, sorted(set(times)))
        self.assertEqual({image.created_at for image in images}, {times[0]})

    async def test_update_expects_a_state(self) -> None:
        """In any other state nothing changes, and the error tells the state."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        before = await registry.fetch("a")
        error = await self.assert_raises(
            StatusConflict,
            registry.update("a", Change(values={"name": "x"}), {Status.QUEUED, Status.ACTIVE}),
        )
        self.assertEqual((error.image_id, error.found), ("a", Status.SAVING))
        await self.assert_raises(StatusConflict, registry.update("a", Change(), ()))
        self.assertEqual(await registry.fetch("a"), before)

    async def test_update_expects_any_of_several_states(self) -> None:
        """One of the expected states is enough."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        updated = await registry.update(
            "a", move(Status.KILLED), [Status.QUEUED, Status.SAVING, Status.SAVING]
        )
        self.assertIs(updated.status, Status.KILLED)

    async def test_one_of_many_wins(self) -> None:
        """Of many that race for the same move exactly one makes it."""
        registry = await self.registry_with(Image(image_id="a"))
        outcomes = await gatherResults(
            as_deferred(
                outcome_of(registry.update("a", move(Status.SAVING, name=str(n)), {Status.QUEUED}))
            )
            for n in range(12)
        )
        won = [outcome for outcome in outcomes if isinstance(outcome, Image)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, StatusConflict)]
        self.assertEqual((len(won), len(lost)), (1, 11))
        self.assertEqual({error.found for error in lost}, {Status.SAVING})
        self.assertEqual(await registry.fetch("a"), won[0])

    async def test_racing_updates_are_all_kept(self) -> None:
        """Changes of different things by many at once do not undo each other."""
        registry = await self.registry_with(Image(image_id="a"))
        await gatherResults(
            as_deferred(registry.update("a", Change(properties={str(n): str(n)}), {Status.QUEUED}))
            for n in range(12)
        )
        self.assertEqual(
            (await registry.fetch("a")).properties, {str(n): str(n) for n in range(12)}
        )

    async def test_illegal_moves(self) -> None:
        """A move that is not in the table is the program's mistake, and is not made."""
        registry = await self.registry_with(Image(image_id="a"))
        await self.assert_raises(
            ValueError, registry.update("a", move(Status.DEACTIVATED), {Status.QUEUED})
        )
        self.assertIs((await registry.fetch("a")).status, Status.QUEUED)

    async def test_properties_are_added(self) -> None:
        """Without purging the old properties stay, unless they are named."""
        registry = await self.registry_with(
            Image(image_id="a", properties={"old": "1", "both": "2", "null": None})
        )
        updated = await registry.update(
            "a", Change(properties={"both": None, "new": "3", "null": "4"}), {Status.QUEUED}
        )
        self.assertEqual(updated.properties, {"old": "1", "both": None, "new": "3", "null": "4"})
        self.assertEqual(
            await registry.update("a", Change(), {Status.QUEUED}), await registry.fetch("a")
        )
        self.assertEqual((await registry.fetch("a")).properties, updated.properties)

    async def test_properties_are_replaced(self) -> None:
        """Purging leaves only the new properties, also when there are none."""
        registry = await self.registry_with(Image(image_id="a", properties={"old": "1"}))
        for properties in ({"new": None}, {}):
            change = Change(properties=properties, purge=True)
            updated = await registry.update("a", change, {Status.QUEUED})
            self.assertEqual(updated.properties, properties)
            self.assertEqual((await registry.fetch("a")).properties, properties)

    async def test_deleted_at(self) -> None:
        """It is set when an image goes, kept while it is gone, and cleared when it comes back."""
        registry = await self.registry_with(Image(image_id="a", status=Status.ACTIVE))
        gone = await registry.update("a", move(Status.PENDING_DELETE), {Status.ACTIVE})
        self.assertEqual(gone.deleted_at, gone.updated_at)
        still = await registry.update("a", move(Status.PENDING_DELETE), {Status.PENDING_DELETE})
        self.assertEqual(still.deleted_at, gone.deleted_at)
        back = await registry.update("a", move(Status.ACTIVE), {Status.PENDING_DELETE})
        self.assertIsNone(back.deleted_at)
        gone = await registry.update("a", move(Status.DELETED), {Status.ACTIVE})
        self.assertEqual(gone.deleted_at, gone.updated_at)
        touched = await registry.update("a", Change(), {Status.DELETED})
        self.assertEqual(touched.deleted_at, gone.deleted_at)
        self.assertEqual(await registry.fetch("a"), touched)

    async def test_cancelling(self) -> None:
        """Whatever is cancelled is made entirely or not at all, and nobody else suffers."""
        registry = await self.registry_with(*(Image(image_id=str(n)) for n in range(20)))
        for n in range(20):
            change = move(Status.SAVING, name="x")
            work = as_deferred(registry.update(str(n), change, {Status.QUEUED}))
            work.cancel()
            try:
                await work
            except CancelledError:
                pass
        images = await registry.select(ImageQuery(everything=True, limit=100))
        for image in images:
            self.assertIn((image.status, image.name), {(Status.QUEUED, None), (Status.SAVING, "x")})
        self.assertEqual(len(images), 20)
        await registry.insert(Image(image_id="after"))
