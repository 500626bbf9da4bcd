"""A stream that goes on elsewhere when its source breaks, at the byte where it broke."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from glancetx.deferreds import as_deferred, stop_first
from glancetx.errors import (
    BodyCutShort,
    ConsumerGone,
    GlanceError,
    NoSuchData,
    StoreError,
    StreamError,
)
from glancetx.interfaces import IByteStream
from glancetx.streams.relay import Relay

#: What breaks a stream through no fault of whoever takes it.
BREAKS = (StoreError, StreamError, NoSuchData)

#: How many bytes were given, and what happened then → a stream of the others.
GoOn = Callable[[int, GlanceError], Awaitable[IByteStream]]


@implementer(IByteStream)
class FailoverStream:
    """
    Pours one stream, and when that breaks before it has given all, what ``go_on`` finds.

    Both give the same bytes, as far as whoever makes this knows; ``length`` is how many of them.
    The consumer meets one producer, and sees nothing of the change.
    """

    def __init__(self, first: IByteStream, length: int, go_on: GoOn) -> None:
        self.length: int | None = length
        self._total = length
        self._first = first
        self._go_on = go_on

    async def flow_to(self, consumer: IConsumer) -> None:
        """
        As every stream.

        :raises GlanceError: what ``go_on`` raises when it finds nothing.
        """
        relay = _Relay(consumer)
        consumer.registerProducer(relay, True)
        try:
            error = await self._pour_first(relay)
            if error is not None:
                rest = await relay.unless_stopped(self._go_on(relay.given, error))
                await rest.flow_to(relay)
                if relay.given < self._total:
                    raise BodyCutShort()
        finally:
            consumer.unregisterProducer()

    async def _pour_first(self, relay: _Relay) -> GlanceError | None:
        """Pour the first stream; what has broken it before its last byte, if anything has."""
        try:
            # A store may make an error of its own of a cancellation.
            await stop_first(self._first.flow_to(relay))
        except BREAKS as error:
            if relay.is_stopped:
                raise ConsumerGone() from None
            # A store that complains after the last byte says that something is wrong with what
            # it gave: nothing that others give can mend that.
            if relay.given >= self._total or isinstance(error, ConsumerGone):
                raise
            return error
        return BodyCutShort() if relay.given < self._total else None


@implementer(IConsumer, IPushProducer)
class _Relay(Relay):
    """Stands between one consumer and the streams that come one after the other."""

    def __init__(self, consumer: IConsumer) -> None:
        super().__init__()
        self.given = 0
        self._consumer = consumer
        self._pending: Deferred[IByteStream] | None = None

    async def unless_stopped(self, finding: Awaitable[IByteStream]) -> IByteStream:
        """
        The stream that is found.

        :raises ConsumerGone: when the consumer has lost interest meanwhile.
        """
        self._pending = as_deferred(finding)
        try:
            return await self._pending
        except CancelledError:
            if self.is_stopped:
                raise ConsumerGone() from None
            raise
        finally:
            self._pending = None

    def write(self, data: bytes) -> None:
        self.given += len(data)
        self._consumer.write(data)

    def _stop_waiting(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
