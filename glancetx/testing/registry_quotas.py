"""The part of the registry contract about quotas."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import gatherResults

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import NoSuchImage, QuotaExceeded, StatusConflict
from glancetx.image import Image, Location, Status
from glancetx.interfaces import IRegistry
from glancetx.quota import Room
from glancetx.testing.registry_case import OVERDUE, RegistryCase, outcome_of

SAVING = move(Status.SAVING, lease=60)
TWO_PLACES = (Location("file", "a"), Location("http", "b"))


def room(needed: int, wanted: int = 0, quota: int = 100) -> Room:
    return Room(quota=quota, needed=needed, wanted=wanted)


class QuotaContract(RegistryCase):
    """An owner's images never take more than was allowed, whoever races."""

    async def test_a_reservation_begins_a_transfer(self) -> None:
        """Bytes are set aside in the same instant in which the state changes."""
        registry = await self.registry_with(Image(image_id="a", owner="me"))
        image = await registry.reserve("a", room(60), Status.QUEUED, SAVING)
        self.assertEqual((image.status, image.reserved), (Status.SAVING, 60))
        self.assertEqual(await registry.fetch("a"), image)
        self.assertGreater(image.updated_at, image.created_at)

    async def test_a_refusal_changes_nothing(self) -> None:
        """Who needs more than there is gets nothing, and the image stays as it was."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        await registry.reserve("a", room(60), Status.QUEUED, SAVING)
        before = await registry.fetch("b")
        refused = registry.reserve("b", room(41), Status.QUEUED, SAVING)
        await self.assert_raises(QuotaExceeded, refused)
        self.assertEqual(await registry.fetch("b"), before)
        await registry.reserve("b", room(40), Status.QUEUED, SAVING)

    async def test_wishes(self) -> None:
        """Who would like more than he needs gets as much of it as remains."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        image = await registry.reserve("a", room(0, 30), Status.QUEUED, SAVING)
        self.assertEqual(image.reserved, 30)
        image = await registry.reserve("b", room(60, 1000), Status.QUEUED, SAVING)
        self.assertEqual(image.reserved, 70)

    async def test_growth(self) -> None:
        """A later reservation takes the place of the first, and no time of the record changes."""
        registry = await self.registry_with(Image(image_id="a"))
        before = await registry.reserve("a", room(90), Status.QUEUED, SAVING)
        after = await registry.reserve("a", room(100), Status.SAVING)
        self.assertEqual(after.reserved, 100)
        self.assertEqual(after.updated_at, before.updated_at)
        await self.assert_raises(QuotaExceeded, registry.reserve("a", room(101), Status.SAVING))
        self.assertEqual(await registry.fetch("a"), after)

    async def test_reserve_expects_a_state(self) -> None:
        """Nothing is set aside for an image that is in another state, or does not exist."""
        registry = await self.registry_with(Image(image_id="a"))
        error = await self.assert_raises(
            StatusConflict, registry.reserve("a", room(1), Status.SAVING)
        )
        self.assertIs(error.found, Status.QUEUED)
        self.assertEqual((await registry.fetch("a")).reserved, 0)
        for unknown in "x", "\0":
            await self.assert_raises(NoSuchImage, registry.reserve(unknown, room(1), Status.SAVING))
        illegal = registry.reserve("a", room(1), Status.QUEUED, move(Status.PENDING_DELETE))
        await self.assert_raises(ValueError, illegal)

    async def test_what_counts(self) -> None:
        """What is kept or may yet come counts, once for each place; what is gone does not."""
        everything = [
            Image(image_id=f"{status.value}", owner="me", status=status, size=10, locations=places)
            for places, status in zip([TWO_PLACES] * 7, Status, strict=True)
        ]
        everything.append(Image(image_id="claims", owner="me", size=10))
        everything.append(Image(image_id="one", owner="me", size=10, locations=TWO_PLACES[:1]))
        registry = await self.registry_with(*everything, Image(image_id="new", owner="me"))
        self.assertEqual(await self.used(registry, "new"), 110)
        self.assertEqual(sum(image.counted for image in everything), 110)

    async def test_large_sums(self) -> None:
        """Sums may be larger than any size."""
        huge = 2**63 - 1
        registry = await self.registry_with(
            Image(image_id="a", status=Status.ACTIVE, size=huge, locations=TWO_PLACES),
            Image(image_id="b", status=Status.ACTIVE, size=huge, locations=TWO_PLACES),
            Image(image_id="c"),
        )
        refused = registry.reserve("c", room(1, quota=huge), Status.QUEUED)
        await self.assert_raises(QuotaExceeded, refused)

    async def test_owners_are_apart(self) -> None:
        """Each owner has a quota of his own, and so have the images of nobody."""
        owners = ("me", "you", "", None)
        images = (Image(image_id=f"{owner} {n}", owner=owner) for n in "12" for owner in owners)
        registry = await self.registry_with(*images)
        for owner in owners:
            await registry.reserve(f"{owner} 1", room(100), Status.QUEUED, SAVING)
        for owner in owners:
            refused = registry.reserve(f"{owner} 2", room(1), Status.QUEUED, SAVING)
            await self.assert_raises(QuotaExceeded, refused)

    async def test_a_reservation_ends_with_its_lease(self) -> None:
        """It counts in whatever state, until somebody says that no bytes are left."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="new"))
        await registry.reserve("a", room(30), Status.QUEUED, SAVING)
        await registry.update("a", move(Status.KILLED), {Status.SAVING})
        self.assertEqual(await self.used(registry, "new"), 30)
        await registry.update("a", move(Status.DELETED, lease=OVERDUE), {Status.KILLED})
        self.assertEqual(await self.used(registry, "new"), 30)
        await registry.take_overdue(60, 1)
        self.assertEqual(await self.used(registry, "new"), 30)
        ended = await registry.update("a", Change(lease=None), {Status.DELETED})
        self.assertEqual(ended.reserved, 0)
        self.assertEqual(await self.used(registry, "new"), 0)

    async def test_an_activation_counts_what_is_kept(self) -> None:
        """In one instant the reservation is gone, and the real size counts."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="new"))
        await registry.reserve("a", room(30), Status.QUEUED, SAVING)
        active = move(Status.ACTIVE, lease=None, size=20, locations=TWO_PLACES[:1])
        image = await registry.update("a", active, {Status.SAVING})
        self.assertEqual(image.reserved, 0)
        self.assertEqual(await self.used(registry, "new"), 20)

    async def test_racing_claims(self) -> None:
        """Of many who claim at the same time only so many win as there is room for."""
        names = [f"{owner} {n}" for owner in ("me", None) for n in range(20)]
        registry = await self.registry_with(
            *(Image(image_id=name, owner="me" if "me" in name else None) for name in names)
        )
        claims = (registry.reserve(name, room(30), Status.QUEUED, SAVING) for name in names)
        outcomes = await gatherResults(as_deferred(outcome_of(claim)) for claim in claims)
        for owner in "me", "None":
            mine = [o for name, o in zip(names, outcomes, strict=True) if owner in name]
            refused = [outcome for outcome in mine if isinstance(outcome, QuotaExceeded)]
            self.assertEqual((len(refused), len(mine)), (17, 20))
        images = [await registry.fetch(name) for name in names]
        self.assertEqual(sum(image.reserved for image in images), 2 * 90)
        self.assertEqual(sum(image.status is Status.SAVING for image in images), 2 * 3)

    async def used(self, registry: IRegistry, image_id: str) -> Any:
        """How much the other images of this one's owner take, of a thousand."""
        image = await registry.reserve(image_id, room(0, 1000, quota=1000), Status.QUEUED)
        return 1000 - image.reserved
