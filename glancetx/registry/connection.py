"""One connection to PostgreSQL, on the reactor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from select import POLLERR, POLLHUP, POLLIN, poll
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionClosed
from txpostgres.txpostgres import Connection as TxConnection

#: A row, its columns in the order of the statement.
Row = tuple[Any, ...]
Arguments = Sequence[object] | Mapping[str, object] | None

#: What goes wrong between us and the server, and not by a mistake in a statement.
#: The driver turns the end of a statement that the server stopped, as it does with those whose time
#: is over, into CancelledError.
TROUBLE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.errors.ReadOnlySqlTransaction,
    ConnectionClosed,
    CancelledError,
)


def sentence_of(trouble: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(trouble).split()) or type(trouble).__name__


class Connection(TxConnection):  # type: ignore[misc]
    """
    A connection that tells whether it can still be used.

    One that breaks while nobody uses it is closed, which is no error of the program's.
    """

    def doRead(self) -> None:
        with self._closed_by_trouble():
            super().doRead()

    def doWrite(self) -> None:
        # The reactor writes in the same round in which reading has found the server gone.
        with self._closed_by_trouble():
            super().doWrite()

    @contextmanager
    def _closed_by_trouble(self) -> Iterator[None]:
        try:
            yield
        except (psycopg2.Error, ValueError):
            # A ValueError of the reactor's: the driver has let go of the socket and not said so.
            self.close()

    def close(self) -> None:
        """Hang up, in whatever state it is; a statement under way fails with ConnectionDone."""
        if self.pollable() is not None:
            super().close()

    @property
    def is_idle(self) -> bool:
        """Whether it is open and within no transaction."""
        return not self.closed and self.info.transaction_status == TRANSACTION_STATUS_IDLE

    @property
    def is_fresh(self) -> bool:
        """
        Whether it is idle and the server has not hung up.

        A connection without work to do has nothing to read, but the server's farewell.
        """
        if not self.is_idle:
            return False
        waiting = poll()
        waiting.register(self.fileno(), POLLIN | POLLERR | POLLHUP)
        return not waiting.poll(0)

    async def run(self, statement: str, arguments: Arguments = None) -> list[Row]:
        """Run one statement in autocommit mode; its rows, none when it gives none."""
        cursor = self.cursor()
        await cursor.execute(statement, arguments)
        rows: list[Row] = cursor.fetchall() if cursor.description else []
        return rows
