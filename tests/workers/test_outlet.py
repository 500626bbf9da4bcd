"""Where the events of a worker go."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.workers.outlet import Outlet


class OutletTests(SynchronousTestCase):
    """Events become messages."""

    def setUp(self) -> None:
        self.sent: list[Any] = []
        self.outlet = Outlet(lambda *message: self.sent.append(message))
        self.log = Logger("somewhere", observer=self.outlet)

    def records(self) -> list[dict[str, Any]]:
        self.assertEqual({name for name, _ in self.sent}, {"log"} if self.sent else set())
        return [record for _, record in self.sent]

    def test_event(self) -> None:
        """Level, namespace and text are kept."""
        self.log.warn("{what} went wrong", what="much")
        [record] = self.records()
        told = (record["level"], record["namespace"], record["message"])
        self.assertEqual(told, ("warn", "somewhere", "much went wrong"))

    def test_failure(self) -> None:
        """A traceback comes along."""
        try:
            raise ZeroDivisionError("by nothing")
        except ZeroDivisionError:
            self.log.failure("oh", Failure())
        [record] = self.records()
        self.assertEqual((record["level"], record["message"]), ("critical", "oh"))
        self.assertTrue(record["traceback"].startswith("Traceback"), record)
        self.assertIn("by nothing", record["traceback"])

    def test_strange_events(self) -> None:
        """What Twisted's old log says has no level and no namespace of its own."""
        self.outlet({"log_format": "hello"})
        self.outlet({"log_format": "hello", "log_namespace": "log_legacy"})
        for record in self.records():
            told = (record["level"], record["namespace"], record["message"])
            self.assertEqual(told, ("info", "-", "hello"))

    def test_nobody_takes_them(self) -> None:
        """Events are dropped meanwhile, and counted."""
        self.outlet.pauseProducing()
        for _ in range(3):
            self.log.info("lost")
        self.outlet.resumeProducing()
        self.log.info("kept")
        self.outlet.pauseProducing()
        self.outlet.resumeProducing()
        texts = [record["message"] for record in self.records()]
        self.assertEqual(texts, ["3 events are missing from the log here", "kept"])

    def test_nobody_is_left(self) -> None:
        """When the supervisor is gone, events are dropped."""
        self.outlet.stopProducing()
        self.log.info("lost")
        self.assertEqual(self.sent, [])
