"""The part of the registry contract about single records."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from glancetx.change import Change, move
from glancetx.errors import BadMetadata, ImageExists, NoSuchImage
from glancetx.image import Image, Status
from glancetx.testing.registry_case import FULL, RegistryCase, stamped


class RecordContract(RegistryCase):
    """Records are kept as they were given, and ids are never used again."""

    async def test_gives_back_what_it_was_given(self) -> None:
        """Every attribute survives, whatever characters it has."""
        registry = await self.make_registry()
        inserted = await registry.insert(FULL)
        self.assertEqual(inserted, stamped(FULL, inserted))
        self.assertEqual(await registry.fetch(FULL.image_id), inserted)

    async def test_gives_back_the_smallest_image(self) -> None:
        """Absent values stay absent."""
        registry = await self.make_registry()
        inserted = await registry.insert(Image(image_id="a"))
        self.assertEqual(inserted, stamped(Image(image_id="a"), inserted))
        self.assertEqual(await registry.fetch("a"), inserted)

    async def test_stamps_a_new_record(self) -> None:
        """A new record has aware times, both the same, whatever the caller had put there."""
        registry = await self.registry_with(FULL)
        image = await registry.insert(evolve(await registry.fetch(FULL.image_id), image_id="b"))
        self.assertEqual(image.created_at, image.updated_at)
        self.assertEqual(image.created_at.utcoffset(), timedelta(0))
        self.assertGreater(image.created_at, (await registry.fetch(FULL.image_id)).created_at)
        self.assertIsNone(image.deleted_at)

    async def test_an_id_is_taken_once(self) -> None:
        """The second image of an id is refused, and the first one unharmed."""
        registry = await self.registry_with(Image(image_id="a", name="first"))
        error = await self.assert_raises(
            ImageExists, registry.insert(Image(image_id="a", name="second"))
        )
        self.assertEqual(error.image_id, "a")
        self.assertEqual((await registry.fetch("a")).name, "first")

    async def test_an_id_is_taken_by_a_deleted_image(self) -> None:
        """Ids are never used again."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", move(Status.DELETED), {Status.QUEUED})
        await self.assert_raises(ImageExists, registry.insert(Image(image_id="a")))

    async def test_ids_are_exact(self) -> None:
        """Ids that differ in case, or by a blank, are different ids."""
        registry = await self.registry_with(Image(image_id="ab"), Image(image_id="AB"))
        self.assertEqual((await registry.fetch("AB")).image_id, "AB")
        await self.assert_raises(NoSuchImage, registry.fetch("ab "))

    async def test_unknown_ids(self) -> None:
        """Every method that takes an id tells when it was never used, also when none could be."""
        registry = await self.registry_with(Image(image_id="a"))
        for image_id in ("b", "", "a\0", "\udc80", "%s"):
            for work in (
                registry.fetch(image_id),
                registry.update(image_id, Change(), {Status.QUEUED}),
                registry.renew(image_id, Status.QUEUED, 1),
            ):
                error = await self.assert_raises(NoSuchImage, work)
                self.assertEqual(error.image_id, image_id)

    async def test_refuses_what_it_cannot_hold(self) -> None:
        """Numbers beyond the columns, NUL, and half characters are the client's mistake."""
        registry = await self.registry_with(Image(image_id="a"))
        for values in (
            {"size": 2**63},
            {"size": -1},
            {"virtual_size": 2**63},
            {"min_disk": 2**31},
            {"min_ram": 2**31},
            {"name": "a\0b"},
            {"name": "\udc80"},
            {"owner": "o" * 256},
        ):
            await self.assert_raises(BadMetadata, registry.insert(Image(image_id="b", **values)))
            await self.assert_raises(
                BadMetadata, registry.update("a", Change(values=values), {Status.QUEUED})
            )
        for properties in ({"a": "\0"}, {"\0": None}, {"a": "\ud83d"}):
            await self.assert_raises(
                BadMetadata, registry.insert(Image(image_id="b", properties=properties))
            )
            await self.assert_raises(
                BadMetadata, registry.update("a", Change(properties=properties), {Status.QUEUED})
            )
        await self.assert_raises(NoSuchImage, registry.fetch("b"))
