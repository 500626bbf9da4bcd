"""
What a store promises whose medium several daemons share, as most do but one in memory.

::

    class AtticStoreTests(SharedStoreContract, TestCase):
        def make_store(self) -> IStore:
            self.store = AtticStore(reactor, self.mktemp())
            return self.store

        def another_store(self) -> IStore:
            return AtticStore(reactor, str(self.store.root))

        def leftovers(self) -> Iterable[object]:
            return self.store.root.glob("*.partial")

It has all tests of `glancetx.testing.store_contract.StoreContract`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable

from twisted.internet.defer import Deferred

from glancetx.deferreds import as_deferred
from glancetx.errors import DataExists, GlanceError, NoSuchData
from glancetx.interfaces import IStore
from glancetx.streams import from_chunks
from glancetx.testing.readable_store_contract import BYTES, UNEVEN
from glancetx.testing.store_contract import StoreContract, new_id
from glancetx.testing.streams import ScriptedStream


class SharedStoreContract(StoreContract):
    """What daemons expect of each other's images, and of those of a daemon that died."""

    def another_store(self) -> IStore | Awaitable[IStore]:
        """
        The author supplies this: as `make_store`, but on the medium of the store made last.

        It shares nothing else with that: it is the store of another daemon.
        """
        raise NotImplementedError()

    async def two_stores(self) -> tuple[IStore, IStore]:
        return await self.started_store(), await self.running(self.another_store())

    async def test_another_reads(self) -> None:
        """What one daemon adds another one reads, by the same key."""
        store, another = await self.two_stores()
        key = await store.add(new_id(), ScriptedStream(UNEVEN))
        self.assertEqual(await self.read(another, key), BYTES)
        self.assertEqual(await self.read(another, key, 7, 9), BYTES[7:16])

    async def test_another_refuses(self) -> None:
        """An image that one daemon has added another one does not add again."""
        store, another = await self.two_stores()
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        await self.assert_raises(DataExists, another.add(image_id, ScriptedStream([b"other"])))
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_another_deletes(self) -> None:
        """What one daemon has added another one deletes."""
        store, another = await self.two_stores()
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        await another.delete(key)
        await self.assert_raises(NoSuchData, store.open(key))
        await self.assert_raises(NoSuchData, store.delete(key))
        await self.assert_can_be_added(store, image_id)

    async def test_another_discards(self) -> None:
        """What a daemon has added that died then, another one discards by the image's id."""
        store, another = await self.two_stores()
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        await another.discard(image_id)
        await self.assert_raises(NoSuchData, store.open(key))
        await self.assert_can_be_added(another, image_id)

    async def test_discarded_under_writer(self) -> None:
        """
        When another daemon takes a writer for dead who is not, nobody gets a part of the image.

        The writer keeps all of it or fails by an error of ours; discarded again, it is gone.
        """
        store, another = await self.two_stores()
        image_id, is_halfway, go_on = new_id(), Deferred[None](), Deferred[None]()

        async def slowly() -> AsyncGenerator[bytes, None]:
            for chunk in UNEVEN[:-1]:
                yield chunk
            is_halfway.callback(None)
            await go_on
            yield UNEVEN[-1]

        adding = as_deferred(store.add(image_id, from_chunks(slowly(), len(BYTES))))
        await is_halfway
        # The store may have taken it, and not begun with it yet.
        await store.add(new_id(), ScriptedStream([b"time passes"]))
        await another.discard(image_id)
        go_on.callback(None)
        try:
            key = await adding
        except GlanceError:
            pass
        else:
            self.assertEqual(await self.read(another, key), BYTES)
        await another.discard(image_id)
        await self.assert_nothing_left()
        await self.assert_can_be_added(another, image_id)
