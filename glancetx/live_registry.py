"""The registry of an installation whose daemon may be running."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.task import deferLater

from glancetx.config import ConfigError
from glancetx.data_directory import DataInUse, claim, visit
from glancetx.registry.database import Database
from glancetx.registry.migrate import SchemaMismatch, plan
from glancetx.registry.postgres import PostgresRegistry
from glancetx.registry.running import RunningCluster
from glancetx.registry_source import DatabaseSource, registry_source

#: Seconds for a daemon that is just starting or ending.
PATIENCE = 10.0

#: Seconds of waiting for others after which somebody is told what for.
SILENCE = 2.0


@define
class LiveRegistry:
    """
    Opens the registry beside a daemon, and never ends what the daemon started.

    The server of an embedded registry is the daemon's while one holds the data directory.
    Without a daemon it is started for the moment, and no daemon can start meanwhile; others like
    us join it as they would join a daemon's.
    """

    _reactor: Any
    _description: str
    _data: Path
    _source: DatabaseSource | None = field(default=None, init=False)
    _cluster: RunningCluster | None = field(default=None, init=False)
    _claim: int | None = field(default=None, init=False)
    _visit: int | None = field(default=None, init=False)

    async def open(self) -> PostgresRegistry:
        """
        The registry, as long as its schema is the one that we know: to change it is for others.

        :raises SchemaMismatch: when it is another one.
        :raises ConfigError, EmbeddedFailure: as `connect`.
        :raises RegistryUnavailable: when it does not answer.
        """
        database = await self.connect()
        if missing := (await plan(database)).expand:
            raise SchemaMismatch(
                f"The registry's database lacks {missing[0].name}: "
                "start a daemon of this version, or run glancetx db migrate"
            )
        return PostgresRegistry(database)

    async def connect(self) -> Database:
        """
        The registry's database, whatever its schema.

        :raises ConfigError: when there is none, or none that anybody else can reach.
        :raises EmbeddedFailure: when an embedded one cannot be started.
        """
        kind, _, rest = self._description.partition(":")
        if kind == "memory":
            raise ConfigError("a registry in memory can be reached by nobody but its daemon")
        if kind == "embedded" and not rest:
            self._source = await self._embedded()
        else:
            self._source = registry_source(self._reactor, self._description, self._data)
        return await self._source.connect()

    async def close(self) -> None:
        """Let go of everything; also after an `open` that failed."""
        try:
            if self._claim is not None:
                self._visit = await self._alone()
        finally:
            if self._source is not None:
                await self._source.close()
            if self._cluster is not None:
                self._cluster.close()
            for lock in self._visit, self._claim:
                if lock is not None:
                    os.close(lock)

    async def _alone(self) -> int:
        """Wait until nobody who has joined our server needs it any more."""
        told_at = self._reactor.seconds() + SILENCE
        while (lock := visit(self._data, alone=True)) is None:
            if self._reactor.seconds() >= told_at:
                told_at = float("inf")
                print("glancetx: waits for another command that uses the registry", file=sys.stderr)
            await deferLater(self._reactor, 0.1)
        return lock

    async def _embedded(self) -> DatabaseSource:
        directory = self._data / "registry"
        if not directory.is_dir():
            raise ConfigError(f"there is no registry in {self._data}")
        deadline = self._reactor.seconds() + PATIENCE
        while True:
            try:
                self._claim = claim(self._data)
            except DataInUse:
                self._join(directory)
            else:
                return registry_source(self._reactor, self._description, self._data)
            if self._cluster is not None:
                address = f"postgres:{self._cluster.dsn}"
                return registry_source(self._reactor, address, self._data)
            if self._reactor.seconds() >= deadline:
                raise ConfigError(
                    f"the daemon that uses {self._data} runs no registry there: "
                    "name its own with --registry"
                )
            await deferLater(self._reactor, 0.1)

    def _join(self, directory: Path) -> None:
        """Find the server that runs in the directory, unless its owner is about to end it."""
        lock = visit(self._data)
        if lock is None:
            return
        self._cluster = RunningCluster.at(directory)
        if self._cluster is None:
            os.close(lock)
        else:
            self._visit = lock
