"""
What every store that gives bytes promises, as tests that any store can join.

A store that also takes bytes joins `glancetx.testing.store_contract.StoreContract`.
"""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import CancelledError
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, NoSuchData, RangeOutside
from glancetx.interfaces import IReadableStore
from glancetx.testing.streams import RecordingConsumer

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

MIB = 1 << 20

#: An image whose chunks are empty, tiny, and of no round size.
UNEVEN = (b"a", b"", b"bc" * 500, b"d" * 70_001, b"e" * 3, b"f" * 300_000)
BYTES = b"".join(UNEVEN)

#: What each MiB of a large image consists of, after its number.
FILLER = (b"0123456789abcdef" * 65_536)[16:]


async def peak_of(work: Callable[[], Awaitable[T]]) -> tuple[T, int]:
    """What the work returns, and how many bytes more than before it had allocated at once."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = await work()
        return result, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


class ReadableStoreContract(TestCase):
    """
    What every store that gives bytes promises; see `glancetx.interfaces.IReadableStore`.

    A store on another server is asked over the network, and may set these values as it needs them.
    """

    #: Keys under which nothing is; a store whose keys are URLs says others.
    unknown_keys: Sequence[str] = (
        "",
        "nothing",
        "/etc/passwd",
        "../../../../etc/passwd",
        "aa/bb/../../../../etc/passwd",
        "nul\0character",
        "long" * 2000,
    )
    #: Bytes that may be allocated at once while an image of ``large`` bytes passes: for a store
    #: that holds a part of each upload in memory, three of its parts, and rather small parts.
    allocation_bound = 24 * MIB
    large = 64 * MIB
    #: Seconds for each test; a slow server wants more.
    timeout = 60.0

    def store_holding(self, chunks: Iterable[bytes]) -> Awaitable[tuple[IReadableStore, str]]:
        """The author supplies this: a store with the bytes in it, and their key."""
        raise NotImplementedError()

    async def read(self, store: IReadableStore, key: str, *range_: int) -> bytes:
        """What the store gives, checked against the length that its stream tells."""
        stream = await store.open(key, *range_)
        consumer = RecordingConsumer()
        await stream.flow_to(consumer)
        self.assertFalse(consumer.is_registered, "the flow ended without unregistering")
        self.assertEqual(consumer.registrations, 1, "the stream never registered as a producer")
        self.assertIn(stream.length, (None, consumer.size), "the stream's length is not true")
        return consumer.data

    async def assert_raises(self, expected: type[E], awaitable: Awaitable[object]) -> E:
        """That this ends by just this kind of error, and return it."""
        try:
            result = await awaitable
        except BaseException as error:
            if isinstance(error, expected):
                return error
            raise
        self.fail(f"{expected.__name__} was not raised, but {result!r} returned")

    async def test_readable_interface(self) -> None:
        """It provides IReadableStore."""
        store, _ = await self.store_holding(UNEVEN)
        verifyObject(IReadableStore, store)

    async def test_reads_everything(self) -> None:
        """All bytes come, in order."""
        self.assertEqual(await self.read(*await self.store_holding(UNEVEN)), BYTES)

    async def test_reads_ranges(self) -> None:
        """An offset and a length give just those bytes; a length past the end is clipped."""
        store, key = await self.store_holding(UNEVEN)
        end = len(BYTES)
        for offset, length in [
            (0, 1),
            (0, 0),
            (1, 70_000),
            (70_500, 300_000),
            (end - 1, 1),
            (0, end),
            (0, end + 1),
            (end - 5, 1000),
            (end, 7),
            (end, 0),
        ]:
            data = await self.read(store, key, offset, length)
            self.assertEqual(data, BYTES[offset : offset + length], f"{offset=} {length=}")
        for offset in (0, 1, 300_000, end - 1, end):
            self.assertEqual(await self.read(store, key, offset), BYTES[offset:], f"{offset=}")

    async def test_refuses_offset_beyond_end(self) -> None:
        """An offset beyond the end is refused by open, before any byte."""
        store, key = await self.store_holding(UNEVEN)
        await self.assert_raises(RangeOutside, store.open(key, len(BYTES) + 1))
        await self.assert_raises(RangeOutside, store.open(key, len(BYTES) + 1000, 1))

    async def test_unknown_keys(self) -> None:
        """Under a key that the store never gave there is nothing, however odd it looks."""
        store, _ = await self.store_holding(UNEVEN)
        for key in self.unknown_keys:
            await self.assert_raises(NoSuchData, store.open(key))

    async def test_two_readers(self) -> None:
        """Two readers at once, at different paces, both get everything."""
        store, key = await self.store_holding(UNEVEN)
        first, second = RecordingConsumer(pause_after=1), RecordingConsumer()
        slow = as_deferred((await store.open(key)).flow_to(first))
        await (await store.open(key)).flow_to(second)
        first.resume()
        await slow
        self.assertEqual(first.md5, second.md5)
        self.assertEqual(first.data, BYTES)

    async def test_paused_consumer(self) -> None:
        """A consumer that has paused gets no more bytes, and everything once it resumes."""
        store, key = await self.store_holding([b"x" * 65_536] * 64)
        consumer = RecordingConsumer(pause_after=1)
        flow = as_deferred((await store.open(key)).flow_to(consumer))
        paused = RecordingConsumer(pause_after=0)
        waiting = as_deferred((await store.open(key)).flow_to(paused))
        # Meanwhile another reader gets it all: time enough for those two to misbehave.
        await (await store.open(key)).flow_to(RecordingConsumer())
        self.assertEqual(paused.size, 0)
        for one in (consumer, paused):
            one.resume()
        await flow
        await waiting
        self.assertEqual([consumer.size, paused.size], [64 * 65_536] * 2)

    async def test_consumer_leaves(self) -> None:
        """A consumer that stops the stream gets no more, and the flow ends by ConsumerGone."""
        store, key = await self.store_holding(UNEVEN)
        for stop_after in (0, 1):
            consumer = RecordingConsumer(stop_after=stop_after)
            await self.assert_raises(ConsumerGone, (await store.open(key)).flow_to(consumer))
            self.assertFalse(consumer.is_registered)
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_paused_consumer_leaves(self) -> None:
        """A consumer may also leave while it is paused."""
        store, key = await self.store_holding(UNEVEN)
        consumer = RecordingConsumer(pause_after=0)
        flow = as_deferred((await store.open(key)).flow_to(consumer))
        consumer.stop()
        await self.assert_raises(ConsumerGone, flow)

    async def test_cancelled_read(self) -> None:
        """A flow that is cancelled ends by CancelledError; the store reads on for others."""
        store, key = await self.store_holding(UNEVEN)
        for pause_after in (0, 1):
            consumer = RecordingConsumer(pause_after=pause_after)
            flow = as_deferred((await store.open(key)).flow_to(consumer))
            if pause_after:
                await self.read(store, key)  # time enough for the first bytes
            flow.cancel()
            await self.assert_raises(CancelledError, flow)
            self.assertFalse(consumer.is_registered)
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_never_poured(self) -> None:
        """A stream may be forgotten without being poured."""
        store, key = await self.store_holding(UNEVEN)
        await store.open(key)
        self.assertEqual(await self.read(store, key), BYTES)

    async def test_large_read(self) -> None:
        """Reading a large image allocates a small amount of memory; any part of it is right."""
        store, key = await self.store_holding(self.large_image())
        consumer = RecordingConsumer(keep=False)
        stream = await store.open(key)
        _, peak = await peak_of(lambda: stream.flow_to(consumer))
        self.assertEqual(consumer.md5, self.md5_of_large_image())
        self.assertLess(peak, self.allocation_bound, "too much was held in memory")
        # Most stores that keep an image in parts begin one at some of these MiB.
        for start in {1, 5, 8, 16, 32, self.large // MIB}:
            offset = start * MIB - 7
            if offset < self.large:
                part = await self.read(store, key, offset, 30)
                self.assertEqual(part, self.part_of_large_image(offset, 30), f"{offset=}")

    def large_image(self) -> Iterable[bytes]:
        """Its chunks, no two MiB of which are alike."""
        for number in range(self.large // MIB):
            yield b"%016d" % number
            yield FILLER

    def part_of_large_image(self, offset: int, length: int) -> bytes:
        first, last = offset // MIB, (offset + length) // MIB
        numbers = range(first, min(last + 1, self.large // MIB))
        return b"".join(b"%016d%s" % (each, FILLER) for each in numbers)[offset % MIB :][:length]

    def md5_of_large_image(self) -> str:
        digest = hashlib.md5()
        for chunk in self.large_image():
            digest.update(chunk)
        return digest.hexdigest()
