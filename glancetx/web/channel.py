"""
HTTP/1.1 that does not wait for a body before it hands a request on.

The only file that touches private parts of `twisted.web.http.HTTPChannel`; its tests fail loudly
on a Twisted that changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http_headers import Headers
from zope.interface import implementer

from glancetx.web.request import StreamingRequest

if TYPE_CHECKING:
    from glancetx.web.site import StreamingSite


@implementer(IHalfCloseableProtocol)
class StreamingChannel(http.HTTPChannel):
    """
    One connection.

    A response may be complete before its request is.
    Then up to ``drain_limit`` more bytes are read and thrown away to keep the connection.
    A longer body gets ``Connection: close``, a FIN after the response, and ``linger_time`` seconds
    in which the client may notice.
    """

    maxHeaders = 1000
    totalHeadersSize = 64 * 1024
    MAX_LENGTH = 16 * 1024
    max_request_line = 8 * 1024
    drain_limit = 1024 * 1024
    linger_time = 2.0

    site: StreamingSite
    transport: Any
    requests: list[StreamingRequest]
    _answered: StreamingRequest | None = None
    _linger: IDelayedCall | None = None
    _is_deaf = False
    _is_half_closed = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.channel_opened(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        super().connectionLost(reason)
        self.site.channel_closed(self)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being received or answered."""
        return not self.requests

    # -- receiving

    def dataReceived(self, data: bytes) -> None:
        if not self._is_deaf:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self._is_deaf:
            return
        if self._receivedHeaderSize == 0 and len(line) > self.max_request_line:
            self._refuse(b"414 Request-URI Too Long")
            return
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        is_request_line = self._receivedHeaderSize == 0
        self._refuse(
            b"414 Request-URI Too Long" if is_request_line else b"400 Header Line Too Long"
        )

    def allHeadersReceived(self) -> None:
        if self._is_deaf:
            return
        request = self.requests[-1]
        expects = [value.lower() for value in request.requestHeaders.getRawHeaders(b"expect", [])]
        if b"100-continue" in expects:
            # Twisted would answer it at once; we do when the handler begins to read.
            request.requestHeaders.removeHeader(b"expect")
            request.expects_continue = self._version == b"HTTP/1.1" and self.length != 0
        super().allHeadersReceived()
        if self.length != 0:
            request.headers_received(self._command, self._path, self._version)

    def allContentReceived(self) -> None:
        if self._is_deaf:
            return
        super().allContentReceived()
        if self._answered is not None:
            request, self._answered = self._answered, None
            if self._linger is not None:
                self._linger.cancel()
            self._finish_request(request)

    def send_continue(self) -> None:
        """Tell the waiting client to send its body."""
        self._send100Continue()

    # -- answering

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        request = self.requests[0]
        body = request.body
        reads_on = body.is_complete or body.is_flowing or self._can_drain(request)
        if not reads_on or self.site.is_draining:
            self.persistent = False
            headers.setRawHeaders(b"Connection", [b"close"])
        super().writeHeaders(version, code, reason, headers)

    def requestDone(self, request: StreamingRequest) -> None:
        if request.body.is_complete:
            self._finish_request(request)
        else:
            self._answer_early(request)

    def _finish_request(self, request: StreamingRequest) -> None:
        super().requestDone(request)
        if self.is_idle and (self._is_half_closed or self.site.is_draining):
            self.loseConnection()

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
        self._linger_for_a_while()
        if not (self.persistent and self._can_drain(request)):
            self._close_our_side()
        request.body.discard()

    def _can_drain(self, request: StreamingRequest) -> bool:
        return (
            not self._is_deaf
            and not request.expects_continue
            and request.body.remaining <= self.drain_limit
        )

    def _close_our_side(self) -> None:
        """Send FIN after what is written, and go on reading what the client still sends."""
        self.transport.unregisterProducer()
        if self.isSecure():
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()

    def _linger_for_a_while(self) -> None:
        self._linger = self.callLater(self.linger_time, self.transport.abortConnection)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._refuse(b"400 Bad Request")

    def _refuse(self, status: bytes) -> None:
        """What comes is not HTTP: hear nothing more, say so, and close."""
        if self._is_deaf:
            return
        self._is_deaf = True
        if self.requests and self.requests[-1].is_routed and not self.requests[-1].body.is_complete:
            # A handler is at work on this request; it learns that the body is broken, and answers.
            self.requests[-1].body.cut_short()
            return
        self.transport.write(
            b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status
        )
        self._close_our_side()
        self._linger_for_a_while()

    # -- the other side

    def readConnectionLost(self) -> None:
        """
        The client sends no more, but may wait for an answer.

        A client that is gone altogether looks the same; writing to it will tell.
        """
        self._is_half_closed = True
        if self.is_idle or self._answered is not None or not self.requests[-1].is_routed:
            self.loseConnection()
        else:
            self.requests[-1].body.cut_short()

    def writeConnectionLost(self) -> None:
        """We have closed our side ourselves."""

    def timeoutConnection(self) -> None:
        if self.requests and self.requests[0].is_kept_waiting:
            self.setTimeout(self.timeOut)
        else:
            super().timeoutConnection()
