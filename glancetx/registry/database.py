"""
A small pool of connections to PostgreSQL.

Whatever happens to the server, a statement ends: with its rows, with what the server says is wrong
with it, or with `RegistryUnavailable`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import psycopg2
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, ensureDeferred
from twisted.internet.error import DNSLookupError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from glancetx.deferreds import shield
from glancetx.errors import RegistryUnavailable
from glancetx.registry.connection import (
    TROUBLE,
    Arguments,
    Connection,
    IDatabaseReactor,
    Row,
    sentence_of,
)
from glancetx.registry.dsn import read_dsn
from glancetx.registry.slots import PoolUse, Slots

T = TypeVar("T")

log = Logger()


class Run(Protocol):
    """Runs one statement within a transaction; its rows, none when it gives none."""

    def __call__(self, statement: str, arguments: Arguments = None, /) -> Awaitable[list[Row]]: ...


class _Lost(Exception):
    """The connection broke under a statement: nobody knows whether it was carried out."""


class Database:
    """
    At most ``size`` connections, each made when it is first needed and made anew when it is lost.

    ``timeout`` bounds a statement, and the wait for a connection that others use;
    ``patience`` bounds the wait for a server that restarts; both are seconds.
    What is cancelled goes on unseen: half a statement would leave its connection in no known state.
    """

    def __init__(
        self,
        reactor: IDatabaseReactor,
        dsn: str,
        size: int = 8,
        timeout: float = 10.0,
        patience: float = 3.0,
    ) -> None:
        """
        :raises ValueError: when the DSN cannot be read.
        """
        self.dsn = read_dsn(dsn)
        self.reactor = reactor
        self._size = size
        self._timeout = timeout
        self._patience = patience
        self._slots = Slots(reactor, size, timeout)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._is_closed = False
        # The server stops a slow statement a little before we give up on the server.
        self._setup = f"SET TIME ZONE 'UTC'; SET statement_timeout = {max(1, round(timeout * 900))}"

    @property
    def use(self) -> PoolUse:
        """How the connections are used now."""
        return self._slots.use(len(self._busy), len(self._idle))

    def read(self, statement: str, arguments: Arguments = None) -> Deferred[list[Row]]:
        """
        The rows of a statement that changes nothing.

        It is repeated once when its connection breaks.

        :raises RegistryUnavailable: when the server does not answer in time, or too many wait.
        """
        # Nearly all that is asked begins by reading.
        return shield(self._read(statement, arguments))

    def write(self, statement: str, arguments: Arguments = None) -> Deferred[list[Row]]:
        """
        Run a statement that may change something; its rows.

        :raises RegistryUnavailable: when the server does not answer in time; unless it was gone
            before, the statement may have been carried out.
        """
        return shield(self._as_unavailable(self._write(statement, arguments)))

    def transaction(
        self, work: Callable[[Run], Awaitable[T]], timeout: float | None = None
    ) -> Deferred[T]:
        """
        Do work within one transaction, rolled back when the work raises; its connection is kept.

        :raises RegistryUnavailable: when the server is gone or does not answer in time.
        """

        async def begin_and_commit(connection: Connection) -> T:
            await connection.run("BEGIN")
            try:
                result = await work(connection.run)
            except Exception:
                with suppress(*TROUBLE):
                    await connection.run("ROLLBACK")
                raise
            await connection.run("COMMIT")
            return result

        return shield(self._as_unavailable(self._lend(begin_and_commit, timeout)))

    async def close(self) -> None:
        """Let running statements end, within their time, and hang up."""
        self._is_closed = True
        hang_up = self.reactor.callLater(self._timeout, self._hang_up)
        for _ in range(self._size):
            await self._slots.acquire()
        if hang_up.active():
            hang_up.cancel()
        self._hang_up()
        for _ in range(self._size):
            self._slots.release()

    def _hang_up(self) -> None:
        for connection in [*self._busy, *self._idle]:
            connection.close()
        self._idle.clear()

    async def _read(self, statement: str, arguments: Arguments) -> list[Row]:
        self._slots.check_begins()
        try:
            return await self._write(statement, arguments)
        except _Lost:
            return await self._as_unavailable(self._write(statement, arguments))

    async def _write(self, statement: str, arguments: Arguments) -> list[Row]:
        return await self._lend(lambda connection: connection.run(statement, arguments))

    async def _as_unavailable(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except _Lost as lost:
            raise RegistryUnavailable from lost.__cause__

    async def _lend(
        self, use: Callable[[Connection], Awaitable[T]], timeout: float | None = None
    ) -> T:
        """Let somebody use a connection; one that is not as good as new afterwards is closed."""
        if self._is_closed:
            raise RegistryUnavailable
        await self._slots.wait()
        try:
            connection = self._take_idle() or await self._connect()
            self._busy.add(connection)
            try:
                return await self._bounded(connection, use, timeout or self._timeout)
            finally:
                self._busy.remove(connection)
                if connection.is_idle:
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._slots.release()

    def _take_idle(self) -> Connection | None:
        """The connection that was used last, if it still works."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh:
                return connection
            connection.close()
        return None

    async def _bounded(
        self, connection: Connection, use: Callable[[Connection], Awaitable[T]], timeout: float
    ) -> T:
        """
        Use the connection for some time; after that it is closed, for the server may be frozen.

        :raises _Lost: when the connection broke before its time was over.
        """
        hang_up = self.reactor.callLater(timeout, connection.close)
        try:
            return await use(connection)
        except TROUBLE as trouble:
            log.warn("The registry failed: {trouble}", trouble=sentence_of(trouble))
            if connection.closed and hang_up.active():
                raise _Lost from trouble
            if not isinstance(trouble, CancelledError):
                connection.close()
            raise RegistryUnavailable from trouble
        finally:
            if hang_up.active():
                hang_up.cancel()

    async def _connect(self) -> Connection:
        """A new connection; a server that does not answer is given some time to restart."""
        deadline = self.reactor.seconds() + self._patience
        delay = 0.05
        while not self._is_closed:
            try:
                return await self._connect_once(max(0, deadline - self.reactor.seconds()))
            except (*TROUBLE, psycopg2.Error, DNSLookupError, TimeoutError) as error:
                trouble = error
            if self.reactor.seconds() + delay >= deadline:
                log.error("The registry cannot be reached: {trouble}", trouble=sentence_of(trouble))
                raise RegistryUnavailable from trouble
            await deferLater(self.reactor, delay)
            delay *= 2
        raise RegistryUnavailable

    async def _connect_once(self, limit: float) -> Connection:
        connection = Connection(self.reactor)
        lookup = ensureDeferred(self.dsn.resolved(self.reactor))
        address = await lookup.addTimeout(limit, self.reactor)
        hang_up = self.reactor.callLater(limit, connection.close)
        try:
            await connection.connect(address)
            await connection.run(self._setup)
        except BaseException:
            connection.close()
            raise
        finally:
            if hang_up.active():
                hang_up.cancel()
        return connection
