"""The connection of one request: made to an address that was checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTCP,
    IStreamClientEndpoint,
)
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from glancetx.deferreds import as_deferred
from glancetx.httpclient.line import Line, WatchedFactory
from glancetx.outbound.addresses import Address

#: Of one name so many addresses are tried.
MOST_ATTEMPTS = 4


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
        self.line = Line()

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
        watched: Any = await endpoint.connect(WatchedFactory(factory, self.line))
        return IProtocol(watched.wrappedProtocol)

    def abort(self) -> None:
        """End the connection now, if there still is one."""
        self.line.abort()
