"""File → response by the kernel: sendfile(2), so that no byte passes through this program."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPullProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from glancetx.deferreds import as_deferred
from glancetx.errors import CannotRead, ConsumerGone
from glancetx.interfaces import IFileSpan
from glancetx.web.request import StreamingRequest
from glancetx.web.transports import socket_below, untaken

#: Bytes that a client gets at most when it is its turn.
STEP = 1 << 20

#: Of so many bytes it is asked at once whether they are in memory.
WINDOW = 4 << 20

#: What the system says of a file that it cannot send.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EOVERFLOW}

#: What it says of a client that has left.
_GONE = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EBADF}


class CannotSend(Exception):
    """The kernel cannot send this file; nothing has been sent."""


def can_send(request: StreamingRequest) -> bool:
    """Whether its connection is one that the kernel can send a file over."""
    transport = socket_below(request.transport)
    # What waits in a transport that is full would have to be waited for.
    return transport is not None and not transport.producerPaused


async def send(
    request: StreamingRequest, span: IFileSpan, clock: IReactorTime, idle_timeout: float | None
) -> None:
    """
    Send a span as the body of a response, whose headers are set.

    A client that takes nothing for ``idle_timeout`` seconds is cut off.

    :raises CannotSend: when the span has to be poured instead; it is still open then.
    :raises ConsumerGone: when the client has left.
    :raises CannotRead: when the file has fewer bytes, or fails.
    :raises StoreError: when it cannot be read.
    """
    sending = _Sending(request, span, clock, idle_timeout)
    try:
        await sending.start()
    except CannotSend:
        raise
    except BaseException as error:
        span.close(sending.sent, error)
        raise
    span.close(sending.sent)


@implementer(IPullProducer)
class _Sending:
    """
    Has a file sent by the transport's socket.

    The transport asks a pull producer for more when all that was written has left and the socket
    is writable: then it may wait for its turn.
    """

    def __init__(
        self,
        request: StreamingRequest,
        span: IFileSpan,
        clock: IReactorTime,
        idle_timeout: float | None,
    ) -> None:
        self.sent = 0
        self._request = request
        self._span = span
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._transport: Any = socket_below(request.transport)
        #: Up to where the bytes are known to be in memory.
        self._at_hand = span.start
        self._fetching: Deferred[None] | None = None
        self._is_begun = False
        self._done: Deferred[None] = Deferred(lambda _: self._leave())
        self._watch: IDelayedCall | None = None
        self._taken, self._taken_at = 0, clock.seconds()

    def start(self) -> Deferred[None]:
        done = self._done
        if self._request.is_lost:
            done.errback(ConsumerGone())
            return done
        self._request.write(b"")  # the headers
        self._channel = self._transport.producer
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, False)
        if self._idle_timeout is not None and not done.called:
            self._watch = self._clock.callLater(self._idle_timeout, self._look, self._idle_timeout)
        return done

    # -- towards the transport

    def resumeProducing(self) -> None:
        if not self._is_begun:
            # Called by being registered: the headers have not left yet.
            self._is_begun = True
            self._transport.startWriting()
        elif self._fetching is None:
            self._request.site.rounds.wait(self._send_step)

    def stopProducing(self) -> None:
        self._end(ConsumerGone())

    def _send_step(self) -> int:
        if self._done.called:
            return 0
        position, left = self._span.start + self.sent, self._span.length - self.sent
        if position >= self._at_hand and not self._is_at_hand(position, min(left, WINDOW)):
            return 0
        size = min(self._at_hand - position, STEP)
        try:
            sent = self._send(position, size)
        except OSError as error:
            self._fail(error)
            return 0
        if self.sent == self._span.length:
            self._end(None)
        elif sent == 0:
            self._end(CannotRead(f"The store gave {self.sent} of {self._span.length} bytes"))
        elif sent == size:
            # There may be room for more: that is seen by trying, at less than the reactor asks.
            self._request.site.rounds.wait(self._send_step)
        else:
            self._transport.startWriting()
        return sent or 0

    def _send(self, position: int, size: int) -> int | None:
        """How many bytes the kernel took; None when there was no room."""
        try:
            sent = os.sendfile(self._transport.fileno(), self._span.number, position, size)
        except BlockingIOError:
            return None
        self.sent += sent
        self._request.sentLength += sent
        return sent

    # -- the medium

    def _is_at_hand(self, position: int, size: int) -> bool:
        """Whether these bytes may be sent at once; if not, they are fetched first."""
        if self._span.is_at_hand(position, size):
            self._at_hand = position + size
            return True
        self._fetching = as_deferred(self._span.fetch(position, size))
        self._fetching.addCallbacks(self._fetched, self._not_fetched, (position + size,))
        return False

    def _fetched(self, _: None, at_hand: int) -> None:
        self._fetching, self._at_hand = None, at_hand
        # It is we who have kept the client waiting.
        self._taken_at = self._clock.seconds()
        if not self._done.called:
            self._transport.startWriting()

    def _not_fetched(self, failure: Failure) -> None:
        self._fetching = None
        self._end(failure.value)

    # -- the client

    def _look(self, idle_timeout: float) -> None:
        """Cut a client off that has taken nothing for too long."""
        now, taken = self._clock.seconds(), self.sent - untaken(self._transport)
        if taken != self._taken or self._fetching is not None:
            self._taken, self._taken_at = taken, now
        left = self._taken_at + idle_timeout - now
        if left > 0:
            self._watch = self._clock.callLater(left, self._look, idle_timeout)
        else:
            self._watch = None
            self._request.abort()

    # -- the end

    def _fail(self, error: OSError) -> None:
        if error.errno in _CANNOT and not self.sent:
            self._end(CannotSend())
        elif error.errno in _GONE:
            self._request.abort()
            self._end(ConsumerGone())
        else:
            self._end(CannotRead(f"The store's file cannot be read: {error.strerror}"))

    def _end(self, error: BaseException | None) -> None:
        if self._done.called:
            return
        self._leave()
        if error is None:
            self._done.callback(None)
        else:
            self._done.errback(error)

    def _leave(self) -> None:
        """Give the transport back to whom it was lent from."""
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()
        if self._transport.producer is self:
            self._transport.unregisterProducer()
            self._transport.registerProducer(self._channel, True)
