"""Notifications in the log."""

from __future__ import annotations

import json

from attrs import evolve
from twisted.logger import LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from glancetx.interfaces import INotifier
from glancetx.notification import Priority
from glancetx.notifiers.log import LogNotifier
from tests.test_notification import NOTIFICATION
from tests.web.case import logged_events


class LogTests(SynchronousTestCase):
    """One line for each."""

    def setUp(self) -> None:
        self.events = logged_events(self)
        self.notifier = LogNotifier(None)

    def test_line(self) -> None:
        """The event and the envelope in one line, under a name of its own, and as keys."""
        verifyObject(INotifier, self.notifier)
        self.notifier.notify(NOTIFICATION)
        (event,) = self.events
        self.assertEqual(event["log_namespace"], "glancetx.notifications")
        name, _, document = formatEvent(event).partition(" ")
        self.assertEqual(name, "image.upload")
        self.assertEqual(json.loads(document), NOTIFICATION.envelope())
        self.assertNotIn("\n", document)
        self.assertEqual(event["payload"], NOTIFICATION.payload)
        self.assertEqual(event["message_id"], "m")

    def test_levels(self) -> None:
        """Its level is its priority."""
        for priority, level in (
            (Priority.INFO, LogLevel.info),
            (Priority.WARN, LogLevel.warn),
            (Priority.ERROR, LogLevel.error),
        ):
            self.notifier.notify(evolve(NOTIFICATION, priority=priority))
            self.assertIs(self.events[-1]["log_level"], level)
