"""
Chunked bodies (RFC 9112 §7.1), of gigabytes, or of a chunk in every six bytes.

Twisted's decoder, of which this is a subclass, is one of its private parts: see `framing`.
"""

from __future__ import annotations

import re

from twisted.web import http

#: How a chunk ends and the next one begins, where there is nothing to think about.
_PLAIN = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})\r\n")

#: Chunks, and lines between them, that are taken apart at once: some 20 ms.
MOST_STEPS = 20_000


class ChunkedDecoder(http._ChunkedTransferDecoder):
    """
    Passes on in one piece what one read of the socket has brought.

    Twisted's own copies each chunk twice more, and calls somebody for each of them.
    It still reads, and judges, whatever is not as plain as what nearly all clients send.

    ``rest`` is what was left aside after `MOST_STEPS`, so that others have their turn: it has to be
    given to `dataReceived` again, before anything else.
    """

    rest = b""

    def dataReceived(self, data: bytes) -> None:
        self.rest = b""
        pieces: list[memoryview] = []
        try:
            end = self._take_apart(data, pieces)
            if self.state != "TRAILER":
                self.rest = data[end:]
        finally:
            # Also what came before a mistake.
            if pieces:
                self.dataCallback(b"".join(pieces))
        if self.state == "TRAILER":
            super().dataReceived(data[end:])

    def _take_apart(self, data: bytes, pieces: list[memoryview]) -> int:
        """Gather the bytes of chunks; where what is left of the data begins."""
        view, at, steps = memoryview(data), 0, 0
        while at < len(data) and steps < MOST_STEPS and self.state != "TRAILER":
            steps += 1
            if self.state != "BODY":
                at = self._read_line(data, at)
                continue
            piece = view[at : at + self.length]
            pieces.append(piece)
            at += len(piece)
            self.length -= len(piece)
            if not self.length:
                self.state = "CRLF"
        return at

    def _read_line(self, data: bytes, at: int) -> int:
        """Read how much is in the next chunk, as far as the line has come; where that ends."""
        plain = _PLAIN.match(data, at) if self.state == "CRLF" and not self._buffer else None
        if plain is not None and (length := int(plain[1], 16)):
            self.length, self.state = length, "BODY"
            return plain.end()
        # To the end of this line, and none of the bytes of the chunk behind it.
        end = data.find(b"\n", at) + 1 or len(data)
        super().dataReceived(data[at:end])
        return end
