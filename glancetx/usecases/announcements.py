"""What becomes of images is announced to whoever is to be notified (contract §10.2)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, frozen
from twisted.logger import Logger

from glancetx.access import Caller
from glancetx.image import Image, Status
from glancetx.image_document import detailed
from glancetx.interfaces import INotifier
from glancetx.notification import Event, Notification, Priority
from glancetx.usecases.reasons import is_by_client, reason_of

#: Who tells, when an operator has not said otherwise.
PUBLISHER = "image.localhost"


@frozen
class Announcements:
    """
    Tells every notifier of what has just happened.

    None of it fails or waits, and without notifiers it costs nothing.
    An image is told as it is in its record, all properties included: what is protected from users
    is not hidden from the operator's own systems.
    ``now`` is in seconds since 1970.
    """

    _notifiers: Sequence[INotifier] = ()
    _publisher_id: str = PUBLISHER
    _now: Callable[[], float] = time.time
    _log = Logger()

    def created(self, image: Image) -> None:
        """Its record was made."""
        self._tell(Event.CREATE, image)

    def preparing(self, image: Image) -> None:
        """An upload has won the image, which is told as it was before, and is about to begin."""
        self._tell(Event.PREPARE, image)

    def uploaded(self, image: Image) -> None:
        """Its bytes have come, and so it has become active."""
        self._tell(Event.UPLOAD, image, as_in=Status.SAVING)
        self.activated(image)

    def upload_failed(self, image_id: str, error: BaseException) -> None:
        """Its bytes have not come; nothing is said of clients that leave."""
        if self._notifiers and not is_by_client(error):
            sentence = f"Failed to upload image {image_id}: {reason_of(error)}"
            self._notify(Event.UPLOAD, Priority.ERROR, image_id, sentence)

    def activated(self, image: Image) -> None:
        """It has become active."""
        self._tell(Event.ACTIVATE, image)
        self.updated(image)

    def updated(self, image: Image) -> None:
        """Its record was changed."""
        self._tell(Event.UPDATE, image)

    def deleted(self, image: Image) -> None:
        """It is gone, or will be when its bytes have been kept for long enough."""
        self._tell(Event.DELETE, image)

    def sent(
        self, image: Image, caller: Caller, destination: str | None, sent: int, *, is_whole: bool
    ) -> None:
        """So many of its bytes went to a caller, by the address he has, until it ended."""
        if self._notifiers:
            payload = {
                "image_id": image.image_id,
                "owner_id": image.owner,
                "receiver_tenant_id": caller.identity.project,
                "receiver_user_id": caller.identity.user,
                "destination_ip": destination,
                "bytes_sent": sent,
            }
            priority = Priority.INFO if is_whole else Priority.ERROR
            self._notify(Event.SEND, priority, image.image_id, payload)

    def _tell(self, event: Event, image: Image, as_in: Status | None = None) -> None:
        if self._notifiers:
            told = image if as_in is None else evolve(image, status=as_in)
            self._notify(event, Priority.INFO, image.image_id, detailed(told))

    def _notify(
        self, event: Event, priority: Priority, image_id: str, payload: Mapping[str, Any] | str
    ) -> None:
        notification = Notification(
            event=event,
            priority=priority,
            image_id=image_id,
            payload=payload,
            publisher_id=self._publisher_id,
            timestamp=datetime.fromtimestamp(self._now(), UTC),
            message_id=str(uuid.uuid4()),
        )
        for notifier in self._notifiers:
            try:
                notifier.notify(notification)
            except Exception:  # noqa: BLE001 - what has happened has happened
                self._log.failure("{event} could not be told", event=event.value)
