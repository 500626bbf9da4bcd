"""Credentials that are lent are asked for once, in time, and used as long as they are good."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import GlanceError, RemoteBroken, RemoteRefused, StoreUnavailable
from glancetx.stores.s3.lenders import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, lender_at
from glancetx.stores.s3.providers import PAUSE, RENEW_BEFORE, Lent, Loan
from glancetx.stores.s3.signature import Credentials
from glancetx.testing.threads import InlineThreads
from glancetx.threads import Threads
from tests.outbound.server import Request, Server, head

HOUR = 3600.0


class Lender:
    """Lends what the test gives it."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Loan]] = []

    async def lend(self) -> Loan:
        self.asked.append(Deferred())
        return await self.asked[-1]

    def give(self, key: str, expires: float) -> None:
        self.asked[-1].callback(Loan(Credentials(key, "secret"), expires))


class LentTests(SynchronousTestCase):
    """When credentials are asked for."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lender = Lender()
        self.lent = Lent(self.clock, self.lender)

    def get(self) -> Deferred[Credentials]:
        return as_deferred(self.lent.get())

    def key(self) -> str:
        return self.successResultOf(self.get()).access_key

    def test_once(self) -> None:
        """However many need them, they are asked for once, and kept."""
        gets = [self.get() for _ in range(3)]
        self.assertEqual(len(self.lender.asked), 1)
        self.lender.give("one", 6 * HOUR)
        self.assertEqual({self.successResultOf(each).access_key for each in gets}, {"one"})
        self.assertEqual(self.key(), "one")
        self.assertEqual(len(self.lender.asked), 1)

    def test_leaver(self) -> None:
        """Who gives up does not stop it for the others."""
        first, second = self.get(), self.get()
        first.cancel()
        self.failureResultOf(first)
        self.lender.give("one", HOUR)
        self.assertEqual(self.successResultOf(second).access_key, "one")

    def test_renewed(self) -> None:
        """They are renewed some minutes before they expire."""
        self.get()
        self.lender.give("one", 6 * HOUR)
        self.clock.advance(6 * HOUR - RENEW_BEFORE - 1)
        self.assertEqual(self.key(), "one")
        self.clock.advance(1)
        get = self.get()
        self.lender.give("two", 12 * HOUR)
        self.assertEqual(self.successResultOf(get).access_key, "two")

    def test_short(self) -> None:
        """What is lent for a short time is renewed after half of it."""
        self.get()
        self.lender.give("one", 60)
        self.clock.advance(29)
        self.assertEqual(self.key(), "one")
        self.clock.advance(1)
        self.assertNoResult(self.get())

    def test_cannot_be_renewed(self) -> None:
        """Those that cannot be renewed are used until they expire."""
        self.get()
        self.lender.give("one", 6 * HOUR)
        self.clock.advance(6 * HOUR - 60)
        get = self.get()
        self.lender.asked[-1].errback(RemoteBroken())
        self.assertEqual(self.successResultOf(get).access_key, "one")
        # And nobody asks at once again.
        self.assertEqual(self.key(), "one")
        self.clock.advance(PAUSE)
        get = self.get()
        self.lender.asked[-1].errback(RemoteBroken())
        self.assertEqual(self.successResultOf(get).access_key, "one")
        self.clock.advance(PAUSE)
        get = self.get()
        self.lender.asked[-1].errback(RemoteBroken())
        self.failureResultOf(get, StoreUnavailable)

    def test_forgotten(self) -> None:
        """Those that a server no longer takes are not used again; newer ones are kept."""
        get = self.get()
        self.lender.give("one", 6 * HOUR)
        old = self.successResultOf(get)
        self.assertTrue(self.lent.forget(old))
        self.get()
        self.lender.give("two", 6 * HOUR)
        self.assertTrue(self.lent.forget(old))
        self.assertEqual(self.key(), "two")

    def test_reloaded(self) -> None:
        """An operator may have them asked for again."""
        self.get()
        self.lender.give("one", 6 * HOUR)
        self.successResultOf(as_deferred(self.lent.reload()))
        self.assertNoResult(self.get())


LOAN = {
    "Code": "Success",
    "AccessKeyId": "key",
    "SecretAccessKey": "s3cr3t",
    "Token": "t0ken",
    "Expiration": "2026-11-25T23:00:00Z",
}


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


class LenderTests(TestCase):
    """How credentials are asked for."""

    timeout = 20

    def serve(self, texts: dict[str, str]) -> Server:
        """A server that has these texts at these paths."""

        def answer(request: Request) -> list[bytes]:
            text = texts.get(request.path)
            if text is None:
                return [head("404 Not Found", "Content-Length: 0")]
            return [head("200 OK", f"Content-Length: {len(text)}"), text.encode()]

        return Server(self, answer)

    def lender(self, url: str, **environment: str) -> Any:
        lender = lender_at(_reactor(), url, InlineThreads(), environment)
        self.addCleanup(lender._server.close)  # type: ignore[attr-defined]
        return lender

    def check(self, loan: Loan) -> None:
        self.assertEqual(loan.credentials, Credentials("key", "s3cr3t", "t0ken"))
        self.assertEqual(loan.expires, 1795647600)

    async def test_instance(self) -> None:
        """An instance begins a session, learns its role, and gets its keys."""
        roles = "/latest/meta-data/iam/security-credentials/"
        server = self.serve(
            {
                "/latest/api/token": "session",
                roles: "a role\n",
                f"{roles}a%20role": json.dumps(LOAN),
            }
        )
        self.check(await self.lender(server.url).lend())
        first, *others = server.requests
        self.assertEqual((first.method, first.path), ("PUT", "/latest/api/token"))
        self.assertIn("x-aws-ec2-metadata-token-ttl-seconds", first.headers)
        for request in others:
            self.assertEqual(request.headers["x-aws-ec2-metadata-token"], "session")

    async def test_container(self) -> None:
        """A container has an address, and may show a token from a file, which may change."""
        server = self.serve({"/v2/credentials/me": json.dumps(LOAN)})
        url = f"{server.url}/v2/credentials/me"
        self.check(await self.lender(url).lend())
        self.assertNotIn("authorization", server.requests[-1].headers)
        self.check(await self.lender(url, **{TOKEN_VARIABLE: "text"}).lend())
        self.assertEqual(server.requests[-1].headers["authorization"], "text")
        path = self.mktemp()
        lender = self.lender(url, **{TOKEN_FILE_VARIABLE: path})
        for token in ("one", "two"):
            with open(path, "w") as file:
                file.write(f"{token}\n")
            self.check(await lender.lend())
            self.assertEqual(server.requests[-1].headers["authorization"], token)

    async def test_refused(self) -> None:
        """Whatever else comes is an error of ours, in which there is no secret."""
        server = self.serve(
            {
                "/no-json": "s3cr3t",
                "/list": "[]",
                "/part": json.dumps({**LOAN, "Expiration": "x"}),
                "/number": json.dumps({**LOAN, "Token": 5}),
                "/null": json.dumps({**LOAN, "SecretAccessKey": None}),
                "/lines": json.dumps({**LOAN, "AccessKeyId": "s3cr3t\nX-Header: x"}),
            }
        )
        for path, expected in (
            ("/nothing", RemoteRefused),
            ("/no-json", StoreUnavailable),
            ("/list", StoreUnavailable),
            ("/part", StoreUnavailable),
            ("/number", StoreUnavailable),
            ("/null", StoreUnavailable),
            ("/lines", StoreUnavailable),
        ):
            try:
                await self.lender(server.url + path).lend()
            except GlanceError as error:
                self.assertIs(type(error), expected)
                self.assertNotIn("s3cr3t", repr(error))
            else:
                self.fail(f"{path} lent something")

    def test_secrets_stay(self) -> None:
        """What a container shows is not in what a lender looks like."""
        lender = self.lender("http://127.0.0.1:1/me", **{TOKEN_VARIABLE: "s3cr3t"})
        self.assertNotIn("s3cr3t", repr(lender))

    async def test_not_running(self) -> None:
        """A lender whose threads have ended is as good as none."""
        threads = Threads(_reactor(), "s3", 1)
        lender = lender_at(_reactor(), "http://127.0.0.1:1/me", threads, {TOKEN_FILE_VARIABLE: "x"})
        try:
            await lender.lend()
        except StoreUnavailable:
            return
        self.fail("it was not noticed")

    async def test_no_token_file(self) -> None:
        """A token that cannot be read is as good as no service."""
        server = self.serve({})
        lender = self.lender(f"{server.url}/me", **{TOKEN_FILE_VARIABLE: "/nowhere"})
        try:
            await lender.lend()
        except StoreUnavailable:
            self.assertEqual(server.requests, [])
        else:
            self.fail("it was not noticed")
