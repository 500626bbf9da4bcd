"""A receiver of notifications on the web, in memory."""

from __future__ import annotations

import json
import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.interfaces import INotifier, IReloadable
from glancetx.notifiers.delivery import Message, NotNow, Refused
from glancetx.notifiers.signature import Signer
from glancetx.notifiers.webhook import FINISH, Receiver, webhook
from tests.httpclient.fake_server import Asking
from tests.notifiers.test_signature import SECRET
from tests.test_notification import NOTIFICATION

MESSAGE = Message("i", "m", b'{"a": 1}')


class ReceiverTests(SynchronousTestCase):
    """One message, and what becomes of it."""

    def setUp(self) -> None:
        self.asking = Asking("http://store.example")
        self.clock = Clock()
        self.clock.advance(1614265330.7)
        self.receiver = Receiver(self.clock, self.asking.server, "/in?x=1", Signer([bytes(24)]))

    def test_request(self) -> None:
        """A POST of JSON, with the headers of Standard Webhooks."""
        posting = as_deferred(self.receiver.post(MESSAGE))
        server = self.asking.accept()
        head, _, body = server.request.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /in?x=1 HTTP/1.1\r\n"), head)
        lines = {line.lower() for line in head.split(b"\r\n")}
        self.assertIn(b"content-type: application/json", lines)
        self.assertIn(b"webhook-id: m", lines)
        self.assertIn(b"webhook-timestamp: 1614265330", lines)
        self.assertTrue(any(line.startswith(b"webhook-signature: v1,") for line in lines))
        self.assertEqual(body, MESSAGE.body)
        server.say("HTTP/1.1 202 Accepted", "Content-Length: 2", body=b"ok")
        self.successResultOf(posting)

    def test_connection_is_kept(self) -> None:
        """The next message goes over the same connection."""
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.accept().say("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")
        self.successResultOf(posting)
        as_deferred(self.receiver.post(MESSAGE))
        self.assertEqual(self.asking.connections, 1)

    def test_dribbles(self) -> None:
        """An answer that does not end is let go: whatever waits behind it has its turn."""
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.accept().say("HTTP/1.1 202 Accepted", "Content-Length: 2", body=b"o")
        self.assertNoResult(posting)
        self.clock.advance(FINISH)
        self.successResultOf(posting)

    def answered(self, status: int):
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.accept().say(f"HTTP/1.1 {status} So", "Content-Length: 0", "Connection: close")
        return posting

    def test_not_now(self) -> None:
        """What may pass is to be tried again."""
        for status in (408, 429, 500, 503, 507):
            error = self.failureResultOf(self.answered(status), NotNow).value
            self.assertEqual(str(error), f"status {status}")

    def test_refused(self) -> None:
        """What will not is lost; nobody is sent on elsewhere."""
        for status in (301, 307, 400, 401, 404, 410):
            error = self.failureResultOf(self.answered(status), Refused).value
            self.assertEqual(str(error), f"refused with status {status}")

    def test_no_answer(self) -> None:
        """So is what is not answered, for whichever reason."""
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.refuse()
        self.failureResultOf(posting, NotNow)
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.accept()
        self.asking.advance(20)
        self.failureResultOf(posting, NotNow)

    def test_long_answer(self) -> None:
        """Nobody reads a book: its status is enough."""
        posting = as_deferred(self.receiver.post(MESSAGE))
        self.asking.accept().say("HTTP/1.1 200 OK", "Content-Length: 99999999", body=bytes(1 << 17))
        self.successResultOf(posting)


class WebhookTests(SynchronousTestCase):
    """The whole notifier."""

    def test_notify(self) -> None:
        """What is posted is the envelope of oslo.messaging."""
        asking = Asking()
        hook = webhook(asking.reactor, "http://store.example:8080")
        verifyObject(INotifier, hook)
        verifyObject(IReloadable, hook)
        hook.startService()
        hook.notify(NOTIFICATION)
        asking.advance(0)
        server = asking.accept()
        head, _, body = server.request.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST / HTTP/1.1"), head)
        self.assertEqual(json.loads(body), NOTIFICATION.envelope())
        server.say("HTTP/1.1 204 None")
        self.successResultOf(hook.stopService())

    def test_urls(self) -> None:
        """No user, no password, and nothing but the web; what is refused is not repeated."""
        for url in (
            "ftp://h/x",
            "h/x",
            "http://user:secret@h/x",
            "http://h/secret\r\nHost: x",
            "http://h/#secret",
            "http:///secret",
        ):
            error = self.assertRaises(ValueError, webhook, None, url)
            self.assertNotIn("secret", str(error))
        for options in ({"queue": "0"}, {"lanes": "x"}, {"give_up": "-1"}, {"ca": "/nowhere"}):
            self.assertRaises(ValueError, webhook, None, "http://h", **options)

    def test_reload(self) -> None:
        """The file of the secret is read again; one that makes no sense changes nothing."""
        path = self.mktemp()

        def write(secret: str) -> None:
            with open(path, "w") as file:
                file.write(f'secret = "{secret}"')
            os.chmod(path, 0o600)

        def signature() -> str:
            return hook._to.signer.headers("m", 0, b"")["webhook-signature"]

        write(SECRET)
        hook = webhook(Clock(), "http://h", path)
        first = signature()
        write(SECRET[:-1] + "A")
        self.successResultOf(as_deferred(hook.reload()))
        second = signature()
        self.assertNotEqual(first, second)
        write("nonsense")
        self.successResultOf(as_deferred(hook.reload()))
        self.assertEqual(signature(), second)
