"""Tests of what Twisted's transports know."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.tcp import Connection, Server
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from glancetx.testing.http import MemoryTransport
from glancetx.web.transports import Progress, below_tls, send_now, unread
from tests.web.api import Api


class BelowTlsTests(SynchronousTestCase):
    """The transport of the network."""

    def test_plain(self) -> None:
        """Without TLS it is the one."""
        transport = MemoryTransport()
        self.assertIs(below_tls(transport), transport)

    def test_tls(self) -> None:
        """With TLS it is the one below."""
        outer, inner = MemoryTransport(), MemoryTransport()
        outer.transport = inner  # type: ignore[attr-defined]
        directlyProvides(outer, ISSLTransport)
        self.assertIs(below_tls(outer), inner)


class SendNowTests(SynchronousTestCase):
    """Bytes leave before the reactor asks the socket."""

    def setUp(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.reactor = MemoryReactorClock()
        self.connection = Connection(self.ours, None, self.reactor)  # type: ignore[arg-type]
        self.connection.connected = 1

    def test_written(self) -> None:
        """What was written is sent, and the reactor need not watch the socket any more."""
        self.connection.write(b"hello")
        self.assertEqual(self.reactor.writers, {self.connection})
        send_now(self.connection)
        self.assertEqual(self.theirs.recv(10), b"hello")
        self.assertEqual(self.reactor.writers, set())

    def test_no_room(self) -> None:
        """What the socket does not take is left to the reactor, in order."""
        with contextlib.suppress(BlockingIOError):
            while self.ours.send(bytes(1 << 20)):
                pass
        self.connection.write(b"hello")
        send_now(self.connection)
        self.assertEqual(self.reactor.writers, {self.connection})
        with contextlib.suppress(BlockingIOError):
            while self.theirs.recv(1 << 20):
                pass
        self.connection.doWrite()
        self.assertEqual(self.theirs.recv(10), b"hello")

    def test_nothing_written(self) -> None:
        """A socket that has nothing to send is not asked; its producer would take it for room."""
        self.patch(self.connection, "doWrite", lambda: self.fail("nothing was written"))
        send_now(self.connection)

    def test_closing(self) -> None:
        """The last bytes are the reactor's: it closes the connection behind them."""
        self.connection.write(b"hello")
        self.connection.loseConnection()
        send_now(self.connection)
        self.assertEqual(self.reactor.writers, {self.connection})
        self.assertIs(self.connection.doWrite(), CONNECTION_DONE)

    def test_half_closing(self) -> None:
        """Nor is the end of our side announced before the reactor comes to it."""
        self.connection.write(b"hello")
        self.connection.loseWriteConnection()
        send_now(self.connection)
        self.assertEqual(self.reactor.writers, {self.connection})

    def test_closed(self) -> None:
        """A socket that is closed is not asked for anything."""
        self.connection.write(b"hello")
        self.connection.connected = 0
        self.ours.close()
        del self.connection.socket
        self.connection.fileno = lambda: -1
        send_now(self.connection)
        self.assertEqual(unread(self.connection), 0)

    def test_gone(self) -> None:
        """A client that has left is found out by the reactor."""
        self.theirs.close()
        self.connection.write(b"hello")
        send_now(self.connection)
        self.assertEqual(self.reactor.writers, {self.connection})
        self.assertIs(self.connection.doWrite(), CONNECTION_LOST)

    def test_tls(self) -> None:
        """What TLS has yet to encrypt is not sent."""
        directlyProvides(self.connection, ISSLTransport)
        self.connection.write(b"hello")
        send_now(self.connection)
        self.assertEqual(self.reactor.writers, {self.connection})


class AnswerTests(SynchronousTestCase):
    """Of a server on a real socket whose reactor does not turn."""

    def ask(self, request: bytes) -> socket.socket:
        """A client that has sent this."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            self.addCleanup(client.close)
            client.setblocking(False)
            accepted, address = listener.accept()
        self.addCleanup(accepted.close)
        accepted.setblocking(False)
        channel = Api().site.buildProtocol(IPv4Address("TCP", *address))
        assert channel is not None
        reactor: Any = MemoryReactorClock()
        port: Any = None
        server = Server(accepted, channel, address, port, 0, reactor)
        channel.makeConnection(server)
        channel.dataReceived(request)
        return client

    def test_at_once(self) -> None:
        """An answer is out at once, and does not wait for others that the reactor works for."""
        for more in ("", "Connection: close\r\n"):
            client = self.ask(f"HEAD /versions HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode())
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200 "))


class ProgressTests(SynchronousTestCase):
    """Whether a client takes what is written."""

    def setUp(self) -> None:
        self.transport = MemoryTransport(send_buffer=0)
        self.transport.write(b"hello")
        self.progress = Progress(self.transport)

    def test_none(self) -> None:
        """Nothing taken."""
        self.assertFalse(self.progress.was_made())

    def test_some(self) -> None:
        """Each byte counts, once."""
        self.transport.taken(1)
        self.assertTrue(self.progress.was_made())
        self.assertFalse(self.progress.was_made())
        self.transport.taken(1)
        self.assertTrue(self.progress.was_made())

    def test_all(self) -> None:
        """When everything is taken, there is nothing to wait for."""
        self.transport.taken()
        self.assertFalse(self.progress.was_made())

    def test_unknown_transport(self) -> None:
        """A transport that keeps its count elsewhere makes no progress that we see."""
        self.assertFalse(Progress(object()).was_made())

    def test_sockets_keep_count(self) -> None:
        """What we read is there in the sockets of this Twisted."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        connection = Connection(ours, None, MemoryReactorClock())  # type: ignore[arg-type]
        self.assertEqual(len(connection.dataBuffer) - connection.offset, 0)
        self.assertEqual(connection._tempDataLen, 0)
