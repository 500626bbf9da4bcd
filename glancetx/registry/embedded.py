"""
PostgreSQL as a child of the daemon, for those who do not want to run a server.

It listens on a socket in its own directory, which is open to its user alone (0700).
Whoever can reach the socket could read the files beside it as well, so the server trusts him: a
password, which would have to lie in the same directory, would keep nobody out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from typing import ParamSpec, TypeVar

from psycopg2.extensions import make_dsn
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from glancetx.deferreds import finish_first
from glancetx.registry.child import HANDED_DOWN, Child, IChildReactor, spawn
from glancetx.registry.cluster import Cluster, EmbeddedFailure
from glancetx.registry.programs import programs_for

__all__ = ["EmbeddedFailure", "EmbeddedPostgres"]

P = ParamSpec("P")
T = TypeVar("T")

log = Logger()

#: Whoever was told that an image is stored can rely on it, also when the power fails.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Statements and rows hold locations, and these may hold credentials: they are not for a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

#: What a server says while one before it, whose daemon was killed, has not quite ended.
_PREDECESSOR = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")

#: The longest name of a socket that the kernel takes, in bytes.
_LONGEST_SOCKET = 107


class IEmbeddedReactor(IChildReactor, IReactorThreads):
    """What an embedded server asks of the reactor."""


class EmbeddedPostgres:
    """
    A PostgreSQL server of our own, made when it is first started, and restarted when it dies.

    As root, it runs as ``user``, or as the owner of its directory, or as nobody.
    ``settings`` come on top of `SETTINGS`.
    """

    #: Seconds: for a predecessor to end, for recovery after a crash, between looks and restarts.
    predecessor_ends = 10.0
    recovery_ends = 300.0
    look_again = 0.02
    longest_pause = 10.0
    #: How to end it, and how many seconds each signal is given.
    ways_to_end = ((SIGINT, 15.0), (SIGQUIT, 5.0), (SIGKILL, 5.0))

    def __init__(
        self,
        reactor: IEmbeddedReactor,
        directory: str | Path,
        user: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._reactor = reactor
        self._cluster = Cluster(Path(directory), user)
        self._settings = {**SETTINGS, **(settings or {})}
        self._programs = Path()
        self._child: Child | None = None
        self._watch: Deferred[None] | None = None
        self._is_stopping = False

    @property
    def dsn(self) -> str:
        """How to reach it, for `Database`; known once it has started."""
        host = str(self._cluster.path)
        socket = os.fsencode(f"{host}/.s.PGSQL.{self._settings['port']}")
        if len(socket) > _LONGEST_SOCKET or "," in host or not host.isprintable():
            # A short name for the same directory. It has our pid, so that our children can use it.
            host = f"/proc/{os.getpid()}/fd/{self._cluster.directory}"
        return make_dsn(host=host, port=self._settings["port"], user="glance", dbname="postgres")

    @property
    def pid(self) -> int | None:
        """The process that serves now."""
        return self._child.pid if self._child is not None and not self._child.has_ended else None

    async def start(self) -> None:
        """
        Start it, and return when it is ready.

        :raises EmbeddedFailure: when it cannot; nothing is left running.
        """
        self._is_stopping = False
        try:
            is_filled = await self._in_thread(self._cluster.open)
            self._programs = await self._in_thread(self._find_programs)
            if not is_filled:
                await self._initialise()
            await self._launch()
        except BaseException:
            await self.stop()
            raise
        self._watch = ensureDeferred(self._supervise())

    async def stop(self) -> None:
        """Shut it down in order, or, when that takes too long, not in order."""
        self._is_stopping = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._child is not None:
            for number, seconds in self.ways_to_end:
                self._child.signal(number)
                if await self._child.ends_within(seconds, self._reactor):
                    break
        self._child = None
        self._cluster.close()

    def _find_programs(self) -> Path:
        try:
            return programs_for(self._cluster.account)
        except OSError as error:
            raise EmbeddedFailure(f"PostgreSQL's programs cannot be used: {error}") from error

    async def _initialise(self) -> None:
        arguments = ["-D", HANDED_DOWN, "-U", "glance", "--auth-local=trust", "--auth-host=reject"]
        arguments += ["-E", "UTF8", "--locale=C", "--data-checksums", "--no-instructions"]
        if self._settings["fsync"] == "off":
            arguments.append("--no-sync")
        child = self._spawn("initdb", arguments)
        await child.ended()
        if child.exit_code != 0:
            raise self._failure("could not be made", child)
        await self._in_thread(self._cluster.keep)

    async def _launch(self) -> None:
        """Start the server and wait until it is ready; a predecessor gets time to end."""
        arguments = ["-D", HANDED_DOWN, "-k", "."]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        patience = self._reactor.seconds() + self.predecessor_ends
        while True:
            child = self._spawn("postgres", arguments)
            if await self._becomes_ready(child):
                return
            said = " ".join(child.lines)
            is_over = self._reactor.seconds() >= patience
            if is_over or not any(words in said for words in _PREDECESSOR):
                raise self._failure("did not start", child)
            await deferLater(self._reactor, 0.2)

    async def _becomes_ready(self, child: Child) -> bool:
        """Whether it gets ready; if not, it has ended."""
        deadline = self._reactor.seconds() + self.recovery_ends
        while not child.has_ended:
            if self._is_ready(child):
                return True
            if self._reactor.seconds() >= deadline:
                child.signal(SIGQUIT)
            await deferLater(self._reactor, self.look_again)
        return False

    def _is_ready(self, child: Child) -> bool:
        """Whether the server itself says so: line 1 is its pid and line 8 its state."""
        lines = [line.strip() for line in self._cluster.read("postmaster.pid").splitlines()]
        return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7] == "ready"

    async def _supervise(self) -> None:
        """Start it again whenever it dies, at growing intervals while it keeps dying."""
        pause = 0.1
        try:
            while self._child is not None:
                began = self._reactor.seconds()
                await self._child.ended()
                if self._reactor.seconds() - began > 60:
                    pause = 0.1
                log.error(
                    "The embedded PostgreSQL died and is started again: {words}",
                    words=self._child.last_words,
                )
                await deferLater(self._reactor, pause)
                pause = min(pause * 2, self.longest_pause)
                try:
                    await self._launch()
                except (EmbeddedFailure, OSError) as failure:
                    log.error("{failure}", failure=str(failure))
        except CancelledError:
            pass  # we are stopping

    def _spawn(self, program: str, arguments: list[str]) -> Child:
        if self._is_stopping:
            raise EmbeddedFailure("The embedded PostgreSQL was stopped while it started")
        if self._cluster.directory is None:
            raise EmbeddedFailure("The embedded PostgreSQL has no directory")
        self._child = spawn(
            self._reactor,
            self._cluster.account,
            self._cluster.directory,
            self._programs / program,
            arguments,
        )
        return self._child

    def _failure(self, what: str, child: Child) -> EmbeddedFailure:
        return EmbeddedFailure(
            f"The embedded PostgreSQL in {self._cluster.path} {what}: {child.last_words}"
        )

    def _in_thread(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        pool = self._reactor.getThreadPool()
        return finish_first(deferToThreadPool(self._reactor, pool, job, *args, **kwargs))
