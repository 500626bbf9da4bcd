"""Stream → response, and how a download ends."""

from __future__ import annotations

from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IProducer,
    IPushProducer,
    IReactorTime,
)
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.errors import ConsumerGone, GlanceError
from glancetx.interfaces import IByteStream
from glancetx.web.request import StreamingRequest

_log = Logger()


async def pour(
    request: StreamingRequest,
    stream: IByteStream,
    length: int,
    clock: IReactorTime,
    idle_timeout: float | None,
) -> None:
    """
    Pour exactly ``length`` bytes of a stream into the response, whose headers are set.

    A client that takes nothing for ``idle_timeout`` seconds is cut off.
    When the stream breaks, or brings another number of bytes, the connection is broken off: the
    headers are out, and a clean end would make a torn image look whole (contract §4.5).
    A client that leaves is nobody's error.
    """
    outflow = _Outflow(request, length, clock, idle_timeout)
    try:
        await stream.flow_to(outflow)
    except ConsumerGone:
        await request.until_lost()
        return
    except GlanceError as error:
        _log.warn("a download breaks off: {error}", error=error)
    except Exception:
        _log.failure("a download breaks off")
    else:
        if outflow.sent == length:
            return
        _log.warn(
            "a download breaks off: the store gave {sent} bytes of {length}",
            sent=outflow.sent,
            length=length,
        )
    request.abort()
    await request.until_lost()


@implementer(IConsumer, IPushProducer)
class _Outflow:
    """Stands between stream and response: counts, and watches that the client keeps reading."""

    def __init__(
        self,
        request: StreamingRequest,
        length: int,
        clock: IReactorTime,
        idle_timeout: float | None,
    ) -> None:
        self.sent = 0
        self._request = request
        self._length = length
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._producer: IPushProducer | None = None
        self._watch: IDelayedCall | None = None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._producer = IPushProducer(producer)
        self._request.registerProducer(self, True)

    def unregisterProducer(self) -> None:
        self._stop_watching()
        self._producer = None
        if not self._request.is_lost:
            self._request.unregisterProducer()

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        if self.sent <= self._length:
            self._request.write(data)

    def pauseProducing(self) -> None:
        if self._idle_timeout is not None and self._watch is None:
            self._watch = self._clock.callLater(self._idle_timeout, self._request.abort)
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self._stop_watching()
        if self._producer is not None:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._stop_watching()
        if self._producer is not None:
            self._producer.stopProducing()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()
