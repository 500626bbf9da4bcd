"""What Twisted's transports know, and their interfaces do not say."""

from __future__ import annotations

import fcntl
import sys
import termios
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import ISSLTransport


def below_tls(transport: Any) -> Any:
    """The transport that reads and writes the network: under TLS, the one below."""
    if ISSLTransport.providedBy(transport) and hasattr(transport, "transport"):
        return transport.transport
    return transport


def socket_below(transport: Any) -> FileDescriptor | None:
    """The transport as the owner of a socket that takes bytes as they are; None under TLS."""
    is_plain = isinstance(transport, FileDescriptor) and not ISSLTransport.providedBy(transport)
    return transport if is_plain else None


def send_now(transport: Any) -> None:
    """
    Have the socket take what was written, if it can, before the reactor asks for it.

    What goes wrong will go wrong again when the reactor asks; one that is to be closed, or half of
    it, is left to the reactor altogether.
    """
    socket = socket_below(transport)
    if socket is None or not socket.connected or not _unsent(socket):
        return
    if not (socket.disconnecting or socket._writeDisconnecting):
        socket.doWrite()


def untaken(socket: FileDescriptor) -> int:
    """How many bytes the other side has not taken (tcp(7), SIOCOUTQ); 0 when nobody knows."""
    return _asked(socket, termios.TIOCOUTQ)


def unread(socket: FileDescriptor) -> int:
    """How many bytes have come that we have not read (tcp(7), SIOCINQ); 0 when nobody knows."""
    return _asked(socket, termios.FIONREAD)


def _asked(socket: FileDescriptor, what: int) -> int:
    try:
        answer = fcntl.ioctl(socket.fileno(), what, bytes(4))
    except (OSError, ValueError):
        # A ValueError when it has been closed.
        return 0
    return int.from_bytes(answer, sys.byteorder)


class Progress:
    """
    Whether a client takes what was written to its transport.

    A transport tells its producer only when everything is gone, which may take a slow client very
    long; and a client that takes one byte now and then is alive.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = below_tls(transport)
        self._unsent = _unsent(self._transport)

    def was_made(self) -> bool:
        """Whether the client has taken something, though not all, since this was last asked."""
        before, self._unsent = self._unsent, _unsent(self._transport)
        return 0 < self._unsent < before


def _unsent(transport: Any) -> int:
    """How many bytes the network has not taken; 0 when nobody knows."""
    try:
        gathered: int = transport._tempDataLen
        return len(transport.dataBuffer) - int(transport.offset) + gathered
    except AttributeError:
        return 0
