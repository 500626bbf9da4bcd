"""The server of an account: it is known only after a login, and another login may name another."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.httpclient import Server

_log = Logger()


@define
class Servers:
    """Makes a server of the URL of an account, and keeps it with its connections."""

    _make: Callable[[str], Server]
    _servers: dict[str, Server] = field(factory=dict, init=False)

    def at(self, url: str) -> Server:
        """
        The server of this URL.

        :raises StoreUnavailable: when it is not one that we can ask.
        """
        if url not in self._servers:
            try:
                self._servers[url] = self._make(url)
            except ValueError as error:
                _log.error("Swift cannot be asked there: {error}", error=error)
                raise StoreUnavailable() from None
        return self._servers[url]

    async def close(self) -> None:
        """End the connections that nobody uses."""
        for server in self._servers.values():
            await server.close()
