"""One connection of a client, watched: its head bounded, its end known, ended for sure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

#: Bytes that may come before the head of the final response is complete.
LARGEST_HEAD = 64 * 1024

#: Bytes that one read of the socket may bring.
READ_SIZE = 256 * 1024

_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5][0-9][0-9])\b")


class Line:
    """
    What one request knows of its connection, and may do to it.

    A connection that is kept serves one request after the other, each of which has a line of its
    own: to end a line that its connection has left behind ends nothing.

    ``on_status`` is called with the status as soon as it has come, which may be long before the
    response is told, if we are still sending.
    """

    def __init__(self) -> None:
        self.has_head = False
        self.head_size = 0
        self.status: int | None = None
        self.on_status: Callable[[int], None] = lambda _: None
        self.was_connected = False
        #: Whether the connection had served others before.
        self.was_kept = False
        #: Whether the other side ended the connection as one does after the last byte.
        self.was_closed_well = False
        self._connection: WatchedConnection | None = None

    def take(self, connection: WatchedConnection) -> None:
        """From now on the connection serves this line."""
        self.was_connected = True
        self.was_kept = connection.has_served
        self._connection = connection
        connection.has_served = True
        connection.line = self

    def abort(self) -> None:
        """End the connection now, if it still is ours."""
        connection = self._connection
        if connection is not None and connection.line is self and not connection.is_idle:
            connection.abortConnection()

    def received(self, data: bytes) -> None:
        """Notes what comes before the head is complete."""
        self.head_size += len(data)
        if self.status is None and (match := _STATUS.match(data)):
            self.status = int(match[1])
            self.on_status(self.status)


class WatchedConnection(ProtocolWrapper):
    """Counts the bytes of the head, and remembers how the connection ended."""

    line: Line | None = None
    has_served = False

    @property
    def is_idle(self) -> bool:
        """Whether it waits in a pool for whoever comes next."""
        client: Any = self.wrappedProtocol
        return bool(client.state == "QUIESCENT")

    def connectionMade(self) -> None:
        # Below TLS, if there is any; a TCP connection reads 64 KiB at once unless it is told.
        tcp: Any = getattr(self.transport, "transport", self.transport)
        tcp.bufferSize = READ_SIZE
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        line = self.line
        super().dataReceived(data)
        if line is not None and not line.has_head:
            line.received(data)
            if line.head_size > LARGEST_HEAD:
                self.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        line, self.line = self.line, None
        if line is not None:
            line.was_closed_well = reason is not None and reason.check(ConnectionDone) is not None
        super().connectionLost(reason)


class WatchedFactory(WrappingFactory):
    """Makes connections that are watched; with a line they serve it from the first byte on."""

    protocol = WatchedConnection
    noisy = False

    def __init__(self, factory: IProtocolFactory, line: Line | None = None) -> None:
        super().__init__(factory)
        self._line = line

    def buildProtocol(self, addr: Any) -> Any:
        connection: Any = super().buildProtocol(addr)
        if self._line is not None:
            self._line.take(connection)
        return connection
