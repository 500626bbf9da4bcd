"""A client in memory: a test writes half a body, and sees when the server stops reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IProtocolFactory
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers


@frozen
class Response:
    """One response: status, headers, body; ``is_whole`` is false while it is still coming."""

    status: int
    headers: Headers
    body: bytes
    is_whole: bool

    def header(self, name: str) -> str | None:
        """The only value of a header, or None."""
        values = self.headers.getRawHeaders(name)
        return None if values is None else ", ".join(values)


class MemoryTransport(StringTransport):
    """
    A transport that keeps what is written, and remembers how it was closed.

    With a ``send_buffer`` it pauses its producer when the client has left more than so many bytes
    untaken, as a socket does; without one the client takes everything at once.
    """

    def __init__(self, send_buffer: int | None = None) -> None:
        super().__init__(
            hostAddress=IPv4Address("TCP", "127.0.0.1", 9292),
            peerAddress=IPv4Address("TCP", "127.0.0.1", 40000),
        )
        self.send_buffer = send_buffer
        self.unsent = 0
        self.dataBuffer, self.offset = b"", 0
        self.is_aborted = False
        self.is_write_closed = False

    def write(self, data: bytes) -> None:
        super().write(data)
        self._filled_by(len(data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def taken(self, size: int | None = None) -> None:
        """The client has taken so many of the untaken bytes, or all of them."""
        self.unsent = 0 if size is None else max(self.unsent - size, 0)
        if not self.unsent and self.producer is not None:
            self.producer.resumeProducing()

    def _filled_by(self, size: int) -> None:
        if self.send_buffer is None:
            return
        self.unsent += size
        if self.unsent > self.send_buffer and self.producer is not None:
            self.producer.pauseProducing()

    @property
    def _tempDataLen(self) -> int:  # noqa: N802 - where sockets of Twisted keep it
        return self.unsent

    # As sockets of Twisted do, and StringTransport does not: none of these ever complains.

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.producerState = "paused"

    def resumeProducing(self) -> None:
        if not self.disconnecting:
            self.producerState = "producing"

    def abortConnection(self) -> None:
        self.is_aborted = True
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        self.is_write_closed = True

    @property
    def is_reading(self) -> bool:
        """Whether the server takes more bytes off the network."""
        return self.producerState == "producing"


class MemoryClient:
    """
    One connection to a site.

    The site's factory is given; nothing of ours is imported.
    """

    def __init__(self, factory: IProtocolFactory, send_buffer: int | None = None) -> None:
        self.transport = MemoryTransport(send_buffer)
        protocol: Any = factory.buildProtocol(self.transport.getPeer())
        protocol.makeConnection(self.transport)
        self._protocol = protocol
        self._methods: list[str] = []

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | bytes] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a whole request, and return its response; a body is sent with its length."""
        self.begin(method, path, headers, None if body is None else len(body))
        if body:
            self.send(body)
        return self.response()

    def begin(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | bytes] | None = None,
        length: int | None = None,
    ) -> None:
        """Send the head of a request; ``length`` announces so many bytes of body."""
        self.transport.clear()
        self._methods.append(method)
        lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: glance.example:9292"]
        for name, value in (headers or {}).items():
            raw = value.encode("utf-8") if isinstance(value, str) else value
            lines.append(name.encode("utf-8") + b": " + raw)
        if length is not None:
            lines.append(b"Content-Length: %d" % length)
        self.send(b"\r\n".join(lines) + b"\r\n\r\n")

    def send(self, data: bytes) -> None:
        """
        Bytes that arrive at the server, whether or not it wants to read.

        They are lost when it has closed the connection.
        """
        if not self.transport.disconnecting:
            self._protocol.dataReceived(data)

    def send_chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; an empty one ends it."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def close_our_side(self) -> None:
        """Send FIN: the client has said everything, and goes on listening."""
        IHalfCloseableProtocol(self._protocol).readConnectionLost()

    def disconnect(self) -> None:
        """The connection is gone."""
        why = ConnectionAborted() if self.transport.is_aborted else ConnectionDone()
        producer, self.transport.producer = self.transport.producer, None
        if producer is not None:
            producer.stopProducing()
        self.transport.connected = False
        self._protocol.connectionLost(Failure(why))

    @property
    def written(self) -> bytes:
        """Everything the server wrote since the last request began."""
        return bytes(self.transport.value())

    @property
    def continues(self) -> int:
        """How often the server has said ``100 Continue``."""
        return self.written.count(b"HTTP/1.1 100 Continue\r\n\r\n")

    def response(self) -> Response:
        """
        What the server has answered so far, interim responses left out.

        :raises ValueError: when not even the head has come.
        """
        response, _ = _parse(self.written, self._methods[-1] if self._methods else "GET")
        return response

    def responses(self, *methods: str) -> list[Response]:
        """
        All responses to requests that were sent as bytes, in their order.

        :raises ValueError: when what is written is not a sequence of responses.
        """
        found, rest, left = [], self.written, list(methods)
        while rest:
            response, rest = _parse(rest, left.pop(0) if left else "GET")
            found.append(response)
        return found


def _parse(data: bytes, method: str) -> tuple[Response, bytes]:
    """The first final response in the data, and what follows it."""
    while True:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            raise ValueError(f"no response yet: {data!r}")
        status_line, *lines = head.split(b"\r\n")
        status = int(status_line.split(b" ")[1])
        if status >= 200:
            break
        data = rest
    headers = Headers()
    for line in lines:
        name, _, value = line.partition(b":")
        headers.addRawHeader(name, value.strip())
    body, rest, is_whole = _body(headers, rest, has_body=method != "HEAD")
    return Response(status, headers, body, is_whole), rest


def _body(headers: Headers, rest: bytes, *, has_body: bool) -> tuple[bytes, bytes, bool]:
    if not has_body:
        return b"", rest, True
    if headers.hasHeader("transfer-encoding"):
        return _unchunked(rest)
    length = int((headers.getRawHeaders("content-length") or ["0"])[0])
    return rest[:length], rest[length:], len(rest) >= length


def _unchunked(data: bytes) -> tuple[bytes, bytes, bool]:
    body = b""
    while True:
        size, separator, data = data.partition(b"\r\n")
        if not separator:
            return body, b"", False
        length = int(size, 16)
        if not length:
            return body, data.removeprefix(b"\r\n"), True
        body, data = body + data[:length], data[length + 2 :]
