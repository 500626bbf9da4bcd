"""Whoever is told what happens to images, for tests: he writes it down."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from zope.interface import implementer

from glancetx.interfaces import INotifier
from glancetx.notification import Notification, Priority


@implementer(INotifier)
@define
class Told:
    """``notifications`` are all so far, in their order."""

    notifications: list[Notification] = field(factory=list)

    def notify(self, notification: Notification) -> None:
        self.notifications.append(notification)

    @property
    def events(self) -> list[str]:
        """The events so far, without ``image.``; those of failures in capitals."""
        return [_word(each) for each in self.notifications]

    def forget(self) -> None:
        """Whatever was told until now does not matter."""
        self.notifications.clear()

    def of(self, event: str) -> Any:
        """The payload of the only notification of an event, by the word that `events` has."""
        (payload,) = [each.payload for each in self.notifications if _word(each) == event]
        return payload


def _word(notification: Notification) -> str:
    word = notification.event.value.removeprefix("image.")
    return word.upper() if notification.priority is Priority.ERROR else word
