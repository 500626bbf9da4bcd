"""Notifications as lines of the log."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from glancetx.interfaces import INotifier
from glancetx.notification import Notification, Priority

#: By this name observers tell the lines from all others.
NAMESPACE = "glancetx.notifications"

_LEVELS = {
    Priority.INFO: LogLevel.info,
    Priority.WARN: LogLevel.warn,
    Priority.ERROR: LogLevel.error,
}


@implementer(INotifier)
class LogNotifier:
    """
    Writes a line for each notification: the event, and the envelope as JSON.

    The log's event has the keys of the envelope too, for observers that do not read lines.
    """

    def __init__(self, reactor: Any) -> None:
        self._log = Logger(namespace=NAMESPACE)

    def notify(self, notification: Notification) -> None:
        """As every notifier."""
        self._log.emit(
            _LEVELS[notification.priority],
            "{event_type} {document}",
            document=notification.to_json().decode("ascii"),
            **notification.envelope(),
        )
