"""What a server said: status, headers, and a body that may be poured or dropped."""

from __future__ import annotations

import re
import weakref
from contextlib import aclosing
from typing import Any

from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from glancetx.errors import RemoteBroken, TooLarge
from glancetx.httpclient.body import Body
from glancetx.httpclient.line import LARGEST_HEAD, Line
from glancetx.interfaces import IByteStream
from glancetx.streams import chunks

#: Header fields that an answer may have.
MOST_FIELDS = 256

_LENGTH = re.compile("[0-9]{1,19}")


class Answer:
    """
    One answer. Pour its ``body``, `read` it, or `close` it.

    One that is forgotten ends its connection when it is.
    ``length`` is the announced size of the body in bytes, or None.
    """

    def __init__(self, reactor: Any, response: IResponse, line: Line, idle: float) -> None:
        self.status: int = response.code
        self._headers = response.headers
        self._line = line
        self.length = self._length(response)
        self.body: IByteStream = Body(reactor, response, line, self.length, idle)
        # The collector may run in any thread.
        weakref.finalize(self.body, reactor.callFromThread, line.abort).atexit = False

    def header(self, name: str) -> str | None:
        """
        The value of a header, or None when it is absent.

        :raises RemoteBroken: when it is there twice with different values: then none is to trust.
        """
        raw = self._headers.getRawHeaders(name.encode("ascii"), ())
        values = {value.decode("latin-1").strip() for value in raw}
        if len(values) > 1:
            raise RemoteBroken()
        return values.pop() if values else None

    def close(self) -> None:
        """Give up whatever is still to come, and the connection with it."""
        self._line.abort()

    async def read(self, limit: int) -> bytes:
        """
        The whole body, for small documents.

        :raises TooLarge: when it has more than ``limit`` bytes.
        :raises RemoteBroken: as the body.
        """
        received = bytearray()
        async with aclosing(chunks(self.body)) as incoming:
            async for chunk in incoming:
                received += chunk
                if len(received) > limit:
                    raise TooLarge(f"The remote server gave more than {limit} bytes")
        return bytes(received)

    def _length(self, response: IResponse) -> int | None:
        if response.request.method == b"HEAD":
            value = self.header("Content-Length") or ""
            return int(value) if _LENGTH.fullmatch(value) else None
        return None if response.length is UNKNOWN_LENGTH else response.length


def has_bounded_head(response: IResponse) -> bool:
    """Whether a head is of a size that one may keep."""
    fields = [
        (name, value) for name, values in response.headers.getAllRawHeaders() for value in values
    ]
    size = sum(len(name) + len(value) for name, value in fields)
    return len(fields) <= MOST_FIELDS and size <= LARGEST_HEAD
