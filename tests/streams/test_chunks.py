"""Streams as async iterators and back, at either end's pace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort, ConsumerGone, StreamError
from glancetx.interfaces import IByteStream
from glancetx.streams import chunks, from_chunks, nothing
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.unhurried import given


class Reader:
    """Reads a stream chunk by chunk, waiting for a gate after each."""

    def __init__(
        self, stream: IByteStream, stop_after: int | None = None, ahead: bool = True
    ) -> None:
        self.taken: list[bytes] = []
        self.gate: Deferred[None] = Deferred()
        self.stop_after = stop_after
        self.done = ensureDeferred(self.read(stream, ahead))

    async def read(self, stream: IByteStream, ahead: bool) -> None:
        async with aclosing(chunks(stream, ahead=ahead)) as incoming:
            async for chunk in incoming:
                self.taken.append(chunk)
                if len(self.taken) == self.stop_after:
                    return
                self.gate = Deferred()
                await self.gate

    def step(self) -> None:
        self.gate.callback(None)


async def collected(stream: IByteStream) -> list[bytes]:
    async with aclosing(chunks(stream)) as incoming:
        return [chunk async for chunk in incoming]


class ChunksTests(SynchronousTestCase):
    """A stream as an async iterator."""

    def test_everything(self) -> None:
        """All chunks come, in order; an empty stream has none."""
        self.assertEqual(
            self.successResultOf(collected(ScriptedStream([b"a", b"b"]))), [b"a", b"b"]
        )
        self.assertEqual(self.successResultOf(collected(ScriptedStream())), [])

    def test_not_started(self) -> None:
        """Nothing is poured before the first chunk is asked for."""
        source = ScriptedStream([b"a"])
        chunks(source)
        self.assertFalse(source.was_poured)

    def test_one_ahead(self) -> None:
        """While the caller works on a chunk one more is fetched, and then the source pauses."""
        source = ScriptedStream([b"1", b"2", b"3", b"4"])
        reader = Reader(source)
        self.assertEqual((reader.taken, source.written), ([b"1"], 2))
        self.assertTrue(source.is_paused)
        reader.step()
        self.assertEqual((reader.taken, source.written), ([b"1", b"2"], 3))
        for _ in range(3):
            reader.step()
        self.successResultOf(reader.done)
        self.assertEqual(reader.taken, [b"1", b"2", b"3", b"4"])
        self.assertFalse(source.is_paused)

    def test_none_ahead(self) -> None:
        """A caller may want no more in memory than what it works on."""
        source = ScriptedStream([b"1", b"2", b"3"])
        reader = Reader(source, ahead=False)
        self.assertEqual((reader.taken, source.written), ([b"1"], 1))
        self.assertTrue(source.is_paused)
        reader.step()
        self.assertEqual((reader.taken, source.written), ([b"1", b"2"], 2))
        for _ in range(2):
            reader.step()
        self.successResultOf(reader.done)
        self.assertEqual(reader.taken, [b"1", b"2", b"3"])

    def test_none_ahead_of_a_slow_source(self) -> None:
        """Also what comes while the caller waits makes the source pause until it is done with."""
        gate, asked = Deferred[bytes](), []

        async def slowly() -> AsyncGenerator[bytes, None]:
            asked.append(1)
            yield await gate
            asked.append(2)
            yield b"2"

        reader = Reader(from_chunks(slowly()), ahead=False)
        gate.callback(b"1")
        self.assertEqual((reader.taken, asked), ([b"1"], [1]))
        reader.step()
        self.assertEqual((reader.taken, asked), ([b"1", b"2"], [1, 2]))
        reader.step()
        self.successResultOf(reader.done)

    def test_no_pause_for_quick_reader(self) -> None:
        """A source that is slower than the caller is never paused."""
        gates: list[Deferred[bytes]] = [Deferred() for _ in range(3)]

        async def slowly() -> AsyncGenerator[bytes, None]:
            for gate in gates:
                yield await gate

        pauses = []
        stream = from_chunks(slowly())
        stream.pauseProducing = lambda: pauses.append(1)  # type: ignore[attr-defined]
        result = ensureDeferred(collected(stream))
        for gate in gates:
            gate.callback(b"x")
        self.assertEqual(self.successResultOf(result), [b"x"] * 3)
        self.assertEqual(pauses, [])

    def test_source_fails(self) -> None:
        """What breaks the source is raised at once, before chunks that still wait."""
        source = ScriptedStream([b"1", b"2"], then=HANG)
        reader = Reader(source)
        source.finish(BodyCutShort())
        reader.step()
        self.failureResultOf(reader.done, BodyCutShort)
        self.assertEqual(reader.taken, [b"1"])

    def test_source_fails_while_waiting(self) -> None:
        """Also a caller who waits for a chunk is told."""
        source = ScriptedStream(then=HANG)
        reader = Reader(source)
        source.finish(BodyCutShort())
        self.failureResultOf(reader.done, BodyCutShort)

    def test_leaves_early(self) -> None:
        """A caller who leaves stops the source, also inside the source's own write."""
        for script in ([b"1"], [b"1", b"2", b"3"]):
            source = ScriptedStream(script, then=HANG)
            reader = Reader(source, stop_after=1)
            self.successResultOf(reader.done)
            self.assertTrue(source.was_stopped)
            self.assertTrue(source.has_ended)

    def test_leaves_running_coroutine(self) -> None:
        """A source that is a coroutine survives a caller who leaves inside its write."""
        first: Deferred[bytes] = Deferred()
        closed = []

        async def give() -> AsyncGenerator[bytes, None]:
            try:
                yield await first
                yield b"never"
            finally:
                closed.append(True)

        reader = Reader(from_chunks(give()), stop_after=1)
        first.callback(b"1")
        self.successResultOf(reader.done)
        self.assertEqual(closed, [True])

    def test_cancelled_waiting(self) -> None:
        """A caller who is cancelled while he waits for a chunk stops the source."""
        source = ScriptedStream([b"1"], then=HANG)
        reader = Reader(source)
        reader.step()
        reader.done.cancel()
        self.failureResultOf(reader.done, CancelledError)
        self.assertTrue(source.has_ended)

    def test_cancelled_working(self) -> None:
        """So does one who is cancelled while he works on a chunk."""
        source = ScriptedStream([b"1", b"2", b"3"])
        reader = Reader(source)
        reader.done.cancel()
        self.failureResultOf(reader.done, CancelledError)
        self.assertTrue(source.has_ended)

    def test_waits_for_source_to_end(self) -> None:
        """Closing ends when the source has ended, also when it is cancelled twice."""
        cleanup: Deferred[None] = Deferred()

        async def give() -> AsyncGenerator[bytes, None]:
            try:
                yield b"1"
                await Deferred()
            finally:
                await cleanup

        reader = Reader(from_chunks(give()))
        reader.done.cancel()
        reader.done.cancel()
        self.assertNoResult(reader.done)
        cleanup.callback(None)
        self.failureResultOf(reader.done, CancelledError)

    def test_not_registered_yet(self) -> None:
        """A source that has not come to registering is cancelled."""

        class Connecting:
            length = None

            def __init__(self) -> None:
                self.connection: Deferred[None] = Deferred()

            def flow_to(self, consumer: object) -> Deferred[None]:
                return self.connection

        source = Connecting()
        reader = Reader(source)  # type: ignore[arg-type]
        reader.done.cancel()
        self.failureResultOf(reader.done, CancelledError)
        self.assertTrue(source.connection.called)


class FromChunksTests(SynchronousTestCase):
    """An async generator as a stream."""

    def setUp(self) -> None:
        self.given: list[bytes] = []
        self.closed = 0

    async def generator(
        self, script: Iterable[bytes | BaseException], ahead: Deferred[None] | None = None
    ) -> AsyncGenerator[bytes, None]:
        try:
            if ahead is not None:
                await ahead
            for step in script:
                if isinstance(step, BaseException):
                    raise step
                self.given.append(step)
                yield step
        finally:
            self.closed += 1

    def test_interface(self) -> None:
        """It is a byte stream of the length it was told."""
        stream = from_chunks(self.generator([]), 17)
        verifyObject(IByteStream, stream)
        self.assertEqual(stream.length, 17)
        self.assertIsNone(from_chunks(self.generator([])).length)

    def test_pours(self) -> None:
        """All chunks are written, empty ones are not, and the generator is closed."""
        consumer = RecordingConsumer()
        stream = from_chunks(self.generator([b"a", b"", b"b"]), 2)
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        self.assertEqual(consumer.writes, [b"a", b"b"])
        self.assertEqual((consumer.registrations, consumer.is_registered), (1, False))
        self.assertEqual(self.closed, 1)

    def test_generator_awaits_a_tuple(self) -> None:
        """Whatever a generator awaits, a row of a database say, comes as it is."""
        row: Deferred[tuple[int, int]] = Deferred()

        async def source() -> AsyncGenerator[bytes, None]:
            yield b"%d %d" % await row

        consumer = RecordingConsumer()
        flow = as_deferred(from_chunks(source()).flow_to(consumer))
        row.callback((1, 2))
        self.successResultOf(flow)
        self.assertEqual(consumer.data, b"1 2")

    def test_never_poured(self) -> None:
        """One that is never poured is never started."""
        from_chunks(self.generator([b"a"]))
        self.assertEqual(self.given, [])

    def test_pause(self) -> None:
        """While the consumer pauses, the generator is not asked for more."""
        consumer = RecordingConsumer(pause_after=1)
        flow = as_deferred(from_chunks(self.generator([b"1", b"2", b"3"])).flow_to(consumer))
        self.assertEqual((self.given, consumer.data), ([b"1"], b"1"))
        consumer.resume()
        self.successResultOf(flow)
        self.assertEqual(consumer.data, b"123")

    def test_paused_from_the_start(self) -> None:
        """A consumer may pause when the stream registers."""
        consumer = RecordingConsumer(pause_after=0)
        flow = as_deferred(from_chunks(self.generator([b"1"])).flow_to(consumer))
        self.assertEqual((self.given, consumer.data), ([], b""))
        consumer.resume()
        self.successResultOf(flow)

    def test_paused_while_fetching(self) -> None:
        """A chunk that comes after the consumer has paused waits."""
        ahead: Deferred[None] = Deferred()
        consumer = RecordingConsumer()
        flow = as_deferred(from_chunks(self.generator([b"1"], ahead)).flow_to(consumer))
        consumer.pause()
        ahead.callback(None)
        self.assertEqual((self.given, consumer.data), ([b"1"], b""))
        consumer.resume()
        self.successResultOf(flow)
        self.assertEqual(consumer.data, b"1")

    def test_consumer_leaves(self) -> None:
        """A consumer may leave at any point: at the start, in a write, paused, while it waits."""
        cases: list[tuple[RecordingConsumer, Deferred[None] | None]] = [
            (RecordingConsumer(stop_after=0), None),
            (RecordingConsumer(stop_after=1), None),
            (RecordingConsumer(pause_after=1), None),
            (RecordingConsumer(), Deferred()),
        ]
        for consumer, ahead in cases:
            stream = from_chunks(self.generator([b"1", b"2"], ahead))
            flow = as_deferred(stream.flow_to(consumer))
            consumer.stop()
            self.failureResultOf(flow, ConsumerGone)
            self.assertFalse(consumer.is_registered)
        self.assertEqual(self.closed, 3, "a generator that ran was not closed")

    def test_cancelled(self) -> None:
        """A flow may be cancelled while it is paused or waits, and closes the generator."""
        cases: list[tuple[RecordingConsumer, Deferred[None] | None]] = [
            (RecordingConsumer(pause_after=1), None),
            (RecordingConsumer(), Deferred()),
        ]
        for consumer, ahead in cases:
            flow = as_deferred(from_chunks(self.generator([b"1", b"2"], ahead)).flow_to(consumer))
            flow.cancel()
            self.failureResultOf(flow, CancelledError)
            self.assertFalse(consumer.is_registered)
        self.assertEqual(self.closed, 2)

    def test_generator_fails(self) -> None:
        """What the generator raises comes out of the flow, unchanged."""
        error = BodyCutShort()
        consumer = RecordingConsumer()
        flow = as_deferred(from_chunks(self.generator([b"1", error])).flow_to(consumer))
        self.assertIs(self.failureResultOf(flow).value, error)
        self.assertFalse(consumer.is_registered)

    def test_ends_early(self) -> None:
        """A generator that gives less than was announced never ends as if whole."""
        flow = from_chunks(self.generator([b"123"]), 4).flow_to(RecordingConsumer())
        self.failureResultOf(as_deferred(flow), BodyCutShort)

    def test_gives_too_much(self) -> None:
        """Nothing is written beyond the announced length."""
        consumer = RecordingConsumer()
        flow = from_chunks(self.generator([b"123", b"4"]), 3).flow_to(consumer)
        self.failureResultOf(as_deferred(flow), StreamError)
        self.assertEqual(consumer.data, b"123")


class NothingTests(SynchronousTestCase):
    """A stream may have no bytes at all."""

    def test_flow(self):
        """Its length is told, and nothing comes."""
        stream, consumer = nothing(), RecordingConsumer()
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        self.assertEqual((stream.length, consumer.data), (0, b""))


class PropertyTests(SynchronousTestCase):
    """There and back again changes nothing."""

    @given(script=st.lists(st.binary(max_size=20)))
    def test_round_trip(self, script: list[bytes]) -> None:
        """Through a chain of both adapters, order and bytes are kept."""
        stream = from_chunks(chunks(from_chunks(chunks(ScriptedStream(script)))))
        reader = Reader(stream)
        while not reader.done.called:
            reader.step()
        self.successResultOf(reader.done)
        self.assertEqual(reader.taken, [chunk for chunk in script if chunk])
