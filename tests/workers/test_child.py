"""A worker as its supervisor sees it."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.logger import formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.logs import record_of
from glancetx.workers.child import WorkerFailed, WorkerProcess, spawn
from tests.web.case import logged_events


class FakeReactor:
    """Notes what would be spawned; is the process's transport at the same time."""

    def __init__(self):
        self.written = []
        self.signals = []

    def spawnProcess(self, protocol, executable, args, env, path, childFDs):  # noqa: N802, N803
        self.command, self.environment, self.descriptors = args, env, childFDs
        protocol.makeConnection(self)

    def write(self, data):
        self.written.append(data)

    def signalProcess(self, name):  # noqa: N802
        self.signals.append(name)


class WorkerTests(SynchronousTestCase):
    """What is said to it, and what it says."""

    def setUp(self):
        self.reactor = FakeReactor()
        self.heard: list[Any] = []
        order = {"number": 2, "secret": "sesame"}
        self.worker = WorkerProcess(2, order, lambda *heard: self.heard.append(heard))
        spawn(cast(Any, self.reactor), self.worker, {3: 7})
        self.events = logged_events(self)

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.worker.outReceived(json.dumps(message).encode() + b"\n")

    def end(self, status=None, signal=None):
        error = ProcessTerminated(status, signal) if status or signal else ProcessDone(0)
        self.worker.processEnded(Failure(error))

    def test_start(self):
        """It gets its order and its sockets; the order is nowhere where others could see it."""
        self.assertEqual(json.loads(self.reactor.written[0])["secret"], "sesame")
        self.assertEqual(self.reactor.descriptors, {0: "w", 1: "r", 2: "r", 3: 7})
        visible = repr([self.reactor.command, self.reactor.environment])
        self.assertNotIn("sesame", visible)
        self.assertIn(sys.path[-1], self.reactor.environment["PYTHONPATH"])

    def test_ready(self):
        """It is ready once."""
        self.assertNoResult(self.worker.ready)
        self.say(["ready"], ["ready"])
        self.successResultOf(self.worker.ready)

    def test_fails(self):
        """Its own words say why it cannot serve."""
        self.say(["failed", "no such store"])
        self.end(status=1)
        failure = self.failureResultOf(self.worker.ready, WorkerFailed)
        self.assertEqual(str(failure.value), "no such store")

    def test_dies_without_a_word(self):
        """Else what the system says of its end."""
        ended = self.worker.ended()
        self.end(signal=9)
        failure = self.failureResultOf(self.worker.ready, WorkerFailed)
        self.assertEqual(str(failure.value), "worker 2 died of signal 9")
        self.assertEqual(self.successResultOf(ended), "died of signal 9")
        self.assertTrue(self.worker.has_ended)

    def test_ends(self):
        """It may end in order; whoever asks later learns it at once."""
        self.say(["ready"])
        self.end()
        self.assertEqual(self.successResultOf(self.worker.ended()), "exited with status 0")

    def test_is_told(self):
        """What it is told is written, until it has ended."""
        self.worker.tell("deleted", "some id")
        self.assertEqual(self.reactor.written[1:], [b'["deleted", "some id"]\n'])
        self.worker.kill()
        self.end(signal=9)
        self.worker.tell("stop")
        self.worker.kill()
        self.assertEqual((len(self.reactor.written), self.reactor.signals), (2, ["KILL"]))
        self.failureResultOf(self.worker.ready)

    def test_events(self):
        """Its events become ours, with its number."""
        record = {"level": "warn", "namespace": "some.where", "message": "twice {not formatted}"}
        self.say(["log", {**record, "request_id": "req-1", "status": 200, "time": "then"}])
        [event] = self.events
        self.assertEqual(event["log_namespace"], "some.where")
        self.assertEqual(event["log_level"].name, "warn")
        self.assertEqual((event["worker"], event["text"]), (2, "twice {not formatted}"))
        self.assertEqual(formatEvent(event), "worker 2: twice {not formatted}")

    def test_events_in_json(self):
        """What it knows of an event is known here, and its text has no number in it."""
        record = {"level": "critical", "namespace": "some.where", "message": "oh"}
        self.say(["log", {**record, "request_id": "req-1", "traceback": "Traceback: no"}])
        [event] = self.events
        self.assertEqual(formatEvent(event), "worker 2: oh\nTraceback: no")
        found = record_of(event)
        del found["time"]
        more = {"request_id": "req-1", "traceback": "Traceback: no", "worker": 2}
        self.assertEqual(found, {**record, **more})

    def test_prints(self):
        """What it prints and is no message is logged, also its last words."""
        self.worker.outReceived(b"hello\n")
        self.worker.errReceived(b"Fatal Python error\nno")
        self.end(status=1)
        printed = [event["text"] for event in self.events]
        self.assertEqual(printed, ["hello", "Fatal Python error", "no"])
        self.failureResultOf(self.worker.ready)

    def test_others(self):
        """Everything else is for the supervisor."""
        self.say(["turn"], ["deleted", "x"])
        self.assertEqual(self.heard, [(self.worker, ["turn"]), (self.worker, ["deleted", "x"])])
