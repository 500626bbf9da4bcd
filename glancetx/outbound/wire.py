"""The connection of one request: made to a checked address, its head bounded, ended for sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTCP,
    IStreamClientEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from glancetx.deferreds import as_deferred
from glancetx.outbound.addresses import Address

#: Bytes that may come before the head of the final response is complete.
LARGEST_HEAD = 64 * 1024

#: Bytes that one read of the socket may bring.
READ_SIZE = 256 * 1024

#: Of one name so many addresses are tried.
MOST_ATTEMPTS = 4


class _Watched(ProtocolWrapper):
    """Counts the bytes of the head, and remembers how the connection ended."""

    factory: _Watching

    def connectionMade(self) -> None:
        self.factory.wire.transport = self
        # Below TLS, if there is any; a TCP connection reads 64 KiB at once unless it is told.
        tcp: Any = getattr(self.transport, "transport", self.transport)
        tcp.bufferSize = READ_SIZE
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        wire = self.factory.wire
        super().dataReceived(data)
        if not wire.has_head:
            wire.head_size += len(data)
            if wire.head_size > LARGEST_HEAD:
                self.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        wire = self.factory.wire
        wire.was_closed_well = reason is not None and reason.check(ConnectionDone) is not None
        wire.transport = None
        super().connectionLost(reason)


class _Watching(WrappingFactory):
    protocol = _Watched
    noisy = False

    def __init__(self, wire: Wire, factory: IProtocolFactory) -> None:
        super().__init__(factory)
        self.wire = wire


@implementer(IStreamClientEndpoint, IAgentEndpointFactory)
class Wire:
    """
    A way to some addresses that were checked, for one request.

    It is the endpoint and the endpoint factory of an Agent, which therefore cannot connect
    anywhere else, whatever it reads in a URL: no name is resolved here.
    """

    def __init__(
        self,
        reactor: IReactorTCP,
        addresses: Sequence[Address],
        port: int,
        tls: IOpenSSLClientConnectionCreator | None,
        timeout: float,
    ) -> None:
        self._reactor = reactor
        self._addresses = addresses[:MOST_ATTEMPTS]
        self._port = port
        self._tls = tls
        self._timeout = timeout / max(len(self._addresses), 1)
        self.transport: _Watched | None = None
        self.has_head = False
        self.head_size = 0
        #: Whether the other side ended the connection as one does after the last byte.
        self.was_closed_well = False

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return as_deferred(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        *others, last = self._addresses
        for address in others:
            try:
                return await self._connect_to(address, factory)
            except ConnectError:
                continue
        return await self._connect_to(last, factory)

    async def _connect_to(self, address: Address, factory: IProtocolFactory) -> IProtocol:
        make = TCP4ClientEndpoint if address.version == 4 else TCP6ClientEndpoint
        endpoint: IStreamClientEndpoint = make(
            self._reactor, str(address), self._port, timeout=self._timeout
        )
        if self._tls is not None:
            endpoint = wrapClientTLS(self._tls, endpoint)
        watched: Any = await endpoint.connect(_Watching(self, factory))
        return IProtocol(watched.wrappedProtocol)

    def abort(self) -> None:
        """End the connection now, if there still is one."""
        if self.transport is not None:
            self.transport.abortConnection()
