"""One question to Keystone, over a real connection."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Site

from glancetx.deferreds import as_deferred
from glancetx.httpclient import Backoff
from glancetx.keystone import exchange
from glancetx.keystone.exchange import LARGEST_ANSWER, Exchange, KeystoneAway, Reply
from tests.keystone.fake_keystone import URL, FakeKeystone, document, own_credentials
from tests.outbound.certificates import authority
from tests.outbound.server import CUT, Server, Step, head


class ExchangeCase(TestCase):
    """An exchange over the network."""

    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        # Nobody has to wait for what fails again.
        self.patch(exchange, "WAIT", 0.0)

    def make(self, ca: str = "", kept: int = 0) -> Exchange:
        made = Exchange.over_network(self.reactor, ca, kept)
        self.addCleanup(made.close)
        return made


class AnswerTests(ExchangeCase):
    """What comes back."""

    async def ask(self, *steps: Step) -> Reply:
        server = Server(self, lambda request: steps)
        return await self.make().ask("GET", f"{server.url}/v3", {"X-Auth-Token": "own"})

    def test_answer(self) -> Deferred[None]:
        """Status, document and token, whatever they mean; a redirect is an answer too."""

        async def go() -> None:
            for status, body, read in (
                ("200 OK", b'{"a": 1}', {"a": 1}),
                ("302 Found", b"", None),
                ("500 Oh", b"<html>", None),
            ):
                fields = (f"Content-Length: {len(body)}", "X-Subject-Token: new", "Location: /v3")
                reply = await self.ask(head(status, *fields), body)
                self.assertEqual(reply, Reply(int(status[:3]), read, "new"))

        return ensureDeferred(go())

    def test_no_answer(self) -> Deferred[None]:
        """One that is cut or too large is none, and the reason tells nothing of what is in it."""

        async def go() -> None:
            endless = b"secret" * (LARGEST_ANSWER // 6 + 1)
            for steps, reason in (
                ([CUT], "ConnectionLost"),
                ([head("200 OK", "Content-Length: 1000"), b'{"secret', CUT], "ConnectionLost"),
                ([head("200 OK"), endless], "_TooLarge"),
            ):
                with self.assertRaises(KeystoneAway) as caught:
                    await self.ask(*steps)
                self.assertEqual(str(caught.exception), reason)

        return ensureDeferred(go())

    def test_nobody_there(self) -> Deferred[None]:
        """Where nobody listens there is no answer."""

        async def go() -> None:
            with self.assertRaises(KeystoneAway):
                await self.make().ask("GET", "http://127.0.0.1:1/v3", {})

        return ensureDeferred(go())

    def test_certificates(self) -> Deferred[None]:
        """Over TLS only authorities that are trusted are believed."""

        async def go() -> None:
            pem, tls = authority("127.0.0.1")
            answer = [head("200 OK", "Content-Length: 2"), b"{}"]
            server = Server(self, lambda request: answer, tls)
            reply = await self.make(pem).ask("GET", server.url, {})
            self.assertEqual(reply.status, 200)
            with self.assertRaises(KeystoneAway) as caught:
                await self.make().ask("GET", server.url, {})
            self.assertIn("certificate verify failed", str(caught.exception))
            self.assertEqual(len(server.requests), 1)

        return ensureDeferred(go())


class AgainTests(SynchronousTestCase):
    """What is put again."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.keystone = FakeKeystone()
        backoff = Backoff(self.clock, attempts=2, wait=0.5, jitter=lambda: 1.0)
        self.exchange = Exchange(self.keystone.agent, self.clock, backoff)

    def asking(self) -> Deferred[Reply]:
        document = own_credentials().document
        return as_deferred(self.exchange.ask("POST", f"{URL}/auth/tokens", {}, document))

    def test_passing(self) -> None:
        """After an answer that will be another one soon, and when there is none."""
        for status in (None, 408, 429, 500, 502, 503, 504):
            self.keystone.agent.is_down = status is None
            self.keystone.instead = None if status is None else (status, b"")
            asking = self.asking()
            self.keystone.agent.is_down = False
            self.keystone.instead = None
            self.clock.advance(0.4)
            self.assertNoResult(asking)
            self.clock.advance(0.1)
            self.assertEqual(self.successResultOf(asking).status, 201)

    def test_lasting(self) -> None:
        """Any other answer is given as it is, at once."""
        for status in (200, 302, 400, 401, 403, 404, 501):
            self.keystone.instead = (status, b"")
            self.assertEqual(self.successResultOf(self.asking()).status, status)
        self.assertEqual(len(self.keystone.seen), 7)

    def test_often(self) -> None:
        """In the end it is given up, and the last answer counts."""
        self.keystone.instead = (503, b"")
        asking = self.asking()
        self.clock.pump([0.5, 0.9])
        self.assertNoResult(asking)
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(asking).status, 503)
        self.keystone.agent.is_down = True
        asking = self.asking()
        self.clock.pump([0.5, 1.0])
        self.failureResultOf(asking, KeystoneAway)
        self.assertEqual(len(self.keystone.seen), 3)

    def test_cancelled(self) -> None:
        """Who gives up is not asked for any more, whether he waits for an answer or for a try."""
        self.keystone.is_holding = True
        waiting = self.asking()
        self.keystone.agent.is_down = True
        for asking in (waiting, self.asking()):
            asking.cancel()
            self.failureResultOf(asking, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.keystone.seen), 1)


class ConnectionTests(ExchangeCase):
    """How long connections last."""

    def setUp(self) -> None:
        super().setUp()
        self.keystone = FakeKeystone()
        site = Site(self.keystone, timeout=None)
        listening = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.url = f"http://127.0.0.1:{listening.getHost().port}/v3/auth/tokens"

    async def clients_of(self, made: Exchange) -> set[Any]:
        """The ends of all connections over which two questions are put."""
        for _ in range(2):
            reply = await made.ask("POST", self.url, {}, own_credentials().document)
            self.assertEqual(reply.subject_token, self.keystone.own_tokens[-1])
        return {request.getClientAddress() for request in self.keystone.seen}

    def test_not_kept(self) -> Deferred[None]:
        """Each question takes a connection of its own, unless some are to be kept."""

        async def go() -> None:
            self.assertEqual(len(await self.clients_of(self.make())), 2)

        return ensureDeferred(go())

    def test_kept(self) -> Deferred[None]:
        """One that is kept serves the next question, until the exchange is closed."""

        async def go() -> None:
            made = self.make(kept=1)
            self.assertEqual(len(await self.clients_of(made)), 1)
            await made.close()
            self.assertEqual(len(await self.clients_of(made)), 2)

        return ensureDeferred(go())


class SecretTests(SynchronousTestCase):
    """What must not be told."""

    def test_repr(self) -> None:
        """An answer does not show what is in it."""
        self.assertEqual(repr(Reply(200, document(), "secret")), "Reply(status=200)")
