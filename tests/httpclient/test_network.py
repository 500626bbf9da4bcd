"""The client over real sockets, plain and with TLS."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from typing import Any

from twisted.internet import reactor as real_reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from glancetx.errors import RemoteUnavailable
from glancetx.httpclient import Flow, Limits, Pieces, Server
from glancetx.streams import from_chunks
from tests.outbound.certificates import authority

MIB = 1024 * 1024


class Echo(Protocol):
    """Takes requests with a length, and answers each by the digest of what came with it."""

    factory: Any
    transport: Any

    def connectionMade(self) -> None:
        self.factory.connections.append(self)
        self._head = b""
        self._left = 0
        self._digest = hashlib.sha256()

    def dataReceived(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, blank, data = self._head.partition(b"\r\n\r\n")
            if not blank:
                return
            self._head = b""
            lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
            self._left = int(lengths[0].split(b": ")[1]) if lengths else 0
            self._digest = hashlib.sha256()
        self._digest.update(data)
        self._left -= len(data)
        if not self._left:
            answer = self._digest.hexdigest().encode("ascii")
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + answer)


class NetworkTests(TestCase):
    """Bytes arrive as they were sent, and connections are kept."""

    timeout = 30

    def serve(self, tls: Any = None) -> str:
        """Serve; the address."""
        reactor: Any = real_reactor
        factory: Any = Factory.forProtocol(Echo)
        factory.noisy = False
        factory.connections = []
        self.factory = factory
        if tls is None:
            port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, self.factory, tls, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self._end)
        scheme = "http" if tls is None else "https"
        return f"{scheme}://127.0.0.1:{port.getHost().port}"

    def _end(self) -> None:
        for connection in self.factory.connections:
            transport = connection.transport
            getattr(transport, "transport", transport).abortConnection()

    def client(self, url: str, ca: str = "") -> Server:
        server = Server(real_reactor, url, ca, Limits(head=10))
        self.addCleanup(server.close)
        return server

    async def asked_thrice(self, server: Server) -> None:
        """Each answer is the digest of what was sent."""
        pieces = [bytes([each]) * 100_000 for each in range(30)]
        expected = hashlib.sha256(b"".join(pieces)).hexdigest().encode("ascii")
        for _ in range(3):
            answer = await server.ask("PUT", "/", content=Pieces(pieces))
            self.assertEqual(await answer.read(100), expected)

    async def test_pieces(self) -> None:
        """What is in memory comes whole, over one connection."""
        await self.asked_thrice(self.client(self.serve()))
        self.assertEqual(len(self.factory.connections), 1)

    async def test_tls(self) -> None:
        """So it does with TLS."""
        pem, options = authority("127.0.0.1")
        await self.asked_thrice(self.client(self.serve(options), pem))
        self.assertEqual(len(self.factory.connections), 1)

    async def test_unknown_authority(self) -> None:
        """A server that nobody vouches for is none (R30)."""
        _, options = authority("127.0.0.1")
        with self.assertRaises(RemoteUnavailable):
            await self.client(self.serve(options)).ask("GET", "/")

    async def test_nobody_there(self) -> None:
        """A port where nobody listens is an unavailable server."""
        with self.assertRaises(RemoteUnavailable):
            await self.client("http://127.0.0.1:1").ask("GET", "/")

    async def test_flow(self) -> None:
        """What flows comes whole, and is not held."""
        digest = hashlib.sha256()

        async def source() -> AsyncGenerator[bytes, None]:
            for each in range(64):
                chunk = bytes([each]) * MIB
                digest.update(chunk)
                yield chunk

        stream = from_chunks(source(), 64 * MIB)
        answer = await self.client(self.serve()).ask("PUT", "/", {}, Flow(stream, 64 * MIB))
        self.assertEqual(await answer.read(100), digest.hexdigest().encode("ascii"))
