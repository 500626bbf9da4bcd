"""
HTTP/1.1 that does not wait for a body before it hands a request on.

With `glancetx.web.framing` and `chunked` the only files that touch private parts of
`twisted.web.http`; their tests fail loudly on a Twisted that changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from zope.interface import implementer

from glancetx import __version__
from glancetx.web.framing import NO_ROOM, response_head
from glancetx.web.request import StreamingRequest
from glancetx.web.timing import PunctualChannel
from glancetx.web.transports import Progress, send_now

if TYPE_CHECKING:
    from glancetx.web.site import StreamingSite

SERVER = b"glancetx/" + __version__.encode("ascii")


@implementer(IHalfCloseableProtocol)
class StreamingChannel(PunctualChannel):
    """
    One connection.

    A response may be complete before its request is.
    Then up to ``drain_limit`` more bytes are read and thrown away, for at most ``drain_time``
    seconds, to keep the connection.
    A longer body gets ``Connection: close``, a FIN after the response, and ``linger_time`` seconds
    in which the client may notice, while no more than ``linger_limit`` bytes are thrown away.

    The next request is looked at when the client has taken the response to the one before.
    A client may be silent for one timeout, either way, unless it is we who keep it waiting.
    """

    drain_limit = 1024 * 1024
    drain_time = 30.0
    #: Bytes of further requests that are read while one is worked on.
    read_ahead = 16 * 1024
    linger_limit = 32 * 1024 * 1024
    linger_time = 2.0

    site: StreamingSite
    transport: Any
    #: A request that is answered, but whose body, or whose response, is still on its way.
    _answered: StreamingRequest | None = None
    _untaken: StreamingRequest | None = None
    _progress: Progress | None = None
    _linger: IDelayedCall | None = None
    _is_half_closed = False
    _is_secure: bool | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        if not self.site.channel_opened(self):
            self._stop_listening(NO_ROOM)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_lingering()
        super().connectionLost(reason)
        self.site.channel_closed(self)

    def isSecure(self) -> bool:
        if self._is_secure is None:
            self._is_secure = ISSLTransport.providedBy(self.transport)
        return self._is_secure

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received or answered."""
        return not self.requests and not self._buffer

    # -- receiving

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        self._close_if_over()

    def rawDataReceived(self, data: bytes) -> None:
        super().rawDataReceived(data)
        # Twisted would read ahead without end while the client does not take its response.
        if self._handlingRequest and sum(map(len, self._dataBuffer)) > self.read_ahead:
            self._networkProducer.pauseProducing()

    def allHeadersReceived(self) -> None:
        request = self.requests[-1]
        expects = [value.lower() for value in request.requestHeaders.getRawHeaders(b"expect", [])]
        if b"100-continue" in expects:
            # Twisted would answer it at once; we do when the handler begins to read.
            request.requestHeaders.removeHeader(b"expect")
            request.expects_continue = self._version == b"HTTP/1.1" and self.length != 0
        super().allHeadersReceived()
        if self.length != 0:
            super().resetTimeout()
            request.headers_received(self._command, self._path, self._version)

    def allContentReceived(self) -> None:
        super().allContentReceived()
        if self._answered is not None:
            request, self._answered = self._answered, None
            self._stop_lingering()
            self._finish_request(request)

    def send_continue(self) -> None:
        """Tell the waiting client to send its body."""
        self._send100Continue()

    # -- answering

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        request, body = self.requests[0], self.requests[0].body
        request.first_byte = self.site.reactor.seconds()
        reads_on = body.is_complete or body.is_flowing or self._can_drain(request)
        if not reads_on or self.site.is_draining:
            self.persistent = False
            headers.setRawHeaders(b"Connection", [b"close"])
        headers.setRawHeaders(b"Server", [SERVER])
        self.transport.write(response_head(version, code, reason, request.prepared, headers))

    def requestDone(self, request: StreamingRequest) -> None:
        if request.body.is_complete:
            self._finish_request(request)
        else:
            self._answer_early(request)

    def _finish_request(self, request: StreamingRequest) -> None:
        if self._savedTimeOut:
            # Twisted has switched it off, and would leave it so when the connection is to close.
            self.setTimeout(self._savedTimeOut)
        self._progress = Progress(self.transport)
        if self.persistent and self._waitingForTransport:
            self._untaken = request
            return
        send_now(self.transport)
        super().requestDone(request)
        self._close_if_over()

    def resumeProducing(self) -> None:
        """Called when everything that was written has left for the client."""
        super().resumeProducing()
        if self._untaken is not None:
            request, self._untaken = self._untaken, None
            self._finish_request(request)

    def _answer_early(self, request: StreamingRequest) -> None:
        """
        The response is out and the body is not in.

        The request stays the current one until its body is dealt with: the rest of it must not be
        taken for the next request.
        """
        if self._is_half_closed:
            self.loseConnection()
            return
        self._answered = request
        if self.persistent and self._can_drain(request):
            self._abort_after(self.drain_time)
        else:
            self._close_our_side()
        request.discard_body(self.linger_limit)

    def _can_drain(self, request: StreamingRequest) -> bool:
        return (
            not request.expects_continue
            and not request.body.is_broken
            and request.body.remaining <= self.drain_limit
        )

    def _close_our_side(self) -> None:
        """Send FIN after what is written, and go on reading for a while what still comes."""
        self.persistent = False
        self.transport.unregisterProducer()
        if self.isSecure():
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()
        self._abort_after(self.linger_time)

    def _abort_after(self, seconds: float) -> None:
        self._stop_lingering()
        self._linger = self.callLater(seconds, self.transport.abortConnection)

    def _stop_lingering(self) -> None:
        linger, self._linger = self._linger, None
        if linger is not None and linger.active():
            linger.cancel()

    def refuse(self, status: bytes) -> None:
        current = self.requests[0] if self.requests else None
        if current is not None and current.is_routed and self._answered is None:
            # A handler is at work on this request; it learns that the body is broken, and answers.
            current.body.cut_short()
            return
        if self._answered is None:
            self.transport.write(
                b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status
            )
        self._close_our_side()

    # -- the other side

    def readConnectionLost(self) -> None:
        """
        The client sends no more, but may wait for an answer.

        A client that is gone altogether looks the same; writing to it will tell.
        """
        self._is_half_closed = True
        self._close_if_over()

    def writeConnectionLost(self) -> None:
        """We have closed our side ourselves."""

    def _close_if_over(self) -> None:
        """Close when nothing more can come of this connection."""
        if self._busyReceiving or self.is_behind:
            # More may wait in the line buffer; we are called again after that.
            return
        current = self.requests[0] if self.requests else None
        if not self._is_half_closed:
            if self.site.is_draining:
                self.site.part_with(self)
        elif current is None or not current.is_routed or current is self._answered:
            self.loseConnection()
        else:
            current.body.cut_short()

    # -- time

    def resetTimeout(self) -> None:
        """Called when bytes came: within the head of a request they gain no time."""
        if not self.is_within_head and self._untaken is None:
            super().resetTimeout()

    def timeoutConnection(self) -> None:
        we_are_slow = self.requests and self.requests[0].is_kept_waiting
        if we_are_slow or (self._progress is not None and self._progress.was_made()):
            self.setTimeout(self.timeOut)
        else:
            super().timeoutConnection()
