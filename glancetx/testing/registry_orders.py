"""The part of the registry contract about the order of a listing, and what is shared."""

from __future__ import annotations

from typing import Any

from glancetx.change import Change, move
from glancetx.image import Image, Status, Visibility
from glancetx.query import SORT_KEYS, Filters, ImageQuery, Order
from glancetx.testing.registry_case import RegistryCase
from glancetx.testing.registry_filters import AGES_AGO


class OrderContract(RegistryCase):
    """A listing is in the order that is asked for, wherever its images come from."""

    async def test_orders(self) -> None:
        """By a key, then by creation, then by id, and the other way round; null is like empty."""
        registry = await self.make_registry()
        images = [
            Image(image_id="d", name="b", size=2, disk_format="raw", status=Status.ACTIVE),
            Image(image_id="a", name="B", size=10, container_format="ovf"),
            Image(image_id="c", name=None, size=2),
            Image(image_id="e", name="", size=0, status=Status.SAVING),
            Image(image_id="b", name="ä", size=1, disk_format="raw"),
            Image(image_id="g", name=" ", size=2**63 - 1, container_format="bare"),
            Image(image_id="f", name="\U0001f4be", size=1),
        ]
        for image in images:
            await registry.insert(image)
        await registry.update("c", Change(), {Status.QUEUED})
        for key, ids in (
            ("name", "cegadbf"),
            ("size", "ebfdcag"),
            ("image_id", "abcdefg"),
            ("created_at", "dacebgf"),
            ("updated_at", "daebgfc"),
            ("disk_format", "acegfdb"),
            ("container_format", "dcebfga"),
            ("status", "dacbgfe"),
        ):
            for ascending in (True, False):
                order = Order(key, ascending)
                listed = await self.listed_ids(registry, everything=True, order=order)
                self.assertEqual("".join(listed), ids if ascending else ids[::-1], order)

    async def test_pages_in_any_order(self) -> None:
        """Pages join seamlessly, also among images that have the same key, or none."""
        registry = await self.registry_with(
            *(
                Image(
                    image_id=str(n * 7 % 12),
                    name=[None, "", "a", "b"][n % 4],
                    size=n % 2,
                    disk_format=[None, "raw"][n % 2],
                    owner=["me", "you"][n % 3 == 0],
                    visibility=[Visibility.PUBLIC, Visibility.PRIVATE][n % 5 == 0],
                )
                for n in range(12)
            )
        )
        for key in sorted(SORT_KEYS):
            for ascending in (True, False):
                for form in ({"everything": True}, {"owner": "me"}):
                    query: dict[str, Any] = {**form, "order": Order(key, ascending)}
                    whole, paged = await self.listed_ids(registry, **query), []
                    after = None
                    while page := await registry.select(ImageQuery(**query, after=after, limit=3)):
                        paged += [image.image_id for image in page]
                        after = page[-1]
                    self.assertEqual(paged, whole, query)
                    self.assertGreater(len(whole), 6)

    async def test_a_marker_counts_as_it_was_read(self) -> None:
        """A page goes on where the marker stood, wherever it may be now."""
        registry = await self.registry_with(*(Image(image_id=name, name=name) for name in "abcd"))
        order = Order("name", ascending=True)
        marker = await registry.fetch("b")
        await registry.update("b", Change(values={"name": "z"}), {Status.QUEUED})
        listed = await self.listed_ids(registry, everything=True, order=order, after=marker)
        self.assertEqual(listed, ["c", "d", "b"])

    async def test_shared_images(self) -> None:
        """What is shared with somebody is among his images, once, in order, in pages."""
        registry = await self.registry_with(
            *(
                Image(image_id=f"{visibility.value} {n}", owner=owner, visibility=visibility)
                for n, owner in enumerate(["you", "me", "you", None])
                for visibility in Visibility
            )
        )
        not_shared = await self.listed_ids(registry, owner="me")
        for image in await registry.select(ImageQuery(everything=True, limit=50)):
            await registry.share(image.image_id, "me")
        await registry.share("shared 0", "somebody else")
        shared = ["shared 0", "shared 2", "shared 3"]
        expected = sorted([*not_shared, *shared])
        for order in (Order(), Order(ascending=True), Order("updated_at"), Order("image_id")):
            whole = await self.listed_ids(registry, owner="me", order=order)
            self.assertEqual(sorted(whole), expected)
            places = [order.place(await registry.fetch(image_id)) for image_id in whole]
            self.assertEqual(places, sorted(places, reverse=not order.ascending))
            marker = await registry.fetch(whole[2])
            rest = await self.listed_ids(registry, owner="me", order=order, after=marker)
            self.assertEqual(rest, whole[3:])
        private = [name for name in expected if not name.startswith("public")]
        self.assertEqual(sorted(await self.listed_ids(registry, owner="me", public=False)), private)
        public = [name for name in expected if name.startswith("public")]
        self.assertEqual(sorted(await self.listed_ids(registry, owner="me", public=True)), public)
        self.assertEqual(sorted(await self.listed_ids(registry)), public)
        self.assertEqual(len(await self.listed_ids(registry, everything=True, owner="me")), 16)
        filters = Filters(equal={"protected": True})
        await registry.update("shared 2", Change(values={"protected": True}), {Status.QUEUED})
        self.assertEqual(await self.listed_ids(registry, owner="me", filters=filters), ["shared 2"])

    async def test_no_longer_shared(self) -> None:
        """Who is removed sees it no more, nor who was a member of what is deleted."""
        registry = await self.registry_with(
            *(Image(image_id=name, owner="you", status=Status.ACTIVE) for name in "abc")
        )
        for name in "abc":
            await registry.share(name, "me")
        await registry.unshare("a", "me")
        await registry.update("b", move(Status.PENDING_DELETE), {Status.ACTIVE})
        self.assertEqual(await self.listed_ids(registry, owner="me"), ["c"])
        changes = Filters(changes_since=AGES_AGO)
        self.assertEqual(await self.listed_ids(registry, owner="me", filters=changes), ["c"])
        self.assertEqual(
            await self.listed_ids(registry, owner="you", filters=changes), ["c", "b", "a"]
        )
