"""What is told, as oslo.messaging tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from glancetx.notification import Event, Notification, Priority

NOTIFICATION = Notification(
    event=Event.UPLOAD,
    priority=Priority.ERROR,
    image_id="i",
    payload="Failed: ☹\n",
    publisher_id="image.here",
    timestamp=datetime(2026, 11, 25, 23, 35, tzinfo=UTC),
    message_id="m",
)


class EnvelopeTests(SynchronousTestCase):
    """The six keys of oslo.messaging, and nothing else."""

    def test_envelope(self) -> None:
        """The time is UTC with a blank in it, always with six digits; the payload is as it is."""
        self.assertEqual(
            NOTIFICATION.envelope(),
            {
                "message_id": "m",
                "publisher_id": "image.here",
                "timestamp": "2026-11-25 23:35:00.000000",
                "priority": "ERROR",
                "event_type": "image.upload",
                "payload": "Failed: ☹\n",
            },
        )

    def test_json(self) -> None:
        """It is one line, whatever stands in it."""
        self.assertNotIn(b"\n", NOTIFICATION.to_json())
        self.assertEqual(json.loads(NOTIFICATION.to_json()), NOTIFICATION.envelope())
