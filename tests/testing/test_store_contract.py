"""The suite for stores is itself tested: a store broken in one way fails just there."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from unittest import TestResult

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from glancetx.errors import (
    ConsumerGone,
    DataExists,
    NoSuchData,
    RangeOutside,
    StoreUnavailable,
)
from glancetx.interfaces import IByteStream, IReadableStore, IStore
from glancetx.streams import chunks, from_chunks
from glancetx.testing.readable_store_contract import MIB
from glancetx.testing.store_contract import StoreContract


@implementer(IStore)
class SoundStore:
    """Keeps every promise in the plainest way; each broken store changes one thing about it."""

    def __init__(self) -> None:
        self.images: dict[str, list[bytes]] = {}
        self.partial: set[str] = set()

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        self.check_key(key)
        whole = self.images[key]
        size = sum(map(len, whole))
        self.check_offset(offset, size)
        end = size if length is None else min(size, offset + length)
        return self.stream(self.pieces(whole, offset, end), end - offset)

    def check_key(self, key: str) -> None:
        if key not in self.images:
            raise NoSuchData()

    def check_offset(self, offset: int, size: int) -> None:
        if offset > size:
            raise RangeOutside(size)

    def pieces(self, whole: list[bytes], start: int, end: int) -> Iterator[bytes]:
        position = 0
        for piece in whole:
            yield piece[max(start - position, 0) : max(end - position, 0)]
            position += len(piece)

    def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
        async def give():
            for piece in pieces:
                yield piece

        return from_chunks(give(), length)

    async def add(self, image_id: str, data: IByteStream) -> str:
        key = self.key(image_id)
        await self.check_new(key, data)
        self.partial.add(key)
        try:
            pieces = await self.take(data)
            await self.check_new(key, data)
        finally:
            self.partial.discard(key)
        self.images[key] = pieces
        return key

    def key(self, image_id: str) -> str:
        return f"key of {image_id}"

    async def check_new(self, key: str, data: IByteStream) -> None:
        if key in self.images:
            raise DataExists(key)

    async def take(self, data: IByteStream) -> list[bytes]:
        async with aclosing(chunks(data)) as incoming:
            return [chunk async for chunk in incoming]

    async def delete(self, key: str) -> None:
        self.check_key(key)
        del self.images[key]

    async def discard(self, image_id: str) -> None:
        self.images.pop(self.key(image_id), None)


def failures_of(make: Callable[[], SoundStore], forget_errors: Callable[[], object]) -> set[str]:
    """The names of the contract's tests that this store does not pass."""

    class Tests(StoreContract, TestCase):
        timeout = 0.5
        large = 4 * MIB
        # The sound store keeps references to one chunk that is given again and again.
        allocation_bound = 2 * MIB

        store: SoundStore

        def make_store(self) -> IStore:
            self.store = make()
            return IStore(self.store)

        def leftovers(self) -> Iterable[object]:
            return self.store.partial

    result = TestResult()
    for name in dir(Tests):
        if name.startswith("test_"):
            before = len(result.failures) + len(result.errors)
            Tests(name).run(result)
            if len(result.failures) + len(result.errors) > before:
                # What a broken store leaves hanging is logged when it is forgotten: now, and not
                # while the next test is running.
                gc.collect()
                forget_errors()
    if result.testsRun < 25:
        raise AssertionError("the contract has lost its tests")
    return {test._testMethodName for test, _ in [*result.failures, *result.errors]}


@implementer(IByteStream)
class Wrapped:
    """A stream around a stream; tests replace one half of it."""

    def __init__(self, stream: IByteStream) -> None:
        self.stream = stream
        self.length = stream.length

    async def flow_to(self, consumer: IConsumer) -> None:
        await self.stream.flow_to(consumer)


class SuiteTests(SynchronousTestCase):
    """Each rule of the contract is asked, and asked by the tests that say so."""

    def assert_fails(self, make: Callable[[], SoundStore], *names: str) -> None:
        self.assertEqual(self.failures_of(make), {f"test_{name}" for name in names})

    def failures_of(self, make: Callable[[], SoundStore]) -> set[str]:
        return failures_of(make, self.flushLoggedErrors)

    def test_sound(self) -> None:
        """A store that keeps every promise passes."""
        self.assert_fails(SoundStore)

    def test_interface(self) -> None:
        """It has to say what it provides."""

        @implementer(IReadableStore)
        class Broken(SoundStore):
            pass

        class Store(Broken):
            discard = None  # type: ignore[assignment]

        self.assert_fails(Store, "interface", "discard")

    def test_loses_empty_images(self) -> None:
        """An image without bytes is one."""

        class Store(SoundStore):
            def check_key(self, key: str) -> None:
                if not any(self.images.get(key, ())):
                    raise NoSuchData()

        self.assert_fails(Store, "round_trip")

    def test_reorders(self) -> None:
        """Bytes keep their order."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                pieces = await super().take(data)
                return pieces[:-2] + pieces[:-3:-1]

        self.assertIn("test_reads_everything", self.failures_of(Store))

    def test_wrong_length(self) -> None:
        """The length of a stream is that of the range."""

        class Store(SoundStore):
            async def open(
                self, key: str, offset: int = 0, length: int | None = None
            ) -> IByteStream:
                stream = Wrapped(await super().open(key, offset, length))
                stream.length = sum(map(len, self.images[key]))
                return stream

        self.assert_fails(Store, "knows_lengths", "reads_ranges", "large_read")

    def test_unknown_length(self) -> None:
        """A store that keeps an image knows how long it is."""

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                stream = super().stream(pieces, length)
                stream.length = None
                return stream

        self.assert_fails(Store, "knows_lengths")

    def test_ignores_offset(self) -> None:
        """A range begins where it was asked to."""

        class Store(SoundStore):
            async def open(self, key: str, offset: int = 0, length: int | None = None):
                await super().open(key, offset)
                return await super().open(key, 0, length)

        self.assert_fails(Store, "reads_ranges", "knows_lengths", "large_read")

    def test_gives_nothing_beyond_end(self) -> None:
        """A range beyond the end is an error and no empty stream."""

        class Store(SoundStore):
            async def open(self, key: str, offset: int = 0, length: int | None = None):
                whole = await super().open(key)
                return await super().open(key, min(offset, whole.length or 0), length)

        self.assert_fails(Store, "refuses_offset_beyond_end")

    def test_refuses_offset_at_end(self) -> None:
        """A range at the end is empty and no error."""

        class Store(SoundStore):
            def check_offset(self, offset: int, size: int) -> None:
                if offset >= size > 0:
                    raise RangeOutside(size)

        self.assert_fails(Store, "reads_ranges")

    def test_other_errors(self) -> None:
        """Its errors are ours, not those of whatever lies below."""

        class Store(SoundStore):
            def check_key(self, key: str) -> None:
                self.images[key]

        self.assert_fails(Store, "unknown_keys", "delete", "delete_unknown_keys", "discard")

    def test_ignores_pause(self) -> None:
        """A paused consumer gets nothing."""

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                stream = super().stream(pieces, length)
                stream.pauseProducing = lambda: None  # type: ignore[attr-defined]
                return stream

        self.assert_fails(
            Store,
            "paused_consumer",
            "two_readers",
            "delete_under_reader",
            "cancelled_read",
            "paused_consumer_leaves",
        )

    def test_ignores_stop(self) -> None:
        """A consumer that leaves gets no more."""

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                stream = super().stream(pieces, length)
                stream.stopProducing = lambda: None  # type: ignore[attr-defined]
                return stream

        self.assert_fails(Store, "consumer_leaves", "paused_consumer_leaves")

    def test_leaves_quietly(self) -> None:
        """That the consumer left is said by ConsumerGone."""

        class Stream(Wrapped):
            async def flow_to(self, consumer: IConsumer) -> None:
                with contextlib.suppress(ConsumerGone):
                    await super().flow_to(consumer)

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                return Stream(super().stream(pieces, length))

        self.assert_fails(Store, "consumer_leaves", "paused_consumer_leaves")

    def test_never_registers(self) -> None:
        """A stream registers with its consumer."""

        @implementer(IByteStream)
        class Stream:
            length: int | None

            def __init__(self, pieces: Iterator[bytes], length: int) -> None:
                self.length, self._pieces = length, pieces

            async def flow_to(self, consumer: IConsumer) -> None:
                for piece in self._pieces:
                    consumer.write(piece)

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                return Stream(pieces, length)

        self.assertIn("test_reads_everything", self.failures_of(Store))

    def test_one_reader(self) -> None:
        """Readers are not in each other's way."""

        class Store(SoundStore):
            pouring = False

            def pieces(self, whole: list[bytes], start: int, end: int) -> Iterator[bytes]:
                if self.pouring:
                    return
                self.pouring = True
                yield from super().pieces(whole, start, end)
                self.pouring = False

        failed = self.failures_of(Store)
        self.assertIn("test_two_readers", failed)
        self.assertNotIn("test_reads_everything", failed)

    def test_shared_keys(self) -> None:
        """An undashed id is not the dashed one, nor upper case lower case."""

        class Store(SoundStore):
            def key(self, image_id: str) -> str:
                return image_id.replace("-", "").lower()

        self.assert_fails(Store, "shapes_of_ids")

    def test_swallows_source_error(self) -> None:
        """A failing source fails the add."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                pieces = []
                with contextlib.suppress(Exception):
                    async with aclosing(chunks(data)) as incoming:
                        async for chunk in incoming:
                            pieces.append(chunk)
                return pieces

        self.assert_fails(
            Store,
            "source_fails",
            "cancelled_waiting",
            "cancelled_at_once",
        )

    def test_forgets_to_clean_up(self) -> None:
        """What was begun is removed after any failure."""

        class Store(SoundStore):
            async def add(self, image_id: str, data: IByteStream) -> str:
                key = self.key(image_id)
                await self.check_new(key, data)
                self.partial.add(key)
                self.images[key] = await self.take(data)
                self.partial.discard(key)
                return key

        self.assert_fails(
            Store, "source_fails", "cancelled_waiting", "cancelled_at_once", "two_adds_of_one_image"
        )

    def test_forgets_to_clean_up_after_cancel(self) -> None:
        """What was begun is removed after a cancellation too."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                try:
                    return await super().take(data)
                except CancelledError:
                    self.partial = {*self.partial, "forgotten"}
                    raise

        self.assert_fails(Store, "cancelled_waiting", "cancelled_at_once")

    def test_keeps_a_part(self) -> None:
        """After a failure the image is not there, not even a part."""

        class Store(SoundStore):
            async def add(self, image_id: str, data: IByteStream) -> str:
                key = self.key(image_id)
                await self.check_new(key, data)
                pieces = self.images[key] = []
                async with aclosing(chunks(data)) as incoming:
                    async for chunk in incoming:
                        pieces.append(chunk)
                return key

        self.assert_fails(Store, "source_fails", "cancelled_waiting", "cancelled_at_once")

    def test_leaves_source_running(self) -> None:
        """Who is cancelled stops the source."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                done: Deferred[list[bytes]] = Deferred()
                incoming = chunks(data)

                async def collect() -> None:
                    done.callback([chunk async for chunk in incoming])

                flow = Deferred.fromCoroutine(collect())
                flow.addErrback(done.errback)
                pieces: list[bytes] = await done
                return pieces

        self.assert_fails(Store, "cancelled_waiting", "cancelled_at_once")

    def test_ignores_cancel(self) -> None:
        """A cancelled add ends by CancelledError, and keeps nothing."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                with contextlib.suppress(CancelledError):
                    return await super().take(data)
                return []

        self.assert_fails(Store, "cancelled_waiting", "cancelled_at_once")

    def test_overwrites(self) -> None:
        """A second add harms nothing."""

        class Store(SoundStore):
            async def check_new(self, key: str, data: IByteStream) -> None:
                pass

        self.assert_fails(Store, "exists", "two_adds_of_one_image")

    def test_reads_before_it_refuses(self) -> None:
        """A second add does not take the bytes."""

        class Store(SoundStore):
            async def check_new(self, key: str, data: IByteStream) -> None:
                if key in self.images:
                    with contextlib.suppress(Exception):
                        await super().take(data)
                    raise DataExists(key)

        self.assert_fails(Store, "exists")

    def test_checks_only_before(self) -> None:
        """Of two adds at once only one wins."""

        class Store(SoundStore):
            async def add(self, image_id: str, data: IByteStream) -> str:
                key = self.key(image_id)
                await self.check_new(key, data)
                self.images[key] = await self.take(data)
                return key

        self.assert_fails(Store, "two_adds_of_one_image")

    def test_collects_everything(self) -> None:
        """A large image is not gathered in memory, neither coming nor going."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                return [b"".join(await super().take(data))]

        class Giving(SoundStore):
            def pieces(self, whole: list[bytes], start: int, end: int) -> Iterator[bytes]:
                yield b"".join(super().pieces(whole, start, end))

        self.assert_fails(Store, "large_add")
        self.assert_fails(Giving, "large_read")

    def test_mixes_parts(self) -> None:
        """The parts of a large image keep their order, and each of them can be found."""

        class Store(SoundStore):
            async def take(self, data: IByteStream) -> list[bytes]:
                pieces = await super().take(data)
                if sum(map(len, pieces)) > MIB:
                    pieces[0], pieces[2] = pieces[2], pieces[0]
                return pieces

        class Astray(SoundStore):
            def pieces(self, whole: list[bytes], start: int, end: int) -> Iterator[bytes]:
                astray = 1 if start > MIB else 0
                return super().pieces(whole, start - astray, end - astray)

        self.assert_fails(Store, "large_add", "large_read")
        self.assert_fails(Astray, "large_read")

    def test_fails_when_cancelled(self) -> None:
        """A read that is cancelled when it has begun is no failure of the store."""

        class Stream(Wrapped):
            async def flow_to(self, consumer: IConsumer) -> None:
                try:
                    await self.stream.flow_to(consumer)
                except CancelledError:
                    if getattr(consumer, "size", 0):
                        raise StoreUnavailable() from None
                    raise

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                return Stream(super().stream(pieces, length))

        self.assert_fails(Store, "cancelled_read")

    def test_deletes_twice(self) -> None:
        """A second deletion is told that there is nothing."""

        class Store(SoundStore):
            async def delete(self, key: str) -> None:
                self.images.pop(key, None)

        self.assert_fails(Store, "delete", "delete_unknown_keys")

    def test_deletes_nothing(self) -> None:
        """What is deleted is gone."""

        class Store(SoundStore):
            async def delete(self, key: str) -> None:
                self.check_key(key)

        self.assert_fails(Store, "delete")

    def test_cuts_reader_short(self) -> None:
        """A deletion never makes a part look whole."""

        class Store(SoundStore):
            def stream(self, pieces: Iterator[bytes], length: int) -> IByteStream:
                # What checks that all has come is told nothing.
                stream = Wrapped(super().stream(pieces, length))
                stream.stream.length = None
                return stream

            async def delete(self, key: str) -> None:
                self.check_key(key)
                self.images.pop(key).clear()

        self.assert_fails(Store, "delete_under_reader")

    def test_discards_nothing(self) -> None:
        """What is discarded is gone."""

        class Store(SoundStore):
            async def discard(self, image_id: str) -> None:
                pass

        self.assert_fails(Store, "discard")

    def test_discards_too_much(self) -> None:
        """Discarding one image leaves the others."""

        class Store(SoundStore):
            async def discard(self, image_id: str) -> None:
                self.images.clear()

        self.assert_fails(Store, "discard")

    def test_discard_misses(self) -> None:
        """Discarding what is not there is a success."""

        class Store(SoundStore):
            async def discard(self, image_id: str) -> None:
                await self.delete(self.key(image_id))

        self.assert_fails(Store, "discard")
