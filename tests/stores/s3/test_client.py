"""What goes over the wire to a server of S3, and what is put right at once."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import StoreUnavailable
from glancetx.httpclient import Backoff, Flow, Server
from glancetx.stores.s3.addressing import VIRTUAL, place
from glancetx.stores.s3.client import Client
from glancetx.stores.s3.documents import LARGEST
from glancetx.stores.s3.refusals import Refused
from glancetx.stores.s3.requests import Reply, Request
from glancetx.stores.s3.signature import Credentials
from glancetx.testing.streams import HANG, ScriptedStream
from tests.outbound.fakes import PUBLIC, Conversation, FakeReactor

EXPIRED = b"<Error><Code>ExpiredToken</Code></Error>"


class Provider:
    """Has as many credentials as it is told."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)

    async def get(self) -> Credentials:
        return Credentials(self.keys[0], "secret")

    def forget(self, credentials: Credentials) -> bool:
        if len(self.keys) > 1:
            del self.keys[0]
            return True
        return False

    async def reload(self) -> None:
        pass


class ClientTests(SynchronousTestCase):
    """One request."""

    def setUp(self) -> None:
        there = place("http://s3.example:9000/gate", "r", "images", "", VIRTUAL)
        self.reactor = FakeReactor({"images.s3.example": [[PUBLIC]]})
        self.provider = Provider("one", "two")
        self.client = Client(
            self.reactor,
            Server(self.reactor, there.url),
            there,
            "r",
            self.provider,
            Backoff(self.reactor, attempts=1, jitter=lambda: 1.0),
        )

    def ask(self, *args: Any, **details: Any) -> Deferred[Reply]:
        return as_deferred(self.client.ask(Request(*args, **details)))

    def accept(self) -> Conversation:
        return self.reactor.accept()

    def say(self, conversation: Conversation, status: str, body: bytes = b"") -> None:
        conversation.say(f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", body=body)

    def test_virtual(self) -> None:
        """The bucket is in the host's name, and not in the path; queries are sent as signed."""
        asking = self.ask("GET", "a key", {"b": "x/y", "a": ""})
        conversation = self.accept()
        line, *headers = conversation.request.split(b"\r\n")
        self.assertEqual(line, b"GET /gate/a%20key?a=&b=x%2Fy HTTP/1.1")
        self.assertIn(b"Host: images.s3.example:9000", headers)
        self.say(conversation, "200 OK", b"<Fine/>")
        self.assertEqual(self.successResultOf(asking).document, b"<Fine/>")

    def test_expired(self) -> None:
        """Credentials that have expired are asked for anew, and the request again, at once."""
        asking = self.ask("GET", "key")
        conversation = self.accept()
        conversation.transport.clear()
        self.say(conversation, "400 Bad Request", EXPIRED)
        self.assertIn(b"Credential=two/", conversation.request)
        self.say(conversation, "200 OK")
        self.assertFalse(self.successResultOf(asking).was_repeated)

    def test_expired_for_good(self) -> None:
        """Where there are no others, it stays refused."""
        del self.provider.keys[0]
        asking = self.ask("GET", "key")
        self.say(self.accept(), "400 Bad Request", EXPIRED)
        refused = self.failureResultOf(asking, Refused).value
        self.assertEqual(refused.refusal.code, "ExpiredToken")
        self.assertEqual(str(refused), "400 ExpiredToken")

    def test_early_refusal(self) -> None:
        """A refusal that comes before all was sent is one, though it has no document."""
        content: Any = Flow(ScriptedStream([b"some"], then=HANG), 1000)
        asking = self.ask("PUT", "key", content=content)
        self.say(self.accept(), "403 Forbidden")
        self.assertEqual(self.failureResultOf(asking, Refused).value.refusal.status, 403)

    def test_waits(self) -> None:
        """Before a request is tried again there is a wait, which may be cancelled."""
        asking = self.ask("GET", "key")
        self.say(self.accept(), "503 Slow Down")
        self.assertEqual(len(self.reactor.contacted), 1)
        self.reactor.advance(0.4)
        self.assertEqual(len(self.reactor.contacted), 1)
        asking.cancel()
        self.failureResultOf(asking)
        self.reactor.advance(10)
        self.assertEqual(len(self.reactor.contacted), 1)

    def test_endless_document(self) -> None:
        """A document larger than any is as good as none."""
        asking = self.ask("GET", "key")
        for _ in range(2):
            conversation = self.accept()
            conversation.say("HTTP/1.1 200 OK", body=bytes(LARGEST + 1))
            self.reactor.advance(1)
        self.failureResultOf(asking, StoreUnavailable)

    def test_no_date(self) -> None:
        """A refusal without a time, or with one that makes no sense, says nothing of clocks."""
        for lines in ((), ("Date: yesterday",)):
            asking = self.ask("GET", "key")
            self.accept().say("HTTP/1.1 403 Forbidden", "Content-Length: 0", *lines)
            self.failureResultOf(asking, Refused)
            self.reactor.advance(100)
