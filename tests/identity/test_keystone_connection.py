"""The authenticator over a real connection: TLS, silence, and answers that are cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.trial.unittest import TestCase
from twisted.web.server import Site

from glancetx.deferreds import as_deferred
from glancetx.errors import IdentityUnavailable, NotAuthenticated
from glancetx.identity.keystone import KeystoneAuthenticator, keystone
from tests.keystone.fake_keystone import PASSWORD, FakeKeystone, document
from tests.outbound.certificates import authority
from tests.outbound.server import CUT, HANG, Request, Server, Step, head


class Answers:
    """Keystone's side of a connection: it lets everybody log in, and knows the token ``good``."""

    def __init__(self) -> None:
        self.validation: Sequence[Step] | None = None

    def __call__(self, request: Request) -> Sequence[Step]:
        body = json.dumps(document(4_000_000_000.0)).encode()
        length = f"Content-Length: {len(body)}"
        if request.method == "POST":
            return [head("201 Created", "X-Subject-Token: own", length), body]
        if self.validation is not None:
            return self.validation
        if request.headers["x-subject-token"] == "good":
            return [head("200 OK", length), body]
        body = b'{"error": {"code": 404}}'
        return [head("404 Not Found", f"Content-Length: {len(body)}"), body]


class ConnectionCase(TestCase):
    """An authenticator as it is made for a daemon, before a server on loopback."""

    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.answers = Answers()
        self.credentials = self.mktemp()
        with open(self.credentials, "w") as file:
            file.write('user_id = "u"\npassword = "p"\nproject_id = "i"\n')

    def make(self, url: str, **options: str) -> KeystoneAuthenticator:
        made = keystone(self.reactor, url, credentials=self.credentials, **options)
        made.startService()
        self.addCleanup(made.stopService)
        return made

    def asking(self, made: KeystoneAuthenticator, token: str = "good") -> Deferred[Any]:
        return as_deferred(made.authenticate({"x-auth-token": token}, None))


class AnswerTests(ConnectionCase):
    """Over plain HTTP."""

    def test_tokens(self) -> Deferred[None]:
        """Good tokens are told from bad ones."""

        async def go() -> None:
            made = self.make(Server(self, self.answers).url)
            self.assertEqual((await self.asking(made)).user, "ada")
            with self.assertRaises(NotAuthenticated):
                await self.asking(made, "bad")

        return ensureDeferred(go())

    def test_broken_answers(self) -> Deferred[None]:
        """An answer that is cut or never ends is no answer, and the next one is."""

        async def go() -> None:
            made = self.make(Server(self, self.answers).url, timeout="1")
            beginning = head("200 OK", "Content-Length: 1000")
            endings: Sequence[Sequence[Step]] = (
                [CUT],
                [beginning, b"{", CUT],
                [HANG],
                [beginning, b"{", HANG],
            )
            for validation in endings:
                self.answers.validation = validation
                with self.assertRaises(IdentityUnavailable):
                    await self.asking(made)
            self.answers.validation = None
            self.assertEqual((await self.asking(made)).user, "ada")

        return ensureDeferred(go())

    def test_reload(self) -> Deferred[None]:
        """Credentials that were corrected are used when the daemon is told to read them again."""

        async def go() -> None:
            fake = FakeKeystone()
            fake.own_life = 4_000_000_000.0
            fake.tokens["good"] = document(4_000_000_000.0)
            listening = self.reactor.listenTCP(0, Site(fake, timeout=None), interface="127.0.0.1")
            self.addCleanup(listening.stopListening)
            made = self.make(f"http://127.0.0.1:{listening.getHost().port}")
            with self.assertRaises(IdentityUnavailable):
                await self.asking(made)
            with open(self.credentials, "w") as file:
                file.write(f'user_id = "u"\npassword = "{PASSWORD}"\nproject_id = "i"\n')
            await made.reload()
            self.assertEqual((await self.asking(made)).user, "ada")

        return ensureDeferred(go())


class TlsTests(ConnectionCase):
    """Over TLS, whose chain and name are verified."""

    def ca_file(self, pem: str) -> str:
        path: str = self.mktemp()
        with open(path, "w") as file:
            file.write(pem)
        return path

    def test_trusted(self) -> Deferred[None]:
        """A server whose authority the operator named is believed."""

        async def go() -> None:
            pem, tls = authority("127.0.0.1")
            url = Server(self, self.answers, tls).url
            made = self.make(url, ca=self.ca_file(pem))
            self.assertEqual((await self.asking(made)).user, "ada")

        return ensureDeferred(go())

    def test_untrusted(self) -> Deferred[None]:
        """Without that it is not, and gets to see nothing (R30)."""

        async def go() -> None:
            _, tls = authority("127.0.0.1")
            other, _ = authority("127.0.0.1")
            server = Server(self, self.answers, tls)
            for options in ({}, {"ca": self.ca_file(other)}):
                with self.assertRaises(IdentityUnavailable):
                    await self.asking(self.make(server.url, **options))
            self.assertEqual(server.requests, [])

        return ensureDeferred(go())

    def test_other_name(self) -> Deferred[None]:
        """A certificate for another name is not believed (R30)."""

        async def go() -> None:
            pem, tls = authority("127.0.0.2")
            server = Server(self, self.answers, tls)
            with self.assertRaises(IdentityUnavailable):
                await self.asking(self.make(server.url, ca=self.ca_file(pem)))
            self.assertEqual(server.requests, [])

        return ensureDeferred(go())
