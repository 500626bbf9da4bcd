"""What stores promise that can tell what they hold; a part of the suite for all stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import NoSuchData
from glancetx.holding import Holding
from glancetx.interfaces import IListedStore, IStore
from glancetx.testing.readable_store_contract import BYTES, UNEVEN, ReadableStoreContract
from glancetx.testing.streams import HANG, ScriptedStream

if TYPE_CHECKING:
    _Base = ReadableStoreContract
else:
    _Base = object

#: How often a listing is asked for that may come late.
TRIES = 100

#: By so much the clocks of a store and of a test may differ.
SKEW = timedelta(hours=1)

Found = Callable[[list[Holding]], bool]


class ListingContract(_Base):
    """
    See `glancetx.interfaces.IListedStore`.

    Stores that do not provide it have nothing to prove here.
    """

    def started_store(self) -> Awaitable[IStore]:
        """A store from the author, running until the test is over."""
        raise NotImplementedError()

    def until_taken(self, store: IStore, source: ScriptedStream) -> Awaitable[None]:
        """Wait until the source has given all its chunks."""
        raise NotImplementedError()

    async def listed_store(self) -> IListedStore | None:
        """A store, if it is one that can be listed."""
        store = await self.started_store()
        return IListedStore(store) if IListedStore.providedBy(store) else None

    async def listing_of(
        self, store: IListedStore, enough: Found = lambda holdings: True
    ) -> list[Holding]:
        """All that it tells of; a listing that comes late is waited for until it is enough."""
        found: list[Holding] = []
        for _ in range(TRIES):
            found = [each async for each in store.listing()]
            if enough(found):
                break
        return found

    async def test_listing_interface(self) -> None:
        """It provides all of IListedStore, or nothing of it."""
        if (store := await self.listed_store()) is not None:
            verifyObject(IListedStore, store)

    async def test_listing_is_empty(self) -> None:
        """A new store holds nothing."""
        if (store := await self.listed_store()) is not None:
            self.assertEqual(await self.listing_of(store), [])

    async def test_listing_of_images(self) -> None:
        """Each image is told once, with its id, its key, its size and its time."""
        if (store := await self.listed_store()) is None:
            return
        sizes = {new_id(): size for size in (0, 1, len(BYTES))}
        keys = {
            image_id: await store.add(image_id, ScriptedStream([BYTES[:size]]))
            for image_id, size in sizes.items()
        }
        found = await self.listing_of(store, lambda holdings: len(holdings) == len(sizes))
        self.assertEqual(len(found), len(sizes), "not each image is told once")
        self.assertEqual({each.image_id: each.size for each in found}, sizes)
        self.assertEqual({each.image_id: each.key for each in found}, keys)
        for holding in found:
            self.assertTrue(holding.is_finished)
            self.assertLess(abs(holding.changed_at - datetime.now(UTC)), SKEW)

    async def test_listing_may_be_left(self) -> None:
        """Whoever has seen enough may go."""
        if (store := await self.listed_store()) is None:
            return
        for _ in range(3):
            await store.add(new_id(), ScriptedStream([b"data"]))
        async with aclosing(store.listing()) as listing:
            async for _ in listing:
                break

    async def test_look_up(self) -> None:
        """One image is told of by its key, as long as it is there."""
        if (store := await self.listed_store()) is None:
            return
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        found = await store.look_up(key)
        if found is None:
            self.fail("the image is not found")
        self.assertEqual((found.key, found.image_id, found.size), (key, image_id, len(BYTES)))
        self.assertTrue(found.is_finished)
        await store.delete(key)
        self.assertIsNone(await store.look_up(key))
        for unknown in self.unknown_keys:
            self.assertIsNone(await store.look_up(unknown))

    async def test_listing_of_unfinished(self) -> None:
        """What is coming in is told as unfinished or not at all, and once it is there as that."""
        if (store := await self.listed_store()) is None:
            return
        image_id, source = new_id(), ScriptedStream(UNEVEN, then=HANG)
        adding = as_deferred(store.add(image_id, source))
        await self.until_taken(store, source)
        begun = [each for each in await self.listing_of(store) if each.image_id == image_id]
        self.assertEqual([each for each in begun if each.is_finished], [])
        source.finish()
        key = await adding
        # A segment may be listed already, and the image of which it is not yet.
        found = await self.listing_of(
            store, lambda found: [e.is_finished for e in found if e.image_id == image_id] == [True]
        )
        (whole,) = [each for each in found if each.image_id == image_id]
        self.assertEqual((whole.key, whole.size), (key, len(BYTES)))
        self.assertTrue(whole.is_finished)
        for holding in begun:
            await self.assert_raises(NoSuchData, store.drop_unfinished(holding.key))
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_drop_unfinished_drops_nothing_else(self) -> None:
        """Neither what is finished nor what was never there is dropped as unfinished."""
        if (store := await self.listed_store()) is None:
            return
        key = await store.add(new_id(), ScriptedStream(UNEVEN))
        for wrong in (key, f"{key}/", f"{key}/x", *self.unknown_keys):
            await self.assert_raises(NoSuchData, store.drop_unfinished(wrong))
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_free_space(self) -> None:
        """It tells how many bytes there is room for, or that nobody knows."""
        if (store := await self.listed_store()) is not None:
            free = await store.free_space()
            self.assertTrue(free is None or free >= 0)


def new_id() -> str:
    """An id that no image has had."""
    return str(uuid4())
