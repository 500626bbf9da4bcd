"""Streams as async iterators and back: the handle for authors who want to meet no consumer."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer, IProducer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from glancetx.deferreds import as_deferred, finish_first
from glancetx.errors import BodyCutShort, ConsumerGone, StreamError
from glancetx.interfaces import IByteStream


async def chunks(stream: IByteStream, *, ahead: bool = True) -> AsyncGenerator[bytes, None]:
    """
    The stream's bytes, as they come.

    While the caller works on one chunk at most one more is fetched, or none unless ``ahead``; then
    the source is paused.
    A caller who leaves early stops the source: use ``contextlib.aclosing``.
    Whatever broke the source is raised at once, before chunks that are still waiting.
    """
    inbox = _Inbox(ahead)
    flow = as_deferred(stream.flow_to(inbox))
    flow.addBoth(inbox.end)
    try:
        while (chunk := await inbox.next()) is not None:
            yield chunk
            # Else its bytes would stay until the next one comes, which may be long.
            del chunk
    finally:
        await inbox.close(flow)


def from_chunks(source: AsyncGenerator[bytes, None], length: int | None = None) -> IByteStream:
    """
    A stream of what the generator yields, ``length`` bytes in all, or None when unknown.

    The generator is asked for the next chunk only while the consumer wants more, and is closed
    when the flow ends, however it ends.  One that is never poured is never started.
    A generator that ends before ``length`` makes the flow fail with BodyCutShort, one that goes
    beyond it with StreamError: a broken image never ends as if it were whole.
    """
    return _GeneratedStream(source, length)


def nothing() -> IByteStream:
    """A stream of no bytes."""
    return from_chunks(_none(), 0)


async def _none() -> AsyncGenerator[bytes, None]:
    return
    yield b""


@implementer(IConsumer)
class _Inbox:
    """Takes a stream's chunks and hands them out one by one."""

    def __init__(self, ahead: bool) -> None:
        self._ahead = ahead
        self._waiting: deque[bytes] = deque()
        self._producer: IPushProducer | None = None
        self._paused = False
        self._wanted: Deferred[None] | None = None
        self._ended = False
        self._failure: Failure | None = None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if not streaming:
            raise ValueError("a byte stream registers as a push producer")
        self._producer = IPushProducer(producer)

    def unregisterProducer(self) -> None:
        self._producer = None

    def write(self, data: bytes) -> None:
        self._waiting.append(data)
        self._wake()
        # A caller who was waiting has taken it already, and may wait for the next one.
        is_behind = bool(self._waiting) if self._ahead else self._wanted is None
        if is_behind and not self._paused and self._producer is not None:
            self._paused = True
            self._producer.pauseProducing()

    def end(self, result: object) -> None:
        self._ended = True
        if isinstance(result, Failure):
            self._failure = result
        self._wake()

    async def next(self) -> bytes | None:
        """The next chunk, or None after the last one."""
        self._go_on()
        while self._failure is None and not self._waiting and not self._ended:
            self._wanted = Deferred()
            await self._wanted
        if self._failure is not None:
            self._failure.raiseException()
        if not self._waiting:
            return None
        chunk = self._waiting.popleft()
        if self._ahead:
            self._go_on()
        return chunk

    async def close(self, flow: Deferred[None]) -> None:
        """Stop a source that has not ended, and wait until it has."""
        self._waiting.clear()
        if not self._ended:
            self._stop(flow)
        await finish_first(flow)

    def _stop(self, flow: Deferred[None]) -> None:
        # We may be inside the source's call of write(): its coroutine is then running, and
        # Twisted cannot cancel a running coroutine.  A producer can always be stopped.
        if self._producer is not None:
            self._producer.stopProducing()
        else:
            flow.cancel()

    def _go_on(self) -> None:
        """Let the source bring more, when nothing of it is left here."""
        if self._paused and not self._waiting and self._producer is not None:
            self._paused = False
            self._producer.resumeProducing()

    def _wake(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted.callback(None)


@implementer(IByteStream, IPushProducer)
class _GeneratedStream:
    """Pours an async generator, at the consumer's pace."""

    def __init__(self, source: AsyncGenerator[bytes, None], length: int | None) -> None:
        self.length = length
        self._source = source
        self._gone = False
        self._paused = False
        self._resumed: Deferred[None] | None = None
        self._fetching: Deferred[bytes | None] | None = None

    async def flow_to(self, consumer: IConsumer) -> None:
        consumer.registerProducer(self, True)
        try:
            await self._pour(consumer)
        finally:
            consumer.unregisterProducer()
            await finish_first(self._source.aclose())

    async def _pour(self, consumer: IConsumer) -> None:
        size = 0
        # It may be paused while it waits for a chunk, so both before and after.
        while await self._wanted() and (chunk := await self._fetch()) is not None:
            size += len(chunk)
            if self.length is not None and size > self.length:
                raise StreamError("The source gave more than it had announced")
            if chunk and await self._wanted():
                consumer.write(chunk)
            del chunk
        if self._gone:
            raise ConsumerGone()
        if self.length is not None and size < self.length:
            raise BodyCutShort()

    async def _fetch(self) -> bytes | None:
        self._fetching = as_deferred(next_chunk(self._source))
        try:
            return await self._fetching
        except CancelledError:
            if self._gone:
                return None
            raise
        finally:
            self._fetching = None

    async def _wanted(self) -> bool:
        """Wait until the consumer wants more; false when it never will again."""
        while self._paused and not self._gone:
            self._resumed = Deferred()
            await self._resumed
        return not self._gone

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self._go_on()

    def stopProducing(self) -> None:
        self._gone = True
        if self._fetching is not None:
            self._fetching.cancel()
        self._go_on()

    def _go_on(self) -> None:
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)


async def next_chunk(source: AsyncGenerator[bytes, None]) -> bytes | None:
    """
    The next chunk, or None after the last one.

    In CPython ``anext`` with a default takes tuples apart that the generator awaits, such as rows
    of a database, and fails.
    """
    try:
        return await anext(source)
    except StopAsyncIteration:
        return None
