"""Stream → response, and how a download ends."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IProducer,
    IPushProducer,
    IReactorTime,
)
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.errors import ConsumerGone, GlanceError, StreamError
from glancetx.interfaces import IByteStream, IFileSpan
from glancetx.web.request import StreamingRequest
from glancetx.web.sending import CannotSend, can_send, send
from glancetx.web.transports import Progress

_log = Logger()


async def pour(
    request: StreamingRequest,
    stream: IByteStream,
    length: int | None,
    clock: IReactorTime,
    idle_timeout: float | None,
) -> None:
    """
    Pour exactly ``length`` bytes of a stream into the response, whose headers are set.

    With None it is as much as comes: nobody knows how long an image elsewhere is.

    A client that takes nothing for ``idle_timeout`` seconds is cut off.
    When the stream breaks, or brings another number of bytes, the connection is broken off: the
    headers are out, and a clean end would make a torn image look whole (contract §4.5).
    A client that leaves is nobody's error.
    The answer to a HEAD is complete without a byte.
    """
    outflow = _Outflow(request, length, clock, idle_timeout)
    try:
        if not await _is_sent(request, stream, length, clock, idle_timeout):
            await stream.flow_to(outflow)
            outflow.check()
        return
    except CancelledError:
        request.abort()
        raise
    except ConsumerGone:
        if request.method == b"HEAD":
            return
        if outflow.is_overfull:
            _log.warn("a download breaks off: {error}", error=outflow.miscount())
            request.site.observer.failed(outflow.miscount())
    except GlanceError as error:
        _log.warn("a download breaks off: {error}", error=error)
        request.site.observer.failed(error)
    except Exception as error:
        _log.failure("a download breaks off")
        request.site.observer.failed(error)
    request.abort()
    await request.until_lost()


async def _is_sent(
    request: StreamingRequest,
    stream: IByteStream,
    length: int | None,
    clock: IReactorTime,
    idle_timeout: float | None,
) -> bool:
    """Whether the stream was one that the kernel could send over this connection, and it has."""
    # One of another length must be poured, so that it is noticed.
    if not IFileSpan.providedBy(stream) or not length or stream.length != length:
        return False
    if request.method == b"HEAD" or not can_send(request):
        return False
    try:
        await send(request, IFileSpan(stream), clock, idle_timeout)
    except CannotSend:
        return False
    return True


@implementer(IConsumer, IPushProducer)
class _Outflow:
    """Stands between stream and response: counts, and watches that the client keeps reading."""

    def __init__(
        self,
        request: StreamingRequest,
        length: int | None,
        clock: IReactorTime,
        idle_timeout: float | None,
    ) -> None:
        self._given = 0
        self._request = request
        self._length = length
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._producer: IPushProducer | None = None
        self._watch: IDelayedCall | None = None

    @property
    def is_overfull(self) -> bool:
        """Whether more came than was announced."""
        return self._length is not None and self._given > self._length

    def miscount(self) -> StreamError:
        """What is wrong with the number of bytes."""
        than = "more than" if self.is_overfull else f"{self._given} of"
        return StreamError(f"The store gave {than} {self._length} bytes")

    def check(self) -> None:
        """
        :raises StreamError: when the stream brought another number of bytes.
        """
        if self._length is not None and self._given != self._length:
            raise self.miscount()

    # -- towards the stream

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._producer = IPushProducer(producer)
        if self._request.is_lost:
            self.stopProducing()
        elif self._request.method == b"HEAD":
            self._producer.stopProducing()
        else:
            self._request.registerProducer(self, True)

    def unregisterProducer(self) -> None:
        self._stop_watching()
        self._producer = None
        if self._request.producer is self and not self._request.is_lost:
            self._request.unregisterProducer()

    def write(self, data: bytes) -> None:
        self._given += len(data)
        if not self.is_overfull:
            self._request.write(data)
        elif self._producer is not None:
            self._producer.stopProducing()

    # -- towards the client

    def pauseProducing(self) -> None:
        if self._idle_timeout is not None and self._watch is None:
            self._watch_from(Progress(self._request.transport), self._idle_timeout)
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

    def _watch_from(self, progress: Progress, seconds: float) -> None:
        self._watch = self._clock.callLater(seconds, self._look, progress, seconds)

    def _look(self, progress: Progress, seconds: float) -> None:
        if progress.was_made():
            self._watch_from(progress, seconds)
        else:
            self._watch = None
            self._request.abort()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()
