"""
The heads of messages: what may come as one, and what is refused; and how ours are written.

With `glancetx.web.channel` the only file that touches private parts of
`twisted.web.http.HTTPChannel`; the tests of both fail loudly on a Twisted that changes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from twisted.web import http
from twisted.web.http_headers import Headers

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
    """

    maxHeaders = 1000
    totalHeadersSize = 64 * 1024
    MAX_LENGTH = 16 * 1024
    max_request_line = 8 * 1024
    is_deaf = False
    requests: list[StreamingRequest]

    def resumeProducing(self) -> None:
        super().resumeProducing()
        # Twisted lets the client send on when he has taken what was written.
        if self.requests:
            self.requests[-1].stay_paused()

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
        return bool(super()._maybeChooseTransferDecoder(header, data))

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
