"""A daemon on somebody else's PostgreSQL, which restarts, dies, freezes, and is shared."""

import os
import signal
from pathlib import Path
from time import monotonic

import psycopg2
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from glancetx.registry.steps import schema
from tests.integration.daemon import (
    FORMATS,
    ask,
    eventually,
    launch,
    postgres_of,
    reactor,
    start,
)

#: What a daemon logs for each step of the schema that it takes.
SCHEMA = "schema is now at"


class Postgres:
    """A PostgreSQL with an empty database: that of another daemon, which starts it again."""

    def __init__(self, owner):
        self.data = owner.data
        server = f"host={self.data}/registry port=5432 user=glance"
        connection = psycopg2.connect(f"{server} dbname=postgres")
        try:
            connection.autocommit = True
            connection.cursor().execute("CREATE DATABASE empty")
        finally:
            connection.close()
        self.option = ("--registry", f"postgres:{server} dbname=empty")

    @classmethod
    async def start(cls, test):
        return cls(await start(test))

    @property
    def pid(self):
        return postgres_of(self.data)

    def signal(self, number):
        """To the server and all who serve a connection."""
        parent = self.pid
        for pid in [parent, *children_of(parent)]:
            os.kill(pid, number)


def children_of(parent):
    """The pids of a process's children."""
    tasks = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in tasks.read_text().split()]


class Load:
    """Clients that ask one thing after the other, each with what came of it."""

    def __init__(self, port, image_id):
        self.answers = []
        self.created = []
        self.is_over = False
        self._port = port
        self._image_id = image_id

    def begin(self, clients):
        """Fires when all clients have ended, some time after `is_over` was set."""
        return gatherResults([deferToThread(self._work) for _ in range(clients)])

    def _work(self):
        while not self.is_over:
            self._ask(200, "HEAD", f"/v1/images/{self._image_id}")
            made = self._ask(201, "POST", "/v1/images", {**FORMATS, "Content-Type": ""})
            if made.status == 201:
                self.created.append(made.json["image"]["id"])

    def _ask(self, expected, *request):
        began = monotonic()
        answer = ask(self._port, *request)
        self.answers.append((began, monotonic(), answer.status, expected))
        return answer

    def since(self, moment):
        """What became of requests that were made after this."""
        return [answer for answer in self.answers if answer[0] > moment]


class RestartTests(TestCase):
    """The server goes away for a moment."""

    timeout = 180

    async def test_restarts_under_load(self):
        """Only requests of those seconds fail, by 503; none hangs, and nothing is lost."""
        postgres = await Postgres.start(self)
        daemon = await start(self, *postgres.option)
        load = Load(daemon.port, await daemon.reserve())
        ended = load.begin(6)
        for number in signal.SIGINT, signal.SIGKILL:
            await deferLater(reactor, 1)
            before = postgres.pid
            os.kill(before, number)
            await eventually(lambda before=before: postgres.pid not in (None, before))
        await eventually(lambda: self.works(daemon))
        back = monotonic()
        await deferLater(reactor, 1.5)
        load.is_over = True
        await ended
        self.assertLess(max(end - begin for begin, end, _, _ in load.answers), 15)
        failed = [status for *_, status, expected in load.answers if status != expected]
        print(f"{len(load.answers)} requests, {len(failed)} of them failed with 503")
        self.assertEqual(set(failed) - {503}, set())
        later = load.since(back)
        self.assertGreater(len(later), 20)
        self.assertEqual([answer for answer in later if answer[2] != answer[3]], [])
        for image_id in load.created:
            self.assertEqual(await daemon.status_of(image_id), "queued")
        daemon.assert_quiet()

    async def works(self, daemon):
        """Whether the registry answers."""
        return (await daemon.ask("GET", "/v1/images")).status == 200

    async def test_frozen_server(self):
        """A server that says nothing costs a client 15 seconds at most, and then a 503."""
        postgres = await Postgres.start(self)
        daemon = await start(self, *postgres.option)
        self.assertTrue(await self.works(daemon))
        postgres.signal(signal.SIGSTOP)
        try:
            began = monotonic()
            answers = await gatherResults(
                [daemon.ask("GET", "/v1/images"), daemon.ask("POST", "/v1/images")]
            )
            took = monotonic() - began
            health = await daemon.ask("GET", "/healthcheck")
        finally:
            postgres.signal(signal.SIGCONT)
        print(f"a frozen server was noticed after {took:.1f} s")
        self.assertEqual([answer.status for answer in answers], [503, 503])
        self.assertLess(took, 16)
        self.assertEqual(health.status, 200)
        await eventually(lambda: self.works(daemon), patience=5)

    async def test_frozen_server_at_the_end(self):
        """Nor can it keep the daemon from ending."""
        postgres = await Postgres.start(self)
        daemon = await start(self, *postgres.option)
        self.assertTrue(await self.works(daemon))
        postgres.signal(signal.SIGSTOP)
        try:
            daemon.signal("TERM")
            self.assertEqual(await daemon.ended(30), 0)
        finally:
            postgres.signal(signal.SIGCONT)


class SharingTests(TestCase):
    """Several daemons on one database."""

    timeout = 120

    async def test_first_start_together(self):
        """Daemons that find the database empty all come up, and see the same images."""
        option = (await Postgres.start(self)).option
        daemons = [launch(self, *option) for _ in range(4)]
        for daemon in daemons:
            await daemon.ready()
        image_id = await daemons[0].reserve()
        self.assertEqual(await daemons[-1].status_of(image_id), "queued")
        steps = [line for daemon in daemons for line in daemon.log.splitlines() if SCHEMA in line]
        self.assertEqual(len(steps), len(schema()))
