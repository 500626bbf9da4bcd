"""One connection to PostgreSQL, on the reactor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import JSONDecoder
from select import POLLERR, POLLHUP, POLLIN, poll
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extensions import (
    POLL_OK,
    POLL_WRITE,
    TRANSACTION_STATUS_IDLE,
    new_type,
    register_type,
)
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorFDSet, IReactorPluggableNameResolver, IReactorTime
from twisted.python.failure import Failure
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


#: PostgreSQL's number of the type jsonb.
_JSONB_OID = 3802

_decode = JSONDecoder().raw_decode


def _read_jsonb(text: str | bytes | None, cursor: object) -> Any:
    # There is no blank around what the server writes: to look for one takes as long as the rest.
    return None if text is None else _decode(str(text))[0]


_JSONB = new_type((_JSONB_OID,), "JSONB", _read_jsonb)


class IDatabaseReactor(IReactorTime, IReactorFDSet, IReactorPluggableNameResolver):
    """What a database asks of the reactor."""


def sentence_of(trouble: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(trouble).split()) or type(trouble).__name__


def _as_trouble(error: psycopg2.Error) -> psycopg2.Error:
    """The driver does not always notice that what it could not read was the server's end."""
    if type(error) is psycopg2.DatabaseError:
        return psycopg2.OperationalError(str(error))
    return error


class Connection(TxConnection):  # type: ignore[misc]
    """
    A connection that tells whether it can still be used, and runs one statement at a time.

    One that breaks while nobody uses it is closed, which is no error of the program's.

    Statements are run without txpostgres' cursors: it is always us who read, so that a statement
    need not be announced to the reactor and withdrawn, and its rows are told in the round in which
    they have come.
    """

    _answer: Deferred[None] | None = None
    #: The socket's number for the reactor, once we are connected: the driver closes its own when
    #: it likes, and the reactor could not forget that any more.
    _number = -1

    def connect(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
        def connected(result: Any) -> Any:
            self.reactor.removeReader(self)
            register_type(_JSONB, self.pollable())
            self._number = os.dup(self.pollable().fileno())
            self.reactor.addReader(self)
            return result

        connecting: Deferred[Any] = super().connect(*args, **kwargs)
        return connecting.addCallback(connected)

    async def run(self, statement: str, arguments: Arguments = None) -> list[Row]:
        """Run one statement in autocommit mode; its rows, none when it gives none."""
        cursor = self.pollable().cursor()
        cursor.execute(statement, arguments)
        answer = self._answer = Deferred()
        self._go_on()
        await answer
        return cursor.fetchall() if cursor.description else []

    def doRead(self) -> None:
        with self._closed_by_trouble():
            if self._number >= 0:
                self._go_on()
            else:
                super().doRead()

    def doWrite(self) -> None:
        # The reactor writes in the same round in which reading has found the server gone.
        with self._closed_by_trouble():
            if self._number >= 0:
                self.reactor.removeWriter(self)
                self._go_on()
            else:
                super().doWrite()

    def _go_on(self) -> None:
        """Let the driver read and write, and tell whoever waits when it is done."""
        result: Failure | None = None
        try:
            state = self.pollable().poll()
            if state == POLL_WRITE:
                self.reactor.addWriter(self)
            if state != POLL_OK:
                return
        except psycopg2.extensions.QueryCanceledError:
            result = Failure(CancelledError())
        except psycopg2.Error as error:
            if self._answer is None:
                raise
            result = Failure(_as_trouble(error))
        self._tell(result)

    def _tell(self, result: Failure | None) -> None:
        # Whoever waits may run the next statement at once.
        answer, self._answer = self._answer, None
        if answer is not None and result is None:
            answer.callback(None)
        elif answer is not None and result is not None:
            answer.errback(result)

    @contextmanager
    def _closed_by_trouble(self) -> Iterator[None]:
        try:
            yield
        except (psycopg2.Error, ValueError):
            # A ValueError of the reactor's: the driver has let go of the socket and not said so.
            self.close()

    def connectionLost(self, reason: Failure) -> None:
        if self._answer is None:
            super().connectionLost(reason)
            return
        if not self.closed:
            # What the driver finds wrong says more than that the connection is gone.
            with self._closed_by_trouble():
                self._go_on()
        self._tell(reason)

    def close(self) -> None:
        """Hang up, in whatever state it is; a statement under way fails with ConnectionDone."""
        if self.pollable() is not None:
            super().close()
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def fileno(self) -> int:
        return self._number if self._number >= 0 else int(super().fileno())

    @property
    def is_idle(self) -> bool:
        """Whether it is open and within no transaction."""
        connection = self.pollable()
        return (
            not connection.closed
            and self._answer is None
            and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        )

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
