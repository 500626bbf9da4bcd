"""
What every store promises, as tests that any store can join.

::

    class AtticStoreTests(StoreContract, TestCase):
        def make_store(self) -> IStore:
            self.store = AtticStore(reactor, self.mktemp())
            return self.store

        def leftovers(self) -> Iterable[object]:
            return self.store.root.glob("*.partial")

``TestCase`` is `twisted.trial.unittest.TestCase`.
A store that only gives joins `ReadableStoreContract` instead, one whose medium several daemons can
share joins `glancetx.testing.shared_store_contract.SharedStoreContract`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from uuid import uuid4

from twisted.application.service import IService
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort, DataExists, GlanceError, NoSuchData
from glancetx.interfaces import IReadableStore, IStore
from glancetx.testing.readable_store_contract import (
    BYTES,
    UNEVEN,
    ReadableStoreContract,
    peak_of,
)
from glancetx.testing.store_listings import ListingContract, new_id
from glancetx.testing.streams import END, HANG, RecordingConsumer, ScriptedStream

__all__ = ["ReadableStoreContract", "StoreContract", "new_id"]


class StoreContract(ListingContract, ReadableStoreContract):
    """
    What every store that takes bytes promises; see `glancetx.interfaces.IStore`.

    A store that is an IService is started and stopped by the contract.
    After each test `leftovers` must be empty, before the store is stopped.
    What `make_store` gives to ``addCleanup``, such as the removal of a bucket, comes after that.
    One that is an `glancetx.interfaces.IListedStore` shows that it keeps its promises, too.
    """

    def make_store(self) -> IStore | Awaitable[IStore]:
        """The author supplies this: a new, empty store, not started yet."""
        raise NotImplementedError()

    def leftovers(self) -> Iterable[object] | Awaitable[Iterable[object]]:
        """The author supplies this: what lies in the medium besides finished images."""
        raise NotImplementedError()

    async def started_store(self) -> IStore:
        """A store from the author, running until the test is over."""
        store = await self.running(self.make_store())
        self.addCleanup(self.assert_nothing_left)
        return store

    async def running(self, made: IStore | Awaitable[IStore]) -> IStore:
        """What the author has made, running until the test is over."""
        store = made if IStore.providedBy(made) else await made
        if IService.providedBy(store):
            service = IService(store)
            await _settled(service.startService())
            self.addCleanup(service.stopService)
        return store

    async def assert_nothing_left(self) -> None:
        found = self.leftovers()
        left = list(await found if isinstance(found, Awaitable) else found)
        self.assertEqual(left, [], "something was left behind in the medium")

    async def store_holding(self, chunks: Iterable[bytes]) -> tuple[IReadableStore, str]:
        store = await self.started_store()
        return store, await store.add(new_id(), ScriptedStream(chunks))

    async def until_taken(self, store: IStore, source: ScriptedStream) -> None:
        """Wait until the source has given all its chunks, by adding other images meanwhile."""
        size = sum(map(len, source.chunks))
        while not source.was_poured or source.written < size:
            await store.add(new_id(), ScriptedStream([b"time passes"]))

    async def assert_can_be_added(self, store: IStore, image_id: str) -> None:
        """That nothing of this image is in the store, so that it can be added now."""
        key = await store.add(image_id, ScriptedStream([b"second ", b"try"]))
        self.assertEqual(await self.read(store, key), b"second try")

    async def test_interface(self) -> None:
        """It provides IStore."""
        verifyObject(IStore, await self.started_store())

    async def test_round_trip(self) -> None:
        """What is added can be read, whatever its chunks, and whether its length is known."""
        store = await self.started_store()
        for script in ((), [b""], [b"1"], [b"", b"1", b""], UNEVEN, [b"z"] * 300):
            whole = b"".join(script)
            for length in (None, len(whole)):
                key = await store.add(new_id(), ScriptedStream(script, length=length))
                self.assertEqual(await self.read(store, key), whole)

    async def test_knows_lengths(self) -> None:
        """The stream of an image that the store keeps tells how many bytes will come."""
        store, key = await self.store_holding(UNEVEN)
        self.assertEqual((await store.open(key)).length, len(BYTES))
        self.assertEqual((await store.open(key, 10)).length, len(BYTES) - 10)
        self.assertEqual((await store.open(key, 10, 20)).length, 20)
        self.assertEqual((await store.open(key, len(BYTES) - 3, 20)).length, 3)

    async def test_shapes_of_ids(self) -> None:
        """Ids are UUIDs in any case, with dashes or without; each image has its own key."""
        store = await self.started_store()
        one = uuid4()
        ids = [str(one), one.hex, str(one).upper(), one.hex.upper()]
        keys = [await store.add(each, ScriptedStream([each.encode()])) for each in ids]
        self.assertEqual(len(set(keys)), len(ids), "two images share a key")
        for image_id, key in zip(ids, keys, strict=True):
            self.assertIsInstance(key, str)
            self.assertEqual(await self.read(store, key), image_id.encode())

    async def test_source_fails(self) -> None:
        """What breaks the source comes out of add, and nothing is left."""
        store = await self.started_store()
        for script in ((), UNEVEN[:3], UNEVEN):
            image_id, error = new_id(), BodyCutShort()
            source = ScriptedStream(script, then=error)
            raised = await self.assert_raises(BodyCutShort, store.add(image_id, source))
            self.assertIs(raised, error)
            await self.assert_nothing_left()
            await self.assert_can_be_added(store, image_id)

    async def test_cancelled_waiting(self) -> None:
        """An add that is cancelled while its source hangs stops it and leaves nothing."""
        store = await self.started_store()
        for script in ((), UNEVEN[:3], UNEVEN):
            image_id, source = new_id(), ScriptedStream(script, then=HANG)
            adding = as_deferred(store.add(image_id, source))
            await self.until_taken(store, source)
            adding.cancel()
            await self.assert_raises(CancelledError, adding)
            self.assertEqual(source.has_ended, source.was_poured, "the source was not stopped")
            await self.assert_nothing_left()
            await self.assert_can_be_added(store, image_id)

    async def test_cancelled_at_once(self) -> None:
        """An add may be cancelled before it has begun."""
        store = await self.started_store()
        image_id, source = new_id(), ScriptedStream(UNEVEN, then=HANG)
        adding = as_deferred(store.add(image_id, source))
        adding.cancel()
        await self.assert_raises(CancelledError, adding)
        self.assertEqual(source.has_ended, source.was_poured, "the source was not stopped")
        await self.assert_nothing_left()
        await self.assert_can_be_added(store, image_id)

    async def test_cancelled_after_last_byte(self) -> None:
        """An add that is cancelled after its last byte has kept all, or leaves nothing."""
        store = await self.started_store()
        image_id, source = new_id(), ScriptedStream(UNEVEN, then=HANG)
        adding = as_deferred(store.add(image_id, source))
        await self.until_taken(store, source)
        source.finish()
        adding.cancel()
        try:
            key = await adding
        except CancelledError:
            await self.assert_nothing_left()
            await self.assert_can_be_added(store, image_id)
        else:
            self.assertEqual(await self.read(store, key), BYTES)

    async def test_exists(self) -> None:
        """A second add of an image is refused, and neither reads nor harms anything."""
        store = await self.started_store()
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        source = ScriptedStream([b"x" * 65_536] * 256)
        await self.assert_raises(DataExists, store.add(image_id, source))
        self.assertLess(source.written, 256 * 65_536, "the refused bytes were all read")
        self.assertEqual(source.has_ended, source.was_poured, "the source was not stopped")
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_two_adds_of_one_image(self) -> None:
        """Of two adds of the same image at once one wins, with all its bytes."""
        store = await self.started_store()
        image_id = new_id()
        sources = [ScriptedStream([each * 50_000] * 4, then=HANG) for each in (b"a", b"b")]
        adds = [as_deferred(store.add(image_id, source)) for source in sources]
        await self.until_taken(store, sources[0])
        for source in sources:
            # The second one may have been refused already, or not begun yet.
            source.then = END
            if source.written == 4 * 50_000:
                source.finish()
        results = await DeferredList(adds, consumeErrors=True)
        self.assertEqual(sorted(good for good, _ in results), [False, True], "not just one won")
        for source, (good, result) in zip(sources, results, strict=True):
            if good:
                self.assertEqual(await self.read(store, result), b"".join(source.chunks))
            else:
                self.assertIsInstance(result.value, DataExists)  # type: ignore[attr-defined]

    async def test_two_adds_of_two_images(self) -> None:
        """Two images may come in at once, neither in the way of the other."""
        store = await self.started_store()
        source = ScriptedStream(UNEVEN, then=HANG)
        adding = as_deferred(store.add(new_id(), source))
        second = await store.add(new_id(), ScriptedStream([b"second"]))
        await self.until_taken(store, source)
        source.finish()
        self.assertEqual(await self.read(store, await adding), BYTES)
        self.assertEqual(await self.read(store, second), b"second")

    async def test_delete(self) -> None:
        """What was deleted is not there, and cannot be deleted again."""
        store = await self.started_store()
        key = await store.add(new_id(), ScriptedStream(UNEVEN))
        other = await store.add(new_id(), ScriptedStream(UNEVEN))
        await store.delete(key)
        await self.assert_raises(NoSuchData, store.open(key))
        await self.assert_raises(NoSuchData, store.delete(key))
        self.assertEqual(await self.read(store, other), BYTES)

    async def test_delete_unknown_keys(self) -> None:
        """A key that the store never gave cannot be deleted."""
        store = await self.started_store()
        for key in self.unknown_keys:
            await self.assert_raises(NoSuchData, store.delete(key))

    async def test_delete_under_reader(self) -> None:
        """A reader under whom the image is deleted gets all of it, or an error: never a part."""
        store = await self.started_store()
        key = await store.add(new_id(), ScriptedStream([b"x" * 65_536] * 64))
        consumer = RecordingConsumer(pause_after=1)
        flow = as_deferred((await store.open(key)).flow_to(consumer))
        await store.delete(key)
        consumer.resume()
        try:
            await flow
        except GlanceError:
            return
        self.assertEqual(consumer.size, 64 * 65_536, "a part was given as if it were whole")

    async def test_discard(self) -> None:
        """A discarded image is gone; discarding what is not there is a success."""
        store = await self.started_store()
        image_id = new_id()
        key = await store.add(image_id, ScriptedStream(UNEVEN))
        other = await store.add(new_id(), ScriptedStream(UNEVEN))
        await store.discard(new_id())
        self.assertEqual(await self.read(store, key), BYTES)
        await store.discard(image_id)
        await self.assert_raises(NoSuchData, store.open(key))
        await store.discard(image_id)
        self.assertEqual(await self.read(store, other), BYTES)
        await self.assert_can_be_added(store, image_id)

    async def test_large_add(self) -> None:
        """Adding a large image allocates a small amount of memory."""
        store = await self.started_store()
        key, peak = await peak_of(
            lambda: store.add(new_id(), ScriptedStream(self.large_image(), length=self.large))
        )
        self.assertLess(peak, self.allocation_bound, "too much was held in memory")
        consumer = RecordingConsumer(keep=False)
        await (await store.open(key)).flow_to(consumer)
        self.assertEqual(consumer.md5, self.md5_of_large_image())


async def _settled(result: object) -> None:
    if isinstance(result, Deferred):
        await result
