"""
Sockets that a supervisor opens and its workers accept from.

A TCP port has one socket for each worker (``SO_REUSEPORT``), between which the kernel spreads
connections evenly; from a socket in the file system, or one that systemd made, all accept.
The supervisor holds all of them for as long as it lives, so that no connection is lost that waits
for a worker's successor.

Whatever kind of endpoint is described, in the end it asks the reactor for a port.
So the supervisor lets it ask a `Binder`, which keeps the sockets, and a worker lets the same
endpoint ask an `Heir`, which hands them out in the same order.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet import unix
from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import directlyProvides, providedBy

from glancetx.config import ConfigError


class _Listening:
    """The reactor, but for its ways to listen."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        raise NotImplementedError

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> Any:
        encrypted = TLSMemoryBIOFactory(contextFactory, False, factory)
        return self.listenTCP(port, encrypted, backlog, interface)


class Binder(_Listening):
    """Opens sockets for so many workers, and accepts nothing from them."""

    def __init__(self, reactor: Any, workers: int) -> None:
        super().__init__(reactor)
        #: Where the endpoints can be reached, for people.
        self.addresses: list[str] = []
        #: The sockets that a worker must find under the numbers that they have here: systemd's.
        self.fixed: dict[int, int] = {}
        self._workers = workers
        self._handed: list[Sequence[int]] = []
        self._sockets: list[socket.socket] = []
        self._ports: list[unix.Port] = []

    async def open(self, listen: Sequence[str], endpoints: Sequence[Any]) -> None:
        """
        Open the sockets of the endpoints, which ``listen`` describes.

        :raises CannotListenError: when one cannot be had.
        :raises OSError: likewise.
        :raises ConfigError: when a kind of endpoint has none that could be shared.
        """
        for text, endpoint in zip(listen, endpoints, strict=True):
            before = len(self.addresses)
            await endpoint.listen(Factory())
            if len(self.addresses) == before:
                raise ConfigError(
                    f"--listen {text!r} has no socket that workers could share: say --workers 1"
                )

    def handed_to(self, number: int) -> list[int]:
        """The descriptors for worker ``number``, counted from 1, in the order of its endpoints."""
        return [descriptors[(number - 1) % len(descriptors)] for descriptors in self._handed]

    async def close(self) -> None:
        """Connections are refused as soon as the workers have closed theirs, too."""
        for port in self._ports:
            # Else all the workers' accepting would fail before they have stopped it.
            port._shouldShutdown = False
            await maybeDeferred(port.stopListening)
        for each in self._sockets:
            each.close()

    # -- the reactor's

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> None:
        try:
            sockets = self._bound(port, interface)
        except OSError as error:
            raise CannotListenError(interface, port, error) from error
        for each in sockets:
            each.listen(backlog)
            each.setblocking(False)
        self._handed.append([each.fileno() for each in sockets])
        self._note(sockets[0])

    def listenUNIX(
        self,
        address: str,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> None:
        port = self._reactor.listenUNIX(address, factory, backlog, mode, wantPID)
        port.stopReading()
        self._ports.append(port)
        self._handed.append([port.fileno()])
        self._note(port.socket)

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> None:
        # Whoever hands it to us closes it afterwards.
        held = socket.socket(fileno=os.dup(fileDescriptor))
        self._sockets.append(held)
        self.fixed[fileDescriptor] = held.fileno()
        self._note(held)

    def _bound(self, port: int, interface: str) -> list[socket.socket]:
        """A socket for each worker, all bound to the same port."""
        family, address = socket.AF_INET, (interface, port)
        if isIPv6Address(interface):
            family = socket.AF_INET6
            found = socket.getaddrinfo(interface, 1, flags=socket.AI_NUMERICHOST)
            address = (found[0][4][0], port, *found[0][4][2:])
        sockets: list[socket.socket] = []
        for number in range(self._workers):
            each = socket.socket(family)
            self._sockets.append(each)
            sockets.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if number:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(address)
            if not number:
                # Not before: we would share the port with others who allow it, such as ourselves.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                address = each.getsockname()
        return sockets

    def _note(self, bound: socket.socket) -> None:
        self.addresses.append(_text_of(bound.getsockname()))


class _InheritedUnixPort(unix.Port):
    """A port whose path is not ours to change or to remove, nor its socket to shut for others."""

    _shouldShutdown = False

    def __init__(self, *args: Any, **details: Any) -> None:
        super().__init__(*args, **details)
        # Twisted touches no path that begins with NUL.
        self._bindPath = b"\0" + self._bindPath

    def _logConnectionLostMsg(self) -> None:
        """Nothing, for it would be with that NUL."""


class Heir(_Listening):
    """Listens to sockets that were handed down, in the order in which they were opened."""

    def __init__(self, reactor: Any, descriptors: Sequence[int]) -> None:
        super().__init__(reactor)
        self._descriptors = list(descriptors)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        family = socket.AF_INET6 if isIPv6Address(interface) else socket.AF_INET
        return self._inherit(family, factory)

    def listenUNIX(
        self,
        address: str,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> Any:
        return self._inherit(socket.AF_UNIX, factory)

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Any:
        if addressFamily != socket.AF_UNIX:
            return self._reactor.adoptStreamPort(fileDescriptor, addressFamily, factory)
        port = _InheritedUnixPort._fromListeningDescriptor(self._reactor, fileDescriptor, factory)
        port.startListening()
        return port

    def _inherit(self, family: int, factory: Any) -> Any:
        descriptor = self._descriptors.pop(0)
        port = self.adoptStreamPort(descriptor, family, factory)
        os.close(descriptor)
        return port


def numbered(handed: Sequence[int], fixed: Mapping[int, int]) -> tuple[dict[int, int], list[int]]:
    """
    Under which number a worker gets each descriptor, and the numbers of ``handed`` alone.

    Standard input, output and errors come before them.
    """
    first = max([2, *fixed]) + 1
    numbers = list(range(first, first + len(handed)))
    return {**fixed, **dict(zip(numbers, handed, strict=True))}, numbers


def _text_of(name: Any) -> str:
    """The name of a socket, for people."""
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return os.fsdecode(name)
