"""The part of the registry contract about how many images an owner may have."""

from __future__ import annotations

from twisted.internet.defer import gatherResults

from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import ImageExists, TooManyImages
from glancetx.image import Image, Status, Visibility
from glancetx.testing.registry_case import RegistryCase, outcome_of


class CountContract(RegistryCase):
    """An owner never has more images than he may, whoever races."""

    async def test_as_many_as_allowed(self) -> None:
        """The last one that fits is made, the next one is not, and with a larger quota it is."""
        registry = await self.make_registry()
        for name in "ab":
            await registry.insert(Image(image_id=name, owner="me"), quota=2)
        refused = registry.insert(Image(image_id="c", owner="me"), quota=2)
        error = await self.assert_raises(TooManyImages, refused)
        self.assertEqual(error.maximum, 2)
        self.assertIn("Attempted: 3, Maximum: 2", str(error))
        self.assertEqual(sorted(await self.listed_ids(registry, everything=True)), ["a", "b"])
        await registry.insert(Image(image_id="c", owner="me"), quota=3)
        await registry.insert(Image(image_id="d", owner="me"))

    async def test_with_a_lease(self) -> None:
        """Whoever may have the image answers for it from its first instant on."""
        registry = await self.make_registry()
        await registry.insert(Image(image_id="a"), -1.0, quota=1)
        self.assertEqual([each.image_id for each in await registry.take_overdue(60, 9)], ["a"])

    async def test_an_id_that_is_taken(self) -> None:
        """It is told as such, also when there is room for no image."""
        registry = await self.registry_with(Image(image_id="a", owner="me"))
        for quota in 1, 2:
            taken = registry.insert(Image(image_id="a", owner="me"), quota=quota)
            await self.assert_raises(ImageExists, taken)

    async def test_what_counts_as_an_image(self) -> None:
        """What is listed counts; what was killed or deleted does not, nor what is being deleted."""
        everything = [
            Image(
                image_id=f"{status.value} {each.value}", owner="me", status=status, visibility=each
            )
            for status in Status
            for each in Visibility
        ]
        registry = await self.registry_with(*everything)
        refused = registry.insert(Image(image_id="new", owner="me"), quota=16)
        await self.assert_raises(TooManyImages, refused)
        await registry.update("queued public", move(Status.KILLED), {Status.QUEUED})
        await registry.insert(Image(image_id="new", owner="me"), quota=16)

    async def test_counts_are_apart(self) -> None:
        """Each owner may have so many, and so may nobody."""
        registry = await self.make_registry()
        for owner in ("me", "you", "", None):
            await registry.insert(Image(image_id=f"{owner} 1", owner=owner), quota=1)
            refused = registry.insert(Image(image_id=f"{owner} 2", owner=owner), quota=1)
            await self.assert_raises(TooManyImages, refused)

    async def test_racing_creations(self) -> None:
        """Of many who create at the same time only so many win as there is room for."""
        names = [f"{owner} {n}" for owner in ("me", None) for n in range(12)]
        registry = await self.make_registry()
        images = [Image(image_id=n, owner="me" if "me" in n else None) for n in names]
        creations = (registry.insert(image, quota=4) for image in images)
        outcomes = await gatherResults(as_deferred(outcome_of(each)) for each in creations)
        for owner in "me", None:
            made = [each for each in outcomes if isinstance(each, Image) and each.owner == owner]
            self.assertEqual(len(made), 4)
        refused = [each for each in outcomes if isinstance(each, TooManyImages)]
        self.assertEqual(len(refused), 16)
