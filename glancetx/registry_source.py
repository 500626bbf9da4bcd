"""Where the registry comes from: what ``--registry`` describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from attrs import define, field, frozen

from glancetx.config import ConfigError
from glancetx.interfaces import IRegistry
from glancetx.registry.database import Database
from glancetx.registry.embedded import EmbeddedPostgres
from glancetx.registry.memory import MemoryRegistry
from glancetx.registry.migrate import migrate
from glancetx.registry.postgres import PostgresRegistry

#: How many connections one daemon holds at most.
POOL_SIZE = 8


class RegistrySource(Protocol):
    """Opens the registry when the daemon starts, and closes it when it ends."""

    async def open(self) -> IRegistry:
        """The registry, its schema up to date."""

    async def close(self) -> None:
        """Let go of everything; also after an `open` that failed."""


@frozen
class _Memory:
    _reactor: Any

    async def open(self) -> IRegistry:
        return MemoryRegistry(self._reactor)

    async def close(self) -> None:
        pass


@define
class _Server:
    """A PostgreSQL that somebody else runs."""

    _database: Database

    async def open(self) -> IRegistry:
        await migrate(self._database)
        return PostgresRegistry(self._database)

    async def close(self) -> None:
        await self._database.close()


@define
class _Embedded:
    """A PostgreSQL of our own, in the data directory."""

    _reactor: Any
    _postgres: EmbeddedPostgres
    _server: _Server | None = field(default=None, init=False)

    async def open(self) -> IRegistry:
        await self._postgres.start()
        self._server = _Server(Database(self._reactor, self._postgres.dsn, size=POOL_SIZE))
        return await self._server.open()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()
        await self._postgres.stop()


def registry_source(reactor: Any, description: str, data: Path) -> RegistrySource:
    """
    The source that a description means. Opens nothing yet.

    :raises ConfigError: when it means none.
    """
    kind, _, rest = description.partition(":")
    if kind == "embedded" and not rest:
        return _Embedded(reactor, EmbeddedPostgres(reactor, data / "registry"))
    if kind == "memory" and not rest:
        return _Memory(reactor)
    if kind in ("postgresql", "postgres"):
        dsn = description if rest.startswith("//") else rest
        try:
            return _Server(Database(reactor, dsn, size=POOL_SIZE))
        except ValueError as error:
            raise ConfigError(f"--registry: {error}") from None
    raise ConfigError(
        "--registry must be embedded:, postgresql://USER@HOST/NAME, postgres:DSN or memory:, "
        f"and not of the kind {kind!r}"
    )
