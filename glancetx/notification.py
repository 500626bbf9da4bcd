"""What others are told of what happens to images (contract §10.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen


class Event(Enum):
    """What can happen."""

    CREATE = "image.create"
    PREPARE = "image.prepare"
    UPLOAD = "image.upload"
    ACTIVATE = "image.activate"
    UPDATE = "image.update"
    DELETE = "image.delete"
    SEND = "image.send"


class Priority(Enum):
    """How much it matters: what fails is an ``ERROR``."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


@frozen(kw_only=True)
class Notification:
    """
    One event, as it is told.

    ``payload`` is what JSON can say: of most events the image object of the API, of a failed upload
    a sentence.
    It has never a location, a token or a password in it.
    ``image_id`` is whose event it is, also where the payload does not tell: those of one image are
    to be told in their order.
    ``publisher_id`` is the service that tells, ``message_id`` a UUID of this notification, by which
    one that comes twice is known.
    ``timestamp`` is aware, in UTC.
    """

    event: Event
    priority: Priority
    image_id: str
    payload: Mapping[str, Any] | str = field(repr=False)
    publisher_id: str
    timestamp: datetime
    message_id: str

    def envelope(self) -> dict[str, Any]:
        """The six keys that oslo.messaging puts on the bus, the time written as it writes it."""
        moment = self.timestamp.replace(tzinfo=None)
        return {
            "message_id": self.message_id,
            "publisher_id": self.publisher_id,
            "timestamp": moment.isoformat(sep=" ", timespec="microseconds"),
            "priority": self.priority.value,
            "event_type": self.event.value,
            "payload": self.payload,
        }

    def to_json(self) -> bytes:
        """The envelope in one line of ASCII."""
        return json.dumps(self.envelope()).encode("ascii")
