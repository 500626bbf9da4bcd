"""Notifications as requests to a web server that the operator chose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import TimeoutError
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.clocks import time_of_day
from glancetx.deferreds import as_deferred
from glancetx.description import number
from glancetx.errors import GlanceError, RemoteRefused, StoreError
from glancetx.httpclient import PASSING, Answer, Limits, Pieces, Server
from glancetx.httpclient.trust import read_certificates
from glancetx.interfaces import INotifier, IReloadable
from glancetx.notification import Notification
from glancetx.notifiers.delivery import Bounds, Delivery, Message, NotNow, Refused
from glancetx.notifiers.signature import Signer, read_signer

#: Bytes of an answer that are read so that its connection can be used again.
MOST_ANSWER = 64 << 10

#: Seconds for these: whoever dribbles must not keep what waits behind it.
FINISH = 10.0

#: Whose credentials they are, in the words of the log.
WHOSE = "the webhook"

#: A URL without a user and a password; the path is for the receiver, and may be as secret.
_URL = re.compile(
    r"(?P<origin>https?://[^/?#@\s]+)(?P<path>(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?)"
    r"(?P<query>(?:\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?)",
    re.ASCII,
)

_log = Logger()


class Receiver:
    """Posts messages to one server; what it answers with 2xx it has taken."""

    def __init__(self, clock: Any, server: Server, path: str, signer: Signer) -> None:
        self.signer = signer
        self._clock = clock
        self._server = server
        self._path = path

    async def post(self, message: Message) -> None:
        """
        :raises NotNow: when there is no answer, or one that says: later.
        :raises Refused: when the answer says anything else but yes.
        """
        moment = int(time_of_day(self._clock))
        headers = {
            "Content-Type": "application/json",
            **self.signer.headers(message.message_id, moment, message.body),
        }
        content = Pieces([message.body])
        try:
            # Whoever gets one twice knows it by its id.
            answer = await self._server.ask(
                "POST", self._path, headers, content, is_idempotent=True
            )
        except RemoteRefused as error:
            status = error.status
        except StoreError:
            raise NotNow("no answer") from None
        else:
            status = answer.status
            await self._finish(answer)
        if status in PASSING or status >= 500:
            raise NotNow(f"status {status}")
        if not 200 <= status < 300:
            raise Refused(f"refused with status {status}")

    async def _finish(self, answer: Answer) -> None:
        """Have done with an answer whose status is all that matters."""
        try:
            await as_deferred(answer.read(MOST_ANSWER)).addTimeout(FINISH, self._clock)
        except (GlanceError, TimeoutError):
            answer.close()


@implementer(INotifier, IReloadable)
class Webhook(Delivery):
    """
    Posts each notification to a receiver; see `Delivery` for when, and how often.

    The body is the envelope of oslo.messaging, signed as Standard Webhooks has it.
    """

    def __init__(
        self,
        clock: Any,
        receiver: Receiver,
        origin: str,
        bounds: Bounds,
        reread: Callable[[], Signer],
    ) -> None:
        super().__init__(clock, receiver.post, origin, bounds)
        self._to = receiver
        self._reread = reread

    def notify(self, notification: Notification) -> None:
        """As every notifier."""
        body = notification.to_json()
        self.take(Message(notification.image_id, notification.message_id, body))

    async def reload(self) -> None:
        """Read the file of secrets again."""
        try:
            self._to.signer = self._reread()
        except ValueError as error:
            _log.error("The secrets of the webhook stay as they were: {error}", error=str(error))


def webhook(
    reactor: Any,
    url: str,
    credentials: str = "",
    ca: str = "",
    queue: str = "1000",
    lanes: str = "4",
    give_up: str = "300",
    connect: str = "10",
    head: str = "10",
) -> Webhook:
    """
    The notifier of ``webhook:URL:credentials=FILE``.

    ``credentials`` is a file as `glancetx.notifiers.signature` reads it, ``ca`` one of certificates
    to trust instead of the system's.
    ``queue`` is how many notifications may wait, ``lanes`` how many are posted at the same time,
    ``give_up`` the seconds after which one is lost.

    :raises ValueError: when any of it makes no sense, or a file cannot be read.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("url must be a plain http or https URL, without a user or a password")
    bounds = Bounds(number("queue", queue), number("lanes", lanes), number("give_up", give_up))
    limits = Limits.told(connect, head, head)
    server = Server(reactor, match["origin"], read_certificates(ca), limits)
    signer = read_signer(credentials, WHOSE)
    path = (match["path"] or "/") + match["query"]
    receiver = Receiver(reactor, server, path, signer)
    return Webhook(
        reactor, receiver, server.origin, bounds, lambda: read_signer(credentials, WHOSE)
    )
