"""The pool of connections survives its server, and never waits for ever."""

import os
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

import psycopg2
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import RegistryUnavailable
from glancetx.registry.connection import Connection
from glancetx.registry.database import Database
from glancetx.registry.embedded import EmbeddedPostgres
from tests.registry.server import FAST, fresh_database, open_database, reactor


class _WithServer(TestCase):
    """A fresh database in the server of all tests."""

    timeout = 60

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.dsn = await fresh_database(self, empty=True)
        self.admin = open_database(self, self.dsn)

    def open(self, **options):
        return open_database(self, self.dsn, **options)

    async def backend_of(self, database):
        ((pid,),) = await database.read("SELECT pg_backend_pid()")
        return pid

    async def terminate(self, pid):
        """End a backend, and return when it is gone."""
        await self.admin.write("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    async def wait_until_asleep(self, pid):
        """Return when the backend is within pg_sleep."""
        asleep = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        while not await self.admin.read(asleep, (pid,)):
            pass


class UseTests(_WithServer):
    """How the connections are used."""

    async def test_use(self):
        """It is told how many there are, who waits, and how often somebody had to."""
        database = self.open(size=1)
        use = database.use
        self.assertEqual((use.size, use.busy, use.idle, use.waits), (1, 0, 0, 0))
        both = [database.read("SELECT pg_sleep(0.05)") for _ in range(2)]
        self.assertEqual((database.use.waiting, database.use.waits), (1, 1))
        await gatherResults(both)
        use = database.use
        self.assertEqual((use.busy, use.idle, use.waiting, use.waits), (0, 1, 0, 1))
        self.assertGreater(use.wait_seconds, 0.04)
        await database.read("SELECT 1")
        self.assertEqual(database.use.waits, 1)


class StatementTests(_WithServer):
    """What statements give."""

    async def test_rows(self):
        """Rows are tuples, and a statement that gives none gives an empty list."""
        database = self.open()
        self.assertEqual(await database.read("SELECT 1, %s", ("a",)), [(1, "a")])
        self.assertEqual(await database.write("CREATE TABLE t (n integer)"), [])
        self.assertEqual(
            await database.write("INSERT INTO t VALUES (%(n)s) RETURNING n", {"n": 5}), [(5,)]
        )

    async def test_session(self):
        """Times are in UTC, the server knows our name, and slow statements end by themselves."""
        database = self.open(timeout=10)
        for setting, value in (
            ("TimeZone", "UTC"),
            ("application_name", "glancetx"),
            ("statement_timeout", "9s"),
        ):
            self.assertEqual(await database.read(f"SHOW {setting}"), [(value,)])

    async def test_mistakes_are_told(self):
        """What is wrong with a statement is not taken for a broken server."""
        database = self.open()
        pid = await self.backend_of(database)
        for statement, error in (
            ("SELECT nothing", psycopg2.ProgrammingError),
            ("SELECT 1/0", psycopg2.DataError),
        ):
            with self.assertRaises(error):
                await database.read(statement)
        self.assertEqual(await self.backend_of(database), pid)

    async def test_connections_are_reused(self):
        """One after the other need one connection; together no more than allowed are made."""
        database = self.open(size=3)
        pids = {await self.backend_of(database) for _ in range(5)}
        self.assertEqual(len(pids), 1)
        rows = await gatherResults(
            database.read("SELECT pg_backend_pid(), pg_sleep(0.02)") for _ in range(9)
        )
        self.assertEqual(len({pid for ((pid, _),) in rows}), 3)


class TransactionTests(_WithServer):
    """Work within one transaction."""

    async def prepare(self):
        await super().prepare()
        await self.admin.write("CREATE TABLE t (n integer)")

    async def test_commits(self):
        """What the work did is kept, and what it returned is returned."""

        async def work(run):
            await run("INSERT INTO t VALUES (1)")
            return await run("SELECT n FROM t")

        self.assertEqual(await self.open().transaction(work), [(1,)])
        self.assertEqual(await self.admin.read("SELECT n FROM t"), [(1,)])

    async def test_rolls_back(self):
        """When the work raises nothing is kept, and the next user finds no open transaction."""

        async def work(run):
            await run("INSERT INTO t VALUES (1)")
            raise LookupError

        database = self.open(size=1)
        with self.assertRaises(LookupError):
            await database.transaction(work)
        await database.write("INSERT INTO t VALUES (2)")
        self.assertEqual(await self.admin.read("SELECT n FROM t"), [(2,)])

    async def test_keeps_the_connection(self):
        """Work that raises, or whose statement fails, costs no connection."""

        async def refuse(run):
            await run("SELECT 1")
            raise LookupError

        async def fail(run):
            await run("SELECT 1/0")

        database = self.open(size=1)
        pid = await self.backend_of(database)
        for work, error in (refuse, LookupError), (fail, psycopg2.DataError):
            with self.assertRaises(error):
                await database.transaction(work)
            self.assertEqual(await self.backend_of(database), pid)

    async def test_goes_on_when_cancelled(self):
        """Whoever cancels is free at once; the transaction ends, and its connection is clean."""
        gate: Deferred[None] = Deferred()
        entered: Deferred[None] = Deferred()

        async def work(run):
            await run("INSERT INTO t VALUES (1)")
            entered.callback(None)
            await gate

        database = self.open(size=1)
        cancelled = database.transaction(work)
        await entered
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        gate.callback(None)
        self.assertEqual(await database.read("SELECT n FROM t"), [(1,)])

    async def test_cancelled_statement(self):
        """A cancelled statement leaves a connection that works."""
        database = self.open(size=1)
        pid = await self.backend_of(database)
        cancelled = database.read("SELECT pg_sleep(0.1)")
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.assertEqual(await self.backend_of(database), pid)


class LostConnectionTests(_WithServer):
    """The server closes a connection."""

    async def test_while_idle(self):
        """A connection that was lost while nobody used it is replaced, also for a write."""
        database = self.open(size=1)
        pid = await self.backend_of(database)
        await self.terminate(pid)
        ((new,),) = await database.write("SELECT pg_backend_pid()")
        self.assertNotEqual(new, pid)

    async def test_read_is_repeated(self):
        """A read under which the connection breaks is done again."""
        database = self.open(size=1)
        pid = await self.backend_of(database)
        reading = database.read("SELECT pg_backend_pid(), pg_sleep(0.5)")
        await self.wait_until_asleep(pid)
        await self.terminate(pid)
        ((new, _),) = await reading
        self.assertNotEqual(new, pid)

    async def test_write_is_not_repeated(self):
        """A write under which the connection breaks may have happened: it is not done again."""
        database = self.open(size=1)
        await database.write("CREATE SEQUENCE s")
        pid = await self.backend_of(database)
        writing = database.write("SELECT nextval('s'), pg_sleep(30)")
        await self.wait_until_asleep(pid)
        await self.terminate(pid)
        await self.assertFailure(writing, RegistryUnavailable)
        self.assertEqual(await database.write("SELECT nextval('s')"), [(2,)])


class _Confused:
    """A driver that reads nothing, and does not take that for the end of its connection."""

    closed = 0

    def cursor(self):
        return self

    def execute(self, statement, arguments):
        pass

    def poll(self):
        raise psycopg2.DatabaseError("server closed the connection unexpectedly")


class ConfusedDriverTests(SynchronousTestCase):
    """The driver says less than it might."""

    def test_it_is_trouble(self):
        """An error that the server has not sent is one of the connection."""
        connection = Connection(Clock())
        self.patch(connection, "pollable", _Confused)
        running = as_deferred(connection.run("SELECT 1"))
        self.failureResultOf(running, psycopg2.OperationalError)


class SlownessTests(_WithServer):
    """Everything ends."""

    async def test_slow_statement(self):
        """The server ends a statement that takes too long, and the connection goes on."""
        database = self.open(size=1, timeout=0.5)
        pid = await self.backend_of(database)
        await self.assertFailure(database.read("SELECT pg_sleep(60)"), RegistryUnavailable)
        self.assertEqual(await self.backend_of(database), pid)

    async def test_frozen_backend(self):
        """A connection behind which nothing moves is given up, and replaced."""
        database = self.open(size=1, timeout=0.5)
        pid = await self.backend_of(database)
        os.kill(pid, signal.SIGSTOP)
        began = reactor.seconds()
        try:
            await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)
            self.assertLess(reactor.seconds() - began, 5)
            self.assertNotEqual(await self.backend_of(database), pid)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def test_no_free_connection(self):
        """Whoever waits too long for a connection is told, and nobody else suffers."""
        database = self.open(size=1, timeout=0.2)
        gate: Deferred[None] = Deferred()
        holding = database.transaction(lambda run: gate, timeout=30)
        await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)
        gate.callback(None)
        await holding
        self.assertEqual(await database.read("SELECT 1"), [(1,)])

    async def test_too_many_wait(self):
        """When enough wait nothing more is begun, and what has begun goes on."""
        database = self.open(size=1)
        database._slots.most_waiting = 2
        gate: Deferred[None] = Deferred()
        holding = database.transaction(lambda run: gate)
        waiting = [database.read("SELECT 1"), database.write("SELECT 2")]
        await self.assertFailure(database.read("SELECT 3"), RegistryUnavailable)
        ending = database.write("SELECT 4")
        gate.callback(None)
        self.assertEqual(await gatherResults([*waiting, ending]), [[(1,)], [(2,)], [(4,)]])
        await holding
        self.assertEqual(await database.read("SELECT 5"), [(5,)])


class CloseTests(_WithServer):
    """Closing the pool."""

    async def test_running_statements_end(self):
        """Closing waits for what runs; what comes later is refused."""
        database = self.open()
        running = database.read("SELECT 1, pg_sleep(0.1)")
        await database.close()
        self.assertEqual((await running)[0][0], 1)
        await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        while (await self.admin.read(mine)) != [(1,)]:
            pass  # the server takes a moment to notice

    async def test_not_for_ever(self):
        """What does not end within the time of a statement is broken off."""
        database = self.open(timeout=0.2)

        async def forever(run):
            await run("SELECT pg_sleep(60)")

        running = database.transaction(forever, timeout=60)
        self.assertNoResult(running)
        await database.close()
        await self.assertFailure(running, RegistryUnavailable)

    async def test_twice(self):
        """Closing again does nothing."""
        database = self.open()
        await database.close()
        await database.close()


class RestartTests(TestCase):
    """A server that goes away."""

    timeout = 60

    def setUp(self):
        return ensureDeferred(self.prepare())

    async def prepare(self):
        self.server = EmbeddedPostgres(reactor, self.mktemp(), settings=FAST)
        await self.server.start()
        self.addCleanup(lambda: ensureDeferred(self.server.stop()))

    async def test_restart(self):
        """Statements work again after a restart, writes too, with no error in between."""
        database = open_database(self, self.server.dsn, size=2)
        await gatherResults(database.read("SELECT pg_sleep(0.01)") for _ in range(2))
        await self.server.stop()
        waiting = [database.write("SELECT 1"), database.read("SELECT 1")]
        for deferred in waiting:
            self.assertNoResult(deferred)
        await self.server.start()
        self.assertEqual(await gatherResults(waiting), [[(1,)], [(1,)]])

    async def test_no_restart(self):
        """Patience ends."""
        database = open_database(self, self.server.dsn, patience=0.2)
        await database.read("SELECT 1")
        await self.server.stop()
        await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)

    async def test_frozen_server(self):
        """A server that takes connections and says nothing does not hold anybody."""
        database = open_database(self, self.server.dsn, patience=0.3)
        pid = self.server.pid or 0
        os.kill(pid, signal.SIGSTOP)
        try:
            await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(await database.read("SELECT 1"), [(1,)])

    async def test_closing_without_a_server(self):
        """Closing does not wait for a server that is gone."""
        database = open_database(self, self.server.dsn, patience=2)
        await self.server.stop()
        reading = database.read("SELECT 1")
        await database.close()
        await self.assertFailure(reading, RegistryUnavailable)


class NetworkTests(TestCase):
    """A server that is reached by its name."""

    timeout = 60

    async def test_by_name(self):
        """The name is resolved by the reactor, and the connection works."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        directory = Path(self.mktemp())
        settings = {**FAST, "listen_addresses": "127.0.0.1", "port": str(port)}
        server = EmbeddedPostgres(reactor, directory, settings=settings)
        await server.start()
        self.addCleanup(lambda: ensureDeferred(server.stop()))
        with (directory / "pg_hba.conf").open("w") as rules:
            rules.write("local all all trust\nhost all all 127.0.0.1/32 trust\n")
        await open_database(self, server.dsn).write("SELECT pg_reload_conf()")
        dsn = f"postgresql://glance@localhost:{port}/postgres"
        database = open_database(self, dsn)
        self.assertEqual(await database.read("SELECT host(inet_server_addr())"), [("127.0.0.1",)])


class UnreachableTests(TestCase):
    """Nobody there."""

    async def test_secrets_stay_secret(self):
        """Neither errors nor the log tell the password."""
        events: Any = []
        globalLogPublisher.addObserver(note := events.append)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        directory = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, directory)
        for dsn in (
            f"host={directory} password=sesame",
            "postgresql://me:sesame@127.0.0.1:1/glance",
            "postgresql://me:sesame@name.invalid/glance",
            "host=127.0.0.1 port=1 password=sesame sslmode=rubbish",
        ):
            database = open_database(self, dsn, patience=0.2)
            error = await self.assertFailure(database.read("SELECT 1"), RegistryUnavailable)
            self.assertNotIn("sesame", f"{error!r} {error.__cause__!r} {database.dsn!r}")
        self.assertGreaterEqual(len(events), 4)
        self.assertNotIn("sesame", repr(events))

    def test_bad_address(self):
        """An address that cannot be read is refused before anything is opened."""
        self.assertRaises(ValueError, Database, reactor, "rubbish")
