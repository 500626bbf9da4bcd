"""A daemon that also tells of itself, on a listener that Prometheus asks."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from glancetx.config import ConfigError
from glancetx.listening import address_text
from glancetx.metrics.exposition import exposition
from glancetx.metrics.monitor import Monitoring
from glancetx.web.monitoring import MonitoringSite

_log = Logger()


class Monitored(Protocol):
    """A server or a supervisor, as a daemon knows it, and what it knows of itself."""

    @property
    def monitor(self) -> Monitoring: ...
    @property
    def broken(self) -> Deferred[None]: ...
    async def start(self) -> None: ...
    async def reload(self) -> None: ...
    async def stop(self) -> None: ...
    def hurry(self) -> None: ...


class Listener:
    """
    The same server, with a listener beside it, from before it starts until it has ended.

    It is opened while the daemon has the rights to do so, and is no way in: it tells, and does
    nothing.
    """

    def __init__(self, reactor: Any, endpoint: str, server: Monitored) -> None:
        """
        :raises ConfigError: when the endpoint cannot be understood.
        """
        try:
            self._endpoint = serverFromString(reactor, endpoint)
        except Exception as error:  # noqa: BLE001 - plugins parse it, and certificates
            raise ConfigError(f"--metrics {endpoint!r} is not an endpoint: {error}") from None
        self._site = MonitoringSite(reactor, self._exposition, server.monitor.standings)
        self._server = server
        self._port: IListeningPort | None = None

    @property
    def broken(self) -> Deferred[None]:
        """As the server."""
        return self._server.broken

    async def start(self) -> None:
        """Listen, and then let the server start."""
        self._port = await self._endpoint.listen(self._site)
        _log.info("metrics on {address}", address=address_text(self._port.getHost()))
        await self._server.start()

    async def reload(self) -> None:
        """As the server."""
        await self._server.reload()

    async def stop(self) -> None:
        """Let the server end, and be seen to; then close the listener."""
        await self._server.stop()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
            self._site.cut()

    def hurry(self) -> None:
        """As the server."""
        self._server.hurry()

    async def _exposition(self, accept: str) -> tuple[bytes, str]:
        return exposition(await self._server.monitor.measure(), accept)
