"""
The heads of messages: what may come as one, and what is refused; and how ours are written.

With `glancetx.web.channel` and `chunked` the only files that touch private parts of
`twisted.web.http`; their tests fail loudly on a Twisted that changes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http_headers import Headers

from glancetx.web.chunked import ChunkedDecoder
from glancetx.web.errors import RETRY_AFTER

if TYPE_CHECKING:
    from glancetx.web.request import StreamingRequest

TOO_LONG = b"414 Request-URI Too Long"
BAD = b"400 Bad Request"
TOO_SLOW = b"408 Request Timeout"

#: Told to a client whose connection is one too many, whatever it would ask.
NO_ROOM = b"503 Service Unavailable\r\nRetry-After: %d" % RETRY_AFTER

#: More digits than any body's length has; Python refuses to read numbers of thousands of them.
MAX_LENGTH_DIGITS = 19

#: A line behind the last chunk (RFC 9112 §7.1.2), as strict as those of a head.
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00\r\n]*")


def _option(text: bytes) -> bytes:
    return text.strip(b" \t").lower()


def response_head(
    version: bytes, code: bytes, reason: bytes, prepared: Iterable[bytes], headers: Headers
) -> bytes:
    """All of it in one piece, with lines before the headers: Twisted writes four for each."""
    lines = [b"%b %b %b\r\n" % (version, code, reason), *prepared]
    for name, values in headers.getAllRawHeaders():
        lines += [b"%b: %b\r\n" % (name, value) for value in values]
    return b"".join([*lines, b"\r\n"])


class StrictChannel(http.HTTPChannel):
    """
    A connection that stops listening at the first thing that is not HTTP (contract §1.8).

    ``is_deaf`` is true from then on: what follows might be read in more than one way.

    One read may bring more chunks than can be taken apart at once.
    The channel ``is_behind`` until they are, and reads no more meanwhile.
    """

    maxHeaders = 1000
    totalHeadersSize = 64 * 1024
    MAX_LENGTH = 16 * 1024
    max_request_line = 8 * 1024
    is_deaf = False
    requests: list[StreamingRequest]
    transport: Any
    _transferDecoder: Any  # noqa: N815 - Twisted's name
    _going_on: IDelayedCall | None = None

    @property
    def is_behind(self) -> bool:
        """Whether there is more to do of what was read."""
        return bool(getattr(self._transferDecoder, "rest", b""))

    def refuse(self, status: bytes) -> None:
        """Say so, and close."""
        raise NotImplementedError()

    def dataReceived(self, data: bytes) -> None:
        if not self.is_deaf:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self.is_deaf:
            return
        if self._receivedHeaderSize == 0 and len(line) > self.max_request_line:
            self._stop_listening(TOO_LONG)
        elif line[:1] in (b" ", b"\t"):
            # A folded header: obsolete, and read differently by different proxies.
            self._stop_listening(BAD)
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        is_request_line = self._receivedHeaderSize == 0
        self._stop_listening(TOO_LONG if is_request_line else b"400 Header Line Too Long")

    def checkPersistence(self, request: http.Request, version: bytes) -> bool:
        """As Twisted, which overlooks ``close`` beside other options (RFC 9112 §9.6)."""
        values = request.requestHeaders.getRawHeaders(b"connection")
        if values and b"close" in map(_option, b",".join(values).split(b",")):
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def _maybeChooseTransferDecoder(self, header: bytes, data: bytes) -> bool:
        is_endless = header == b"Content-Length" and len(data) > MAX_LENGTH_DIGITS
        # Twisted lets "identity" pass, also beside a length; HTTP/1.1 has not had it since 2014.
        is_foreign = header == b"Transfer-Encoding" and data.lower() != b"chunked"
        if is_endless or is_foreign:
            return bool(self._failChooseTransferDecoder())
        if not super()._maybeChooseTransferDecoder(header, data):
            return False
        if header == b"Transfer-Encoding":
            receive = self.requests[-1].handleContentChunk
            self._transferDecoder = ChunkedDecoder(receive, self._finishRequestBody)
        return True

    def rawDataReceived(self, data: bytes) -> None:
        super().rawDataReceived(data)
        if self.is_behind:
            # Others have their turn before we are given this again.
            self._buffer, self.paused = self._transferDecoder.rest, True
            self.transport.pauseProducing()
            self._going_on = self.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self.paused = False
        try:
            self.dataReceived(b"")
            # Without any, Twisted has let the transport go on.
            if self.requests:
                self.requests[-1].caught_up()
        except BaseException:
            # As the reactor would.
            self.transport.abortConnection()
            raise

    def resumeProducing(self) -> None:
        super().resumeProducing()
        # Twisted lets the client send on when he has taken what was written.
        if self.requests:
            self.requests[-1].stay_paused()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._going_on is not None and self._going_on.active():
            self._going_on.cancel()
        super().connectionLost(reason)

    def _finishRequestBody(self, data: bytes) -> None:
        trailers = getattr(self._transferDecoder, "_trailerHeaders", ())
        if all(map(_TRAILER.fullmatch, trailers)):
            super()._finishRequestBody(data)
        else:
            self._stop_listening(BAD)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._stop_listening(BAD)

    def _stop_listening(self, status: bytes) -> None:
        if not self.is_deaf:
            self.is_deaf = True
            self.clearLineBuffer()
            self.refuse(status)
