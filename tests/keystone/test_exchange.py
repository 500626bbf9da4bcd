"""One question to Keystone, over a real connection."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Site

from glancetx.keystone.exchange import LARGEST_ANSWER, Exchange, KeystoneAway, Reply
from tests.keystone.fake_keystone import FakeKeystone, document, own_credentials
from tests.outbound.certificates import authority
from tests.outbound.server import CUT, Server, Step, head


class ExchangeCase(TestCase):
    """An exchange over the network."""

    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    def make(self, ca: str = "", kept: int = 0) -> Exchange:
        exchange = Exchange.over_network(self.reactor, ca, kept)
        self.addCleanup(exchange.close)
        return exchange


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
                ([CUT], "ResponseNeverReceived"),
                ([head("200 OK", "Content-Length: 1000"), b'{"secret', CUT], "ResponseFailed"),
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
            with self.assertRaises(KeystoneAway):
                await self.make().ask("GET", server.url, {})
            self.assertEqual(len(server.requests), 1)

        return ensureDeferred(go())


class ConnectionTests(ExchangeCase):
    """How long connections last."""

    def setUp(self) -> None:
        super().setUp()
        self.keystone = FakeKeystone()
        site = Site(self.keystone, timeout=None)
        listening = self.reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.url = f"http://127.0.0.1:{listening.getHost().port}/v3/auth/tokens"

    async def clients_of(self, exchange: Exchange) -> set[Any]:
        """The ends of all connections over which two questions are put."""
        for _ in range(2):
            reply = await exchange.ask("POST", self.url, {}, own_credentials().document)
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
            exchange = self.make(kept=1)
            self.assertEqual(len(await self.clients_of(exchange)), 1)
            await exchange.close()
            self.assertEqual(len(await self.clients_of(exchange)), 2)

        return ensureDeferred(go())


class SecretTests(SynchronousTestCase):
    """What must not be told."""

    def test_repr(self) -> None:
        """An answer does not show what is in it."""
        self.assertEqual(repr(Reply(200, document(), "secret")), "Reply(status=200)")
