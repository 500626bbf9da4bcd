"""The part of the registry contract about listings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from glancetx.change import Change, move
from glancetx.image import Image, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.query import ImageQuery
from glancetx.testing.registry_case import RegistryCase


class ListingContract(RegistryCase):
    """Pages show everything that they should, once, in order."""

    async def test_an_empty_registry(self) -> None:
        """There is nothing to list."""
        registry = await self.make_registry()
        self.assertEqual(await registry.select(ImageQuery(everything=True, limit=10)), [])

    async def test_newest_first(self) -> None:
        """Listings begin with the newest, as whole records, and end at the limit."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "bdac"))
        for limit, names in (4, "cadb"), (9, "cadb"), (2, "ca"), (0, ""):
            images = await registry.select(ImageQuery(everything=True, limit=limit))
            self.assertEqual("".join(image.image_id for image in images), names)
            for image in images:
                self.assertEqual(image, await registry.fetch(image.image_id))

    async def test_who_sees_what(self) -> None:
        """Listings show public images and one's own, or all, and of these the public or others."""
        registry = await self.registry_with(
            *(
                Image(image_id=f"{owner} {visibility.value}", owner=owner, visibility=visibility)
                for owner in ("me", "you", None)
                for visibility in Visibility
            )
        )
        public = {"me public", "you public", "None public"}
        mine = {f"me {visibility.value}" for visibility in Visibility}
        everything = {image.image_id for image in await self._listed(registry, everything=True)}
        self.assertEqual(len(everything), 12)
        for expected, query in (
            (public, {}),
            (public, {"public": True}),
            (set(), {"public": False}),
            (public | mine, {"owner": "me"}),
            (public, {"owner": "me", "public": True}),
            (mine - public, {"owner": "me", "public": False}),
            (public, {"owner": "somebody"}),
            (everything, {"everything": True, "owner": "me"}),
            (public, {"everything": True, "public": True}),
            (everything - public, {"everything": True, "public": False}),
        ):
            images = await self._listed(registry, **query)
            self.assertEqual({image.image_id for image in images}, expected, query)
            self.assertEqual(len(images), len(expected), query)
            order = [(image.created_at, image.image_id) for image in images]
            self.assertEqual(order, sorted(order, reverse=True), query)
            paged = await self._paged(registry, **query)
            self.assertEqual(paged, [image.image_id for image in images], query)

    async def test_dead_images_are_not_listed(self) -> None:
        """Killed and deleted images are in no listing; those in any other state are."""
        registry = await self.registry_with(
            *(
                Image(image_id=status.value, status=status, owner="me", visibility=visibility)
                for status, visibility in zip(Status, [*Visibility, *Visibility], strict=False)
            )
        )
        for query in {"everything": True}, {"owner": "me"}:
            images = await self._listed(registry, **query)
            self.assertEqual(
                {image.status for image in images},
                {Status.QUEUED, Status.SAVING, Status.ACTIVE, Status.DEACTIVATED},
            )

    async def test_a_marker_need_not_be_listed(self) -> None:
        """A page can begin after an image that is not in the listing itself."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "abc"))
        killed = await registry.update("b", move(Status.KILLED), {Status.QUEUED})
        images = await self._listed(registry, everything=True, after=killed)
        self.assertEqual([image.image_id for image in images], ["a"])

    async def test_paging_while_others_insert(self) -> None:
        """Pages show each old image exactly once, whatever is inserted or changed meanwhile."""
        registry = await self.registry_with(*(Image(image_id=str(uuid4())) for _ in range(20)))
        old = [image.image_id for image in await self._listed(registry, everything=True)]

        async def disturb() -> None:
            await registry.insert(Image(image_id=str(uuid4())))
            await registry.update(old[-1], Change(), {Status.QUEUED})

        self.assertEqual(await self._paged(registry, disturb, everything=True), old)

    async def _listed(self, registry: IRegistry, **query: Any) -> list[Image]:
        return await registry.select(ImageQuery(**query, limit=100))

    async def _paged(
        self,
        registry: IRegistry,
        between: Callable[[], Awaitable[None]] | None = None,
        **query: Any,
    ) -> list[str]:
        """The ids of a listing in pages of three."""
        image_ids: list[str] = []
        after = None
        while page := await registry.select(ImageQuery(**query, after=after, limit=3)):
            image_ids += [image.image_id for image in page]
            after = page[-1]
            if between is not None:
                await between()
        return image_ids
