"""
One PostgreSQL for all tests of a trial process, and a fresh database for each of them.

The server is an `EmbeddedPostgres` in a process of its own, for trial ends what a test leaves in
its own reactor.
It is started when a test first asks for it and ends with trial.
"""

import atexit
import itertools
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from psycopg2.extensions import make_dsn
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react

from glancetx.registry.database import Database
from glancetx.registry.embedded import EmbeddedPostgres
from glancetx.registry.migrate import migrate

#: What is installed provides more interfaces than its type tells.
reactor: Any = the_reactor

#: Tests lose nothing when the power fails.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

_numbers = itertools.count()


async def fresh_database(test, *, empty=False):
    """
    The DSN of a new database, dropped when the test is over.

    It has the schema, unless it is to be empty.
    """
    server = Database(reactor, _server(), size=1, timeout=60)
    template = "template0" if empty else await _template(server)
    name = f"test_{next(_numbers)}"
    await server.write(f"CREATE DATABASE {name} TEMPLATE {template}")

    async def drop():
        await server.write(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()

    test.addCleanup(lambda: ensureDeferred(drop()))
    return make_dsn(_server(), dbname=name)


def open_database(test, dsn, **options):
    """A `Database` that is closed when the test is over."""
    database = Database(reactor, dsn, **options)
    test.addCleanup(lambda: ensureDeferred(database.close()))
    return database


async def _template(server):
    """The name of a database that has the schema, made once."""
    if not await server.read("SELECT 1 FROM pg_database WHERE datname = 'template_glance'"):
        await server.write("CREATE DATABASE template_glance TEMPLATE template0")
        database = Database(reactor, make_dsn(_server(), dbname="template_glance"), timeout=60)
        await migrate(database)
        await database.close()
    return "template_glance"


@cache
def _server():
    """The DSN of the server, which blocks the reactor until it runs."""
    directory = tempfile.mkdtemp(prefix="glancetx-")
    command = [sys.executable, "-m", __name__, str(Path(directory, "registry"))]
    process: Any = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def stop():
        process.stdin.close()
        process.wait()
        process.stdout.close()
        shutil.rmtree(directory)

    # Not with the reactor: trial --jobs ends it, as it says, after each test.
    atexit.register(stop)
    dsn = process.stdout.readline().strip()
    if not dsn:
        raise RuntimeError("the server for the tests did not start; its words are above")
    return dsn


class _UntilEnd(Protocol):
    """Ends a Deferred when standard input ends."""

    def __init__(self, ended):
        self._ended = ended

    def connectionLost(self, reason=connectionDone):
        self._ended.callback(None)


async def _serve(reactor, directory):
    postgres = EmbeddedPostgres(reactor, directory, settings=FAST)
    await postgres.start()
    print(postgres.dsn, flush=True)
    ended: Deferred[None] = Deferred()
    StandardIO(_UntilEnd(ended), reactor=reactor)
    await ended
    await postgres.stop()


if __name__ == "__main__":
    react(lambda reactor, directory: ensureDeferred(_serve(reactor, directory)), sys.argv[1:])
