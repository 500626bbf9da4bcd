"""Where the events of a worker go."""

from __future__ import annotations

from io import StringIO
from typing import Any

from twisted.logger import FileLogObserver, Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.workers.outlet import Outlet, line_of


class OutletTests(SynchronousTestCase):
    """Events become messages."""

    def setUp(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.outlet = Outlet(lambda *message: self.sent.append(message))
        self.log = Logger("somewhere", observer=self.outlet)

    def test_event(self) -> None:
        """Level, namespace and text are kept."""
        self.log.warn("{what} went wrong", what="much")
        self.assertEqual(self.sent, [("log", "warn", "somewhere", "much went wrong")])

    def test_failure(self) -> None:
        """A traceback comes along."""
        try:
            raise ZeroDivisionError("by nothing")
        except ZeroDivisionError:
            self.log.failure("oh", Failure())
        [(_, level, _, text)] = self.sent
        self.assertEqual(level, "critical")
        self.assertTrue(text.startswith("oh\nTraceback"), text)
        self.assertIn("by nothing", text)

    def test_strange_events(self) -> None:
        """What Twisted's old log says has no level and no namespace of its own."""
        self.outlet({"log_format": "hello"})
        self.outlet({"log_format": "hello", "log_namespace": "log_legacy"})
        self.assertEqual(self.sent, [("log", "info", "-", "hello")] * 2)

    def test_nobody_takes_them(self) -> None:
        """Events are dropped meanwhile, and counted."""
        self.outlet.pauseProducing()
        for _ in range(3):
            self.log.info("lost")
        self.outlet.resumeProducing()
        self.log.info("kept")
        self.outlet.pauseProducing()
        self.outlet.resumeProducing()
        texts = [text for *_, text in self.sent]
        self.assertEqual(texts, ["3 events are missing from the log here", "kept"])

    def test_nobody_is_left(self) -> None:
        """When the supervisor is gone, events are dropped."""
        self.outlet.stopProducing()
        self.log.info("lost")
        self.assertEqual(self.sent, [])


class LineTests(SynchronousTestCase):
    """Events that go right into the log."""

    def lines(self, log: Any) -> str:
        """What two events come to."""
        out = StringIO()
        log(Logger("some.where", observer=FileLogObserver(out, line_of(3))))
        return out.getvalue()

    def test_line(self) -> None:
        """The line is twistd's, with the number of the worker."""
        said = self.lines(lambda log: log.info("[a] b"))
        self.assertRegex(said, r"\A\S+T\S+ \[some\.where#info\] worker 3: \[a\] b\n\Z")

    def test_several_lines(self) -> None:
        """Further lines of an event cannot be taken for events."""
        said = self.lines(lambda log: log.info("one\ntwo"))
        self.assertTrue(said.endswith("worker 3: one\n\ttwo\n"), said)

    def test_nothing_to_say(self) -> None:
        """An event without a text is no line."""
        self.assertEqual(self.lines(lambda log: log.info("")), "")
