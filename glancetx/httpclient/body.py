"""The body of an answer as a stream: complete, or an error."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse
from zope.interface import implementer

from glancetx.errors import BodyCutShort, ConsumerGone, RemoteBroken
from glancetx.httpclient.line import Line
from glancetx.interfaces import IByteStream


@implementer(IByteStream, IPushProducer)
class Body(Protocol):
    """
    The bytes of one answer, at the pace of the consumer and of TCP.

    ``idle`` is how many seconds may pass without a byte while the consumer wants more.
    A body without an announced length ends when the server closes the connection in good order,
    because nothing else would tell; a closed TLS connection without its farewell is not good order.
    When the flow has ended before the body, the connection is gone; otherwise it may be kept.
    """

    def __init__(
        self,
        clock: IReactorTime,
        response: IResponse,
        line: Line,
        length: int | None,
        idle: float,
    ) -> None:
        self.length = length
        self._clock = clock
        self._response = response
        self._line = line
        self._idle = idle
        self._size = 0
        self._waiting: deque[bytes] = deque()
        self._consumer: IConsumer | None = None
        self._is_paused = False
        self._is_writing = False
        self._timer: IDelayedCall | None = None
        self._end: BaseException | None = None
        self._has_ended = False
        self._source: IPushProducer | None = None
        self._flow: Deferred[None] | None = None

    def flow_to(self, consumer: IConsumer) -> Deferred[None]:
        """
        As every stream.

        :raises RemoteBroken: when the connection breaks, or is silent for too long.
        """
        flow = self._flow = Deferred(lambda _: self._stop(CancelledError()))
        self._consumer = consumer
        consumer.registerProducer(self, True)
        if self._consumer is not None:
            self._response.deliverBody(self)
            if self._is_paused and self._source is not None:
                # Delivering the first bytes has resumed the connection.
                self._source.pauseProducing()
            self._watch()
        return flow

    # -- from the connection

    def connectionMade(self) -> None:
        self._source = IPushProducer(self.transport)

    def dataReceived(self, data: bytes) -> None:
        self._waiting.append(data)
        self._pour()
        self._watch()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._has_ended = True
        if self._end is None and not self._was_complete(reason):
            self._end = RemoteBroken()
        self._pour()

    def _was_complete(self, reason: Failure | None) -> bool:
        if reason is None or reason.check(ResponseDone):
            return True
        closed = reason.check(PotentialDataLoss) is not None and self._line.was_closed_well
        return closed and self.length is None

    # -- from the consumer

    def pauseProducing(self) -> None:
        self._is_paused = True
        if self._source is not None:
            self._source.pauseProducing()
        self._watch()

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._pour()
        if not self._is_paused and self._source is not None:
            self._source.resumeProducing()
        self._watch()

    def stopProducing(self) -> None:
        self._stop(ConsumerGone())

    # -- between

    def _pour(self) -> None:
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._waiting and not self._is_paused and self._consumer is not None:
                chunk = self._waiting.popleft()
                self._size += len(chunk)
                self._consumer.write(chunk)
        finally:
            self._is_writing = False
        if self._has_ended and not self._waiting:
            if self._end is None and self.length is not None and self._size != self.length:
                self._end = BodyCutShort() if self._size < self.length else RemoteBroken()
            self._leave()

    def _watch(self) -> None:
        """Start the idle time anew, or stop it while nothing is expected."""
        is_expecting = self._consumer is not None and not self._is_paused and not self._has_ended
        timer = self._timer
        if timer is not None and timer.active():
            if is_expecting:
                timer.reset(self._idle)
            else:
                timer.cancel()
        elif is_expecting:
            self._timer = self._clock.callLater(self._idle, self._stop, RemoteBroken())

    def _stop(self, error: BaseException) -> None:
        self._waiting.clear()
        self._end = error
        self._leave()

    def _leave(self) -> None:
        """Let go of everything, once."""
        self._has_ended = True
        consumer, self._consumer = self._consumer, None
        self._line.abort()
        if consumer is None:
            return
        self._watch()
        consumer.unregisterProducer()
        flow, self._flow = self._flow, None
        if flow is None or flow.called:
            return
        if self._end is None:
            flow.callback(None)
        else:
            flow.errback(Failure(self._end))
