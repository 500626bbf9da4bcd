"""Events as lines."""

from __future__ import annotations

import json
import os
import signal
from contextvars import copy_context
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import FileLogObserver, Logger, formatEventAsClassicLogText
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.config import ConfigError
from glancetx.log_context import request_id
from glancetx.logs import lines, observer_of

TWISTD: dict[str, Any] = {"syslog": False, "logger": None, "logfile": None, "nodaemon": True}


class Threaded:
    """What a signal asks of a reactor."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def callFromThread(self, job: Any) -> None:  # noqa: N802
        self.asked.append(job)


class LineCase(SynchronousTestCase):
    def said(self, kind: str, log: Any, worker: int | None = None) -> str:
        """What is written when somebody logs, in a context of its own."""
        out = StringIO()
        logger = Logger("some.where", observer=FileLogObserver(out, lines(kind, worker)))
        copy_context().run(log, logger)
        return out.getvalue()


class TextTests(LineCase):
    """As twistd writes it."""

    def test_line(self) -> None:
        """Time, namespace, level and text."""
        said = self.said("text", lambda log: log.info("[a] b"))
        self.assertRegex(said, r"\A\S+T\S+ \[some\.where#info\] \[a\] b\n\Z")

    def test_time(self) -> None:
        """It is when the event was, to the second, in Twisted's form; else a dash."""
        line = lines("text")
        for when in (1.0, 1.9, 2.0, 1e9, None):
            event = {"log_format": "a", "log_time": when}
            self.assertEqual(line(event), formatEventAsClassicLogText(event))

    def test_worker(self) -> None:
        """A worker's number comes first."""
        said = self.said("text", lambda log: log.info("[a] b"), 3)
        self.assertRegex(said, r"\A\S+T\S+ \[some\.where#info\] worker 3: \[a\] b\n\Z")

    def test_several_lines(self) -> None:
        """Further lines of an event cannot be taken for events."""
        said = self.said("text", lambda log: log.info("one\ntwo"), 3)
        self.assertTrue(said.endswith("worker 3: one\n\ttwo\n"), said)

    def test_nothing_to_say(self) -> None:
        """An event without a text is no line."""
        self.assertEqual(self.said("text", lambda log: log.info("")), "")

    def test_request(self) -> None:
        """The request that something is done for stands behind the level."""

        def log(logger: Any) -> None:
            request_id.set("req-1")
            logger.info("hello")

        self.assertIn("[some.where#info req-1] worker 3: hello", self.said("text", log, 3))

    def test_hostile_request(self) -> None:
        """An id of a client cannot pretend to be a line, or the text of one."""

        def log(logger: Any) -> None:
            logger.info("hello", request_id="req-\n1] \x1b")

        self.assertIn("[some.where#info req-?1???] hello\n", self.said("text", log))


class JsonTests(LineCase):
    """One object in a line."""

    def record(self, log: Any, worker: int | None = None) -> Any:
        said = self.said("json", log, worker)
        self.assertEqual(said.count("\n"), 1)
        return json.loads(said)

    def test_any_value(self) -> None:
        """What JSON does not know is told by its text: a plugin logs what it likes."""
        record = self.record(lambda log: log.warn("no {path}", path=Path("/a"), sent=3))
        self.assertEqual((record["message"], record["path"], record["sent"]), ("no /a", "/a", 3))

    def test_record(self) -> None:
        """Time in UTC, level, namespace and message, whatever is in it."""
        record = self.record(lambda log: log.warn("{what}", what='"a"\nb'))
        self.assertRegex(record.pop("time"), r"\A\d{4}-\d\d-\d\dT[0-9:]{8}\.\d{6}Z\Z")
        expected = {"level": "warn", "namespace": "some.where", "message": '"a"\nb'}
        self.assertEqual(record, expected)

    def test_failure(self) -> None:
        """A traceback is one field."""
        try:
            raise ZeroDivisionError("by nothing")
        except ZeroDivisionError:
            failure = Failure()
        record = self.record(lambda log: log.failure("oh", failure))
        self.assertEqual(record["message"], "oh")
        self.assertIn("by nothing", record["traceback"])

    def test_only_known_fields(self) -> None:
        """Whatever else an event carries stays behind: it may be secret."""
        record = self.record(lambda log: log.info("hello", token="sesame", status=200), 3)
        self.assertNotIn("sesame", json.dumps(record))
        self.assertEqual((record["status"], record["worker"]), (200, 3))

    def test_what_a_request_has_begun(self) -> None:
        """Work goes on under its request, whoever wakes it up, and others' is not touched."""
        turn: Deferred[None] = Deferred()
        out: list[Any] = []

        async def work(log: Any, name: str) -> None:
            request_id.set(name)
            await turn
            log.info("done")

        def log(logger: Any) -> None:
            out.extend(ensureDeferred(work(logger, name)) for name in ("req-1", "req-2"))
            turn.callback(None)
            logger.info("other")

        said = [json.loads(line) for line in self.said("json", log).splitlines()]
        told = [(each["message"], each.get("request_id")) for each in said]
        self.assertEqual(told, [("done", "req-1"), ("done", "req-2"), ("other", None)])


class ObserverTests(SynchronousTestCase):
    """Where the log goes is twistd's affair."""

    def test_file(self) -> None:
        """It is written to the file that twistd was told."""
        path = Path(self.mktemp())
        observer: Any = observer_of(None, "json", {**TWISTD, "logfile": str(path)})
        Logger("some.where", observer=observer).info("hello")
        self.assertEqual(json.loads(path.read_text())["message"], "hello")

    def test_rotation(self) -> None:
        """On SIGUSR1 the file is rotated, as twistd does it, once the reactor has time."""
        path = Path(self.mktemp())
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        reactor = Threaded()
        observer: Any = observer_of(reactor, "text", {**TWISTD, "logfile": str(path)})
        log = Logger("some.where", observer=observer)
        log.info("before")
        os.kill(os.getpid(), signal.SIGUSR1)
        [rotate] = reactor.asked
        rotate()
        log.info("after")
        self.assertIn("after", path.read_text())
        self.assertIn("before", path.with_name(path.name + ".1").read_text())

    def test_elsewhere(self) -> None:
        """Where something else decides on the form it is left alone, and JSON is refused."""
        for options in ({**TWISTD, "syslog": True}, {**TWISTD, "logger": "a.b"}, None):
            self.assertIsNone(observer_of(None, "text", options))
            self.assertRaises(ConfigError, observer_of, None, "json", options)

    def test_mistakes(self) -> None:
        """Another format, or standard output in the background, is a mistake."""
        self.assertRaises(ConfigError, observer_of, None, "xml", TWISTD)
        behind = {**TWISTD, "logfile": "-", "nodaemon": False}
        self.assertRaises(ConfigError, observer_of, None, "text", behind)
