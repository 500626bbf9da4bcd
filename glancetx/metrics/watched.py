"""Streams of stores, watched while they are poured or sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.interfaces import IConsumer, IProducer
from twisted.python.components import proxyForInterface
from zope.interface import implementer

from glancetx.interfaces import IByteStream, IFileSpan


class Flow:
    """
    One transfer into a store or out of it.

    ``progress`` tells how many bytes that is so far; ``ended`` is called once, with what ended it.
    """

    def __init__(
        self,
        direction: str,
        store: str,
        progress: Callable[[], int],
        ended: Callable[[Flow, BaseException | None], None],
    ) -> None:
        self.direction = direction
        self.store = store
        self.progress = progress
        self._ended = ended
        self._is_over = False

    def end(self, error: BaseException | None) -> None:
        """It is over, unless it was before."""
        if not self._is_over:
            self._is_over = True
            self._ended(self, error)


#: Begins a flow whose progress this tells.
Begin = Callable[[Callable[[], int]], Flow]


@implementer(IByteStream)
class WatchedStream:
    """The same stream, whose flow is known from its first byte to its end."""

    def __init__(self, stream: IByteStream, begin: Begin) -> None:
        self.length = stream.length
        self._stream = stream
        self._begin = begin

    async def flow_to(self, consumer: IConsumer) -> None:
        given = _Given(consumer)
        await _watch(self._begin(lambda: given.bytes), self._stream.flow_to(given))


class WatchedSpan(proxyForInterface(IFileSpan, "span")):  # type: ignore[misc]
    """
    The same span, poured or sent.

    Whoever sends it asks for what comes next, and so tells how much has gone.
    """

    def __init__(self, span: IFileSpan, begin: Begin) -> None:
        super().__init__(span)
        self._begin = begin
        self._flow: Flow | None = None
        self._sent = 0
        self._given: _Given | None = None

    async def flow_to(self, consumer: IConsumer) -> None:
        given = self._given = _Given(consumer)
        await _watch(self._begun(), self.span.flow_to(given))

    def is_at_hand(self, start: int, size: int) -> bool:
        self._sent = start - self.span.start
        self._begun()
        at_hand: bool = self.span.is_at_hand(start, size)
        return at_hand

    def close(self, sent: int, error: BaseException | None = None) -> None:
        self._sent = sent
        if self._flow is not None:
            self._flow.end(error)
        self.span.close(sent, error)

    def _begun(self) -> Flow:
        if self._flow is None:
            self._flow = self._begin(self._progress)
        return self._flow

    def _progress(self) -> int:
        return self._sent if self._given is None else self._given.bytes


async def _watch(flow: Flow, pouring: Awaitable[None]) -> None:
    try:
        await pouring
    except BaseException as error:
        flow.end(error)
        raise
    flow.end(None)


@implementer(IConsumer)
class _Given:
    """A consumer that counts what another one is given."""

    def __init__(self, consumer: IConsumer) -> None:
        self.bytes = 0
        self._consumer = consumer

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._consumer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._consumer.unregisterProducer()

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        self._consumer.write(data)


def watched(stream: IByteStream, begin: Begin) -> IByteStream:
    """The stream, watched; one that the kernel may send stays so."""
    if IFileSpan.providedBy(stream):
        span: Any = WatchedSpan(IFileSpan(stream), begin)
        return IByteStream(span)
    return WatchedStream(stream, begin)
