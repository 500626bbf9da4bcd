"""Where the registry comes from: what ``--registry`` describes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.logger import Logger

from glancetx.config import ConfigError
from glancetx.interfaces import IRegistry
from glancetx.registry.database import Database
from glancetx.registry.dsn import named
from glancetx.registry.embedded import EmbeddedPostgres
from glancetx.registry.memory import MemoryRegistry
from glancetx.registry.migrate import expand, label, migrate, plan
from glancetx.registry.postgres import PostgresRegistry

#: How many connections one process holds at most, and how many those of a daemon share.
POOL_SIZE = 8
SHARED = 64

#: What others may need: commands, and whoever looks into the database by hand.
SPARE = 36

_log = Logger()


class RegistrySource(Protocol):
    """
    Opens the registry when the daemon starts, and closes it when it ends.

    ``address`` describes it to the daemon's workers once it is open; it may hold a password.
    """

    @property
    def address(self) -> str: ...

    async def open(self) -> IRegistry:
        """The registry, its schema as this code needs it."""

    async def close(self) -> None:
        """Let go of everything; also after an `open` that failed."""


class DatabaseSource(RegistrySource, Protocol):
    """As well for those who would rather not have the schema brought up to date."""

    async def connect(self) -> Database:
        """
        The database that the registry is in, whatever its schema.

        :raises ConfigError: when it is in none.
        """


@frozen
class _Memory:
    _reactor: Any
    address: str = "memory:"

    async def open(self) -> IRegistry:
        return MemoryRegistry(self._reactor)

    async def connect(self) -> Database:
        raise ConfigError("a registry in memory has no database")

    async def close(self) -> None:
        pass


@define
class _Server:
    """A PostgreSQL that somebody else runs."""

    address: str
    _database: Database
    _prepare: Callable[[Database], Awaitable[object]]

    async def open(self) -> IRegistry:
        await self._prepare(self._database)
        return PostgresRegistry(self._database)

    async def connect(self) -> Database:
        return self._database

    async def close(self) -> None:
        await self._database.close()


@define
class _Embedded:
    """A PostgreSQL of our own, in the data directory."""

    _reactor: Any
    _postgres: EmbeddedPostgres
    _server: _Server | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        return f"postgres:{self._postgres.dsn}"

    async def open(self) -> IRegistry:
        return await (await self._start()).open()

    async def connect(self) -> Database:
        return await (await self._start()).connect()

    async def _start(self) -> _Server:
        await self._postgres.start()
        database = _database(self._reactor, self._postgres.dsn, POOL_SIZE)
        # Nobody else is there yet.
        self._server = _Server(self.address, database, migrate)
        return self._server

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()
        await self._postgres.stop()


def pool_size(workers: int) -> int:
    """How many connections each of so many workers holds at most."""
    return max(2, min(POOL_SIZE, SHARED // workers))


def registry_source(reactor: Any, description: str, data: Path, workers: int = 1) -> DatabaseSource:
    """
    The source that a description means, for so many workers to join. Opens nothing yet.

    :raises ConfigError: when it means none.
    """
    kind, _, rest = description.partition(":")
    if kind == "embedded" and not rest:
        # While workers hand over, their predecessors, and even theirs, may still be at work.
        most = 3 * workers * pool_size(workers) + POOL_SIZE + SPARE
        settings = {"max_connections": str(max(100, most))}
        return _Embedded(reactor, EmbeddedPostgres(reactor, data / "registry", settings=settings))
    if kind == "memory" and not rest:
        return _Memory(reactor)
    if kind in ("postgresql", "postgres"):
        dsn = description if rest.startswith("//") else rest
        try:
            return _Server(description, _database(reactor, dsn, POOL_SIZE), _expand)
        except ValueError as error:
            raise ConfigError(f"--registry: {error}") from None
    raise ConfigError(
        "--registry must be embedded:, postgresql://USER@HOST/NAME, postgres:DSN or memory:, "
        f"and not of the kind {kind!r}"
    )


def joined_registry(reactor: Any, address: str, workers: int) -> RegistrySource:
    """The source for one of so many workers, of a registry that their supervisor has opened."""
    dsn = address if address.startswith("postgresql://") else address.partition(":")[2]
    return _Server(address, _database(reactor, dsn, pool_size(workers)), _leave)


def _database(reactor: Any, dsn: str, size: int) -> Database:
    return Database(reactor, named(dsn, label()), size=size)


async def _expand(database: Database) -> None:
    """Others may serve from it who are older; what they need is left to the operator."""
    await expand(database)
    if waiting := (await plan(database)).contract:
        _log.info(
            "The registry's schema waits for {names}: when no older daemon is left, run "
            "glancetx db migrate",
            names=", ".join(step.name for step in waiting),
        )


async def _leave(database: Database) -> None:
    """Whoever opened it before us has prepared it."""
