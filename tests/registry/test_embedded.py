"""PostgreSQL as a child of the daemon: made, found again, restarted, and never left behind."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from glancetx.registry.embedded import EmbeddedFailure, EmbeddedPostgres
from tests.registry.server import FAST, open_database, reactor


def is_alive(pid):
    """Whether a process of this number runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class _WithDirectory(TestCase):
    """A directory for a server that nobody but its owner may enter."""

    timeout = 120

    def setUp(self):
        self.parent = Path(tempfile.mkdtemp(prefix="glancetx-"))
        self.addCleanup(shutil.rmtree, self.parent)
        self.directory = self.parent / "registry"

    def make(self, directory=None, **options):
        """A server that is stopped when the test is over, if it runs."""
        server: Any = EmbeddedPostgres(
            reactor, directory or self.directory, **{"settings": FAST, **options}
        )
        self.addCleanup(lambda: ensureDeferred(server.stop()))
        return server

    async def started(self, directory=None, **options):
        server = self.make(directory, **options)
        await server.start()
        return server

    async def failure_of(self, server):
        """What it says when it cannot start."""
        return str(await self.assertFailure(ensureDeferred(server.start()), EmbeddedFailure))

    async def ask(self, server, statement):
        # A server that was killed recovers first, which takes its time on a busy machine.
        database = open_database(self, server.dsn, patience=60.0, timeout=60.0)
        rows = await database.write(statement)
        await database.close()
        return rows

    async def until(self, condition):
        while not condition():
            await deferLater(reactor, 0.01)


class StartTests(_WithDirectory):
    """Starting and stopping."""

    async def test_keeps_data(self):
        """What was stored is there after a restart, also with another object."""
        server = await self.started()
        await self.ask(server, "CREATE TABLE t AS SELECT 5 AS n")
        await server.stop()
        self.assertIsNone(server.pid)
        await server.start()
        self.assertEqual(await self.ask(server, "SELECT n FROM t"), [(5,)])
        await server.stop()
        another = await self.started()
        self.assertEqual(await self.ask(another, "SELECT n FROM t"), [(5,)])

    async def test_settings(self):
        """Nothing that was told to be stored can be lost, and no network is listened to."""
        server = await self.started(settings={})
        for name, value in (
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("data_checksums", "on"),
            ("listen_addresses", ""),
            ("server_encoding", "UTF8"),
        ):
            self.assertEqual(await self.ask(server, f"SHOW {name}"), [(value,)], name)

    async def test_nobody_else_can_enter(self):
        """Directory and socket are open to their owner alone; directories above are left alone."""
        os.chmod(self.parent, 0o751)
        await self.started()
        for path in self.directory, self.directory / ".s.PGSQL.5432":
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.assertEqual(stat.S_IMODE(self.parent.stat().st_mode), 0o751)
        self.assertEqual(self.parent.stat().st_uid, os.geteuid())

    async def test_not_as_root(self):
        """PostgreSQL runs as an ordinary user, who owns the directory."""
        server = await self.started()
        uid = Path(f"/proc/{server.pid}").stat().st_uid
        self.assertNotEqual(uid, 0)
        self.assertEqual(uid, self.directory.stat().st_uid)

    async def test_missing_parents(self):
        """Directories above are made, for the daemon alone."""
        parent = self.parent / "a" / "b"
        await self.started(parent / "registry")
        self.assertEqual(stat.S_IMODE(parent.stat().st_mode), 0o700)

    async def test_strange_paths(self):
        """Paths that are too long for a socket, or mean something to libpq, work as others do."""
        for name in "x" * 120, "a,b", "c d'\\e", "ü\n":
            server = await self.started(self.parent / name / "registry")
            self.assertEqual(await self.ask(server, "SELECT 1"), [(1,)])
            await server.stop()

    async def test_stop(self):
        """Nothing is left running, and stopping again does nothing."""
        server = await self.started()
        pid = server.pid
        await server.stop()
        self.assertFalse(is_alive(pid))
        self.assertFalse((self.directory / "postmaster.pid").exists())
        await server.stop()

    async def test_stop_while_starting(self):
        """A server that is stopped before it is ready leaves nothing running either."""
        server = self.make()
        starting = ensureDeferred(server.start())
        await self.until(lambda: server.pid is not None)
        pid = server.pid
        await server.stop()
        await self.assertFailure(starting, EmbeddedFailure)
        self.assertFalse(is_alive(pid))

    async def test_stop_a_frozen_server(self):
        """A server that does not listen to reason is killed."""
        server = await self.started()
        server.ways_to_end = tuple(
            (number, 0.2) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        )
        pid = server.pid
        os.kill(pid, signal.SIGSTOP)
        await server.stop()
        self.assertFalse(is_alive(pid))


class FailureTests(_WithDirectory):
    """What cannot be started is told in one sentence."""

    async def test_second_server(self):
        """A directory belongs to one daemon; the first one is not disturbed."""
        first = await self.started()
        self.assertIn("in use by another daemon", await self.failure_of(self.make()))
        self.assertEqual(await self.ask(first, "SELECT 1"), [(1,)])

    async def test_something_else(self):
        """A directory with other things in it is left as it is."""
        self.directory.mkdir()
        (self.directory / "letter").write_text("dear")
        self.assertIn("no database", await self.failure_of(self.make()))
        self.assertEqual(os.listdir(self.directory), ["letter"])

    async def test_another_version(self):
        """The versions are named."""
        self.directory.mkdir()
        (self.directory / "PG_VERSION").write_text("16\n")
        failure = await self.failure_of(self.make())
        self.assertIn("PostgreSQL 16", failure)
        self.assertIn("PostgreSQL 18", failure)

    async def test_its_last_words(self):
        """What PostgreSQL itself says is passed on."""
        failure = await self.failure_of(self.make(settings={**FAST, "shared_buffers": "many"}))
        self.assertIn('invalid value for parameter "shared_buffers"', failure)

    async def test_unusable_directory(self):
        """A path that cannot be a directory is named."""
        (self.parent / "file").write_text("")
        failure = await self.failure_of(self.make(self.parent / "file" / "registry"))
        self.assertIn(str(self.parent / "file" / "registry"), failure)

    async def test_unknown_user(self):
        """Nobody can run as somebody who does not exist."""
        await self.failure_of(self.make(user="no-such-user"))

    async def test_can_start_after_a_failure(self):
        """A failed start holds nothing."""
        self.directory.mkdir()
        letter = self.directory / "letter"
        letter.write_text("dear")
        server = self.make()
        await self.failure_of(server)
        letter.unlink()
        await server.start()
        self.assertEqual(await self.ask(server, "SELECT 1"), [(1,)])


class CrashTests(_WithDirectory):
    """What dies is made good."""

    async def test_server_killed(self):
        """A server that dies is started again, and its data are there."""
        server = await self.started(settings={})
        await self.ask(server, "CREATE TABLE t AS SELECT 5 AS n")
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: server.pid not in (None, pid))
        self.assertEqual(await self.ask(server, "SELECT n FROM t"), [(5,)])

    async def test_interrupted_making(self):
        """A directory that was half made when everything died is made anew."""
        draft = self.parent / "registry.new"
        draft.mkdir(0o700)
        (draft / "PG_VERSION").write_text("18\n")
        (draft / "base").mkdir()
        server = await self.started()
        self.assertEqual(await self.ask(server, "SELECT 1"), [(1,)])
        self.assertFalse(draft.exists())

    async def test_making_fails(self):
        """While the making is interrupted there is no directory under the final name."""
        server = self.make()
        starting = ensureDeferred(server.start())
        await self.until(lambda: server.pid is not None)
        os.kill(server.pid, signal.SIGKILL)
        await self.assertFailure(starting, EmbeddedFailure)
        self.assertFalse(self.directory.exists())
        await server.start()
        self.assertEqual(await self.ask(server, "SELECT 1"), [(1,)])

    async def test_stale_word(self):
        """The word of a server that died is not taken for that of the new one."""
        server = await self.started()
        words = (self.directory / "postmaster.pid").read_text()
        dead = str(server.pid)
        await server.stop()
        self.assertTrue(words.startswith(dead))
        (self.directory / "postmaster.pid").write_text(words)
        await server.start()
        pid, *_, state = (self.directory / "postmaster.pid").read_text().splitlines()
        self.assertEqual((pid, state.strip()), (str(server.pid), "ready"))

    async def test_daemon_killed(self):
        """A daemon that is killed takes its server with it, and the next one finds the data."""
        daemon: Any = subprocess.Popen(
            [sys.executable, "-m", "tests.registry.server", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(daemon.stdin.close)
        self.addCleanup(daemon.stdout.close)
        daemon.stdout.readline()
        pid = int((self.directory / "postmaster.pid").read_text().split()[0])
        daemon.kill()
        daemon.wait()
        server = await self.started()
        self.assertEqual(await self.ask(server, "SELECT 1"), [(1,)])
        self.assertFalse(is_alive(pid))

    async def test_ctrl_c_is_for_the_daemon(self):
        """The server is in no group that a terminal's Ctrl-C reaches."""
        server = await self.started()
        self.assertNotEqual(os.getpgid(server.pid), os.getpgrp())


class UserTests(_WithDirectory):
    """Who runs it."""

    async def test_the_owner_goes_on(self):
        """An existing directory is served as the user whose it is, or as the daemon's own."""
        server = await self.started()
        owner = self.directory.stat().st_uid
        await server.stop()
        if os.geteuid() == 0:
            owner = pwd.getpwnam("daemon").pw_uid
            for folder, _, files in os.walk(self.directory):
                for path in folder, *(os.path.join(folder, file) for file in files):
                    os.chown(path, owner, -1)
        await server.start()
        self.assertEqual(Path(f"/proc/{server.pid}").stat().st_uid, owner)

    async def test_only_root_can_choose(self):
        """Root may name the user, others may not; root itself nobody may name."""
        if os.geteuid() == 0:
            server = await self.started(user="daemon")
            uid = Path(f"/proc/{server.pid}").stat().st_uid
            self.assertEqual(uid, pwd.getpwnam("daemon").pw_uid)
            await server.stop()
        await self.failure_of(self.make(user="root"))
