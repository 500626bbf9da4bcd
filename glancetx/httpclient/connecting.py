"""How an Agent gets the connections of a server, and a request its line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.web.client import URI, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from glancetx.httpclient.line import Line, WatchedFactory


@implementer(IAgentEndpointFactory)
class Connecting:
    """Connects to any address of a host, with TLS or without, in ``timeout`` seconds."""

    def __init__(
        self, reactor: Any, tls: IOpenSSLClientConnectionCreator | None, timeout: float
    ) -> None:
        self._reactor = reactor
        self._tls = tls
        self._timeout = timeout

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        host = uri.host.decode("ascii").strip("[]")
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, host, uri.port, timeout=self._timeout
        )
        if self._tls is not None:
            endpoint = wrapClientTLS(self._tls, endpoint)
        return _Watching(endpoint)


@implementer(IStreamClientEndpoint)
class _Watching:
    """An endpoint whose connections are watched."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        connecting: Deferred[Any] = self._endpoint.connect(WatchedFactory(protocolFactory))
        return connecting.addCallback(lambda watched: watched.wrappedProtocol)


class Seat:
    """
    What one request's Agent takes for its pool.

    The pool's connection, new or kept, serves the request's line as soon as it is there.
    """

    def __init__(self, pool: HTTPConnectionPool, line: Line) -> None:
        self.persistent: bool = pool.persistent
        self._pool = pool
        self._line = line

    def getConnection(self, key: Hashable, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        return self._pool.getConnection(key, endpoint).addCallback(self._sit)

    def _sit(self, client: Any) -> Any:
        # The client's transport is the watched connection.
        self._line.take(client.transport)
        return client
