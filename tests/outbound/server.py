"""A web server on loopback that answers as badly as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import TestCase
from zope.interface import implementer


class Then(Enum):
    """What happens after some bytes."""

    CLOSE = auto()
    CUT = auto()
    HANG = auto()


CLOSE, CUT, HANG = Then


@frozen
class Request:
    """What a client asked for; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


Step = bytes | Then
Handler = Callable[[Request], Sequence[Step]]


def head(status: str, *headers: str) -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1")


@implementer(IPullProducer)
class Connection(LineReceiver):
    """Reads one request, then plays the steps."""

    factory: Any
    transport: Any

    def connectionMade(self) -> None:
        self._lines: list[str] = []
        self._steps: list[Step] = []
        self._sent = 0

    def lineReceived(self, line: bytes) -> None:
        if line:
            self._lines.append(line.decode("latin-1"))
            return
        method, path, _ = self._lines[0].split(" ")
        fields = (field.split(": ", 1) for field in self._lines[1:])
        request = Request(method, path, {name.lower(): value for name, value in fields})
        self.factory.requests.append(request)
        # A pull producer that writes nothing is not asked again.
        self._steps = [step for step in self.factory.handler(request) if step != b""]
        self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        step = self._steps[0] if self._steps else CLOSE
        if isinstance(step, bytes):
            self.transport.write(step[self._sent : self._sent + 65_536])
            self._sent += 65_536
            if self._sent >= len(step):
                del self._steps[0]
                self._sent = 0
            return
        self.transport.unregisterProducer()
        if step is CLOSE:
            self.transport.loseConnection()
        elif step is CUT:
            self.transport.abortConnection()

    def stopProducing(self) -> None:
        self._steps = [HANG]


class Server(Factory):
    """Answers each request by its ``handler``, and remembers all ``requests``."""

    protocol = Connection
    noisy = False

    def __init__(self, test: TestCase, handler: Handler, tls: Any = None) -> None:
        from twisted.internet import reactor

        self.handler = handler
        self.requests: list[Request] = []
        self._connections: list[Any] = []
        any_reactor: Any = reactor
        if tls is None:
            listening = any_reactor.listenTCP(0, self, interface="127.0.0.1")
        else:
            listening = any_reactor.listenSSL(0, self, tls, interface="127.0.0.1")
        self.port = listening.getHost().port
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        test.addCleanup(self._end)
        test.addCleanup(listening.stopListening)

    def buildProtocol(self, addr: Any) -> Any:
        connection = super().buildProtocol(addr)
        self._connections.append(connection)
        return connection

    def _end(self) -> None:
        for connection in self._connections:
            # Below TLS, if there is any, which may be over before its connection is.
            getattr(connection.transport, "transport", connection.transport).abortConnection()

    def close_rudely(self) -> None:
        """End the last connection as TCP does, without a word of TLS."""
        self._connections[-1].transport.transport.loseConnection()


class Resource:
    """Serves some bytes under any path, with ranges and a validator, as good servers do."""

    def __init__(self, data: bytes, *, tag: str | None = '"one"', ranges: bool = True) -> None:
        self.data = data
        self.tag = tag
        self.ranges = ranges

    def __call__(self, request: Request) -> Sequence[Step]:
        if request.path == "/missing":
            return [head("404 Not Found", "Content-Length: 0")]
        size = len(self.data)
        headers = [f"ETag: {self.tag}"] if self.tag else []
        if self.ranges:
            headers.append("Accept-Ranges: bytes")
        wanted = request.headers.get("range") if self.ranges else None
        if request.headers.get("if-range", self.tag) != self.tag:
            wanted = None
        if wanted is None:
            start = head("200 OK", f"Content-Length: {size}", *headers)
            return [start] if request.method == "HEAD" else [start, self.data]
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1 if last else size, size)
        if begin >= size:
            return [
                head(
                    "416 Range Not Satisfiable",
                    f"Content-Range: bytes */{size}",
                    "Content-Length: 0",
                )
            ]
        part = self.data[begin:end]
        return [
            head(
                "206 Partial Content",
                f"Content-Range: bytes {begin}-{end - 1}/{size}",
                f"Content-Length: {len(part)}",
                *headers,
            ),
            part,
        ]
