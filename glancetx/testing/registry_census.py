"""The part of the registry contract about how many images there are."""

from __future__ import annotations

from glancetx.census import Tally
from glancetx.change import move
from glancetx.image import Image, Status
from glancetx.testing.registry_case import RegistryCase


class CensusContract(RegistryCase):
    """Images are counted by status, with their sizes."""

    async def test_nobody_there(self) -> None:
        """A status that no image is in is not told of."""
        registry = await self.registry_with()
        self.assertEqual(await registry.census(), [])

    async def test_counts(self) -> None:
        """Every image counts where it stands now, the deleted ones included."""
        registry = await self.registry_with(
            Image(image_id="a", size=5), Image(image_id="b", size=7), Image(image_id="c")
        )
        await registry.update("b", move(Status.DELETED), {Status.QUEUED})
        found = {tally.status: tally for tally in await registry.census()}
        expected = {
            Status.QUEUED: Tally(Status.QUEUED, 2, 5),
            Status.DELETED: Tally(Status.DELETED, 1, 7),
        }
        self.assertEqual(found, expected)

    async def test_large(self) -> None:
        """The sum may be larger than any size."""
        size = 2**62
        images = [Image(image_id=name, size=size) for name in "ab"]
        registry = await self.registry_with(*images)
        [tally] = await registry.census()
        self.assertEqual((tally.images, tally.size), (2, 2 * size))
