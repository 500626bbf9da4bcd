"""What goes through the supervisor, without processes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ProcessDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.config import Configuration, make_settings
from glancetx.registry.memory import MemoryRegistry
from glancetx.workers.supervisor import Supervisor
from tests.web.case import logged_events


class FakeSource:
    """A registry that notes whether it is open."""

    address = "postgres:password=sesame"

    def __init__(self):
        self.is_open = False

    async def open(self):
        self.is_open = True
        return MemoryRegistry(Clock())

    async def close(self):
        self.is_open = False


class FakeProcess:
    """The transport of a worker, and what a test lets it say."""

    def __init__(self, protocol, descriptors):
        self.protocol, self.descriptors = protocol, descriptors
        self.received: list[Any] = []
        protocol.makeConnection(self)

    def write(self, data):
        self.received.extend(map(json.loads, data.splitlines()))

    def signalProcess(self, name):  # noqa: N802
        self.end()

    @property
    def order(self):
        return self.received[0]

    @property
    def told(self):
        return self.received[1:]

    def say(self, *message):
        self.protocol.outReceived(json.dumps(message).encode() + b"\n")

    def end(self):
        self.protocol.processEnded(Failure(ProcessDone(0)))


class ProcessClock(Clock):
    """A clock that spawns, too."""

    def __init__(self):
        super().__init__()
        self.processes: list[FakeProcess] = []

    def spawnProcess(self, protocol, executable, args, env, path, childFDs):  # noqa: N802, N803
        self.processes.append(FakeProcess(protocol, childFDs))


class SupervisorTests(SynchronousTestCase):
    """Two workers that are fakes."""

    def setUp(self):
        self.reactor = ProcessClock()
        self.file = Path(self.mktemp())
        self.configure("copy_concurrency = 1")
        configuration = Configuration.here({"listen": (), "data": "here"}, str(self.file))
        settings = make_settings(configuration.read())
        self.source = FakeSource()
        self.supervisor = Supervisor(self.reactor, configuration, settings, 2, self.source, 1)
        self.events = logged_events(self)

    def configure(self, *lines):
        self.file.write_text("\n".join(lines))

    def started(self):
        """The first two processes, which serve."""
        starting = ensureDeferred(self.supervisor.start())
        for process in self.reactor.processes:
            process.say("ready")
        self.successResultOf(starting)
        return self.reactor.processes[:2]

    def reload(self):
        return ensureDeferred(self.supervisor.reload())

    def said(self, fragment):
        """How often this was logged."""
        texts = [event["log_format"].format_map(event) for event in self.events]
        return sum(fragment in text for text in texts)

    def test_order(self):
        """A worker is told all that it needs; what it may write its log to is handed down."""
        first, second = self.started()
        self.assertTrue(self.source.is_open)
        self.assertEqual([each.order["number"] for each in (first, second)], [1, 2])
        order = first.order
        self.assertEqual((order["workers"], order["supervisor"]), (2, os.getpid()))
        self.assertEqual(order["registry"], self.source.address)
        self.assertEqual(make_settings(order["said"]).copy_concurrency, 1)
        self.assertEqual(make_settings(order["said"]).data, Path("here").absolute())
        self.assertEqual(first.descriptors[order["log"]], 1)

    def test_deleted(self):
        """What one has deleted all others are told, those who retire included, and not he."""
        first, second = self.started()
        self.reload()
        self.reactor.processes[-1].say("ready")
        successor = self.reactor.processes[2]
        second.say("deleted", "i")
        self.assertEqual(first.told, [["retire"], ["deleted", "i"]])
        self.assertEqual(successor.told, [["deleted", "i"]])
        self.assertEqual(second.told, [])

    def test_turns(self):
        """Copies of all workers together have so many turns; those of the dead are free."""
        first, second = self.started()
        for process in first, first, second:
            process.say("turn")
        self.assertEqual((first.told, second.told), ([["turn"]], []))
        first.say("done")
        self.assertEqual((first.told, second.told), ([["turn"]] * 2, []))
        first.end()
        self.assertEqual(second.told, [["turn"]])

    def test_new_configuration(self):
        """Successors go by it, but for what lasts, and so do turns."""
        self.started()
        self.configure("copy_concurrency = 2", "workers = 7", "registry = 'memory:'")
        reloading = self.reload()
        for _ in range(2):
            self.reactor.processes[-1].say("ready")
        self.successResultOf(reloading)
        said = [each.order["said"] for each in self.reactor.processes]
        self.assertEqual([each["copy_concurrency"] for each in said], [1, 1, 2, 2])
        self.assertEqual([each.get("workers") for each in said], [None] * 4)
        self.assertEqual([each.get("registry") for each in said], [None] * 4)
        self.assertEqual(self.said("has to wait for a restart"), 2)
        for _ in range(2):
            self.reactor.processes[-1].say("turn")
        self.assertEqual(self.reactor.processes[-1].told, [["turn"]] * 2)

    def test_mistakes(self):
        """A configuration that cannot be meant changes nothing, nor one that cannot be shared."""
        self.started()
        for mistake in ("colour = 1", "[[store]]\nkind = 'memory'\n"):
            self.configure("workers = 2", mistake)
            self.successResultOf(self.reload())
        self.assertEqual(len(self.reactor.processes), 2)
        self.assertEqual(self.said("stay as they are"), 2)

    def test_asked_meanwhile(self):
        """While workers are being succeeded it is noted, and done afterwards, once."""
        self.started()
        reloading = self.reload()
        for number in (2, 3):
            self.configure(f"copy_concurrency = {number}")
            self.successResultOf(self.reload())
        for _ in range(4):
            self.reactor.processes[-1].say("ready")
        self.successResultOf(reloading)
        said = [each.order["said"]["copy_concurrency"] for each in self.reactor.processes]
        self.assertEqual(said, [1, 1, 1, 1, 3, 3])

    def test_asked_at_the_start(self):
        """While workers are just starting it is done afterwards."""
        starting = ensureDeferred(self.supervisor.start())
        self.successResultOf(self.reload())
        self.configure("copy_concurrency = 2")
        for process in list(self.reactor.processes):
            process.say("ready")
        self.successResultOf(starting)
        self.assertEqual(self.reactor.processes[2].order["said"]["copy_concurrency"], 2)

    def test_stop(self):
        """Workers end before what they use, whatever is going on, and may be hurried."""
        processes = self.started()
        reloading = self.reload()
        stopping = ensureDeferred(self.supervisor.stop())
        self.successResultOf(reloading)
        self.supervisor.hurry()
        self.assertEqual(
            [each.told for each in self.reactor.processes], [[["stop"], ["hurry"]]] * 3
        )
        for process in (*processes, self.reactor.processes[2]):
            self.assertTrue(self.source.is_open)
            process.end()
        self.successResultOf(stopping)
        self.assertFalse(self.source.is_open)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertNoResult(self.supervisor.broken)
