"""
What every authenticator promises, as tests that any authenticator can join.

::

    class BadgeTests(AuthenticatorContract, TestCase):
        expected = Identity(user="alice", project="demo", roles={"member"})
        secret = "sesame"

        def make_authenticator(self) -> IAuthenticator:
            return BadgeAuthenticator(reactor)

        def good(self) -> Credentials:
            return {"x-badge": "sesame"}, "127.0.0.1"

        def bad(self) -> Iterable[Credentials]:
            yield {"x-badge": "wrong"}, "127.0.0.1"

``TestCase`` is `twisted.trial.unittest.TestCase`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from twisted.logger import globalLogPublisher
from zope.interface.verify import verifyObject

from glancetx.access import Identity
from glancetx.deferreds import as_deferred
from glancetx.errors import NotAuthenticated
from glancetx.interfaces import IAuthenticator, IReloadable

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

#: What an authenticator is asked: headers by lower-case name, and the address of the peer.
Credentials = tuple[Mapping[str, str], str | None]

#: What clients send who would like to be somebody else; only an authenticator that believes a
#: proxy ever reads such headers.
SPOOFED: Mapping[str, str] = MappingProxyType(
    {
        "x-identity-status": "Confirmed",
        "x-service-identity-status": "Confirmed",
        "x-user-id": "spoofed",
        "x-user": "spoofed",
        "x-user-name": "spoofed",
        "x-user-domain-id": "spoofed",
        "x-project-id": "spoofed",
        "x-project-name": "spoofed",
        "x-tenant-id": "spoofed",
        "x-tenant-name": "spoofed",
        "x-tenant": "spoofed",
        "x-domain-id": "spoofed",
        "x-roles": "admin",
        "x-role": "admin",
        "x-service-roles": "service",
        "x-service-user-id": "spoofed",
        "x-is-admin-project": "True",
        "x-service-catalog": "[]",
        "openstack-system-scope": "all",
        "remote-user": "spoofed",
        "x-forwarded-for": "127.0.0.1",
        "forwarded": "for=127.0.0.1",
        "x-real-ip": "127.0.0.1",
    }
)

#: No client makes an authenticator fail by any of these.
ODD_VALUES = ("", " ", ",", "\ufffd", "\x80\xff", "é☃\U0001f511", "\t", "x" * 16000, "[[[{", "%00")


class AuthenticatorContract(TestCase):
    """
    What every authenticator promises; see `glancetx.interfaces.IAuthenticator`.

    One that is an IService is started and stopped by the contract.
    ``expected`` is whom it recognises by `good`; ``secret`` is what must never be shown, if there
    is anything of the kind.
    ``asks_nobody`` says that it needs no credentials, ``believes_headers`` that it reads headers
    such as ``X-Roles``.
    """

    expected: Identity
    secret: str | None = None
    asks_nobody = False
    believes_headers = False

    def make_authenticator(self) -> IAuthenticator | Awaitable[IAuthenticator]:
        """The author supplies this: an authenticator that knows of `good`."""
        raise NotImplementedError()

    def good(self) -> Credentials:
        """The author supplies this: what makes somebody known."""
        raise NotImplementedError()

    def bad(self) -> Iterable[Credentials]:
        """The author supplies this: what makes nobody known."""
        raise NotImplementedError()

    async def started(self) -> IAuthenticator:
        """An authenticator from the author, running until the test is over."""
        made = self.make_authenticator()
        authenticator = made if IAuthenticator.providedBy(made) else await made
        if IService.providedBy(authenticator):
            service = IService(authenticator)
            await maybeDeferred(service.startService)
            self.addCleanup(service.stopService)
        return authenticator

    async def ask(self, authenticator: IAuthenticator, credentials: Credentials) -> Identity | None:
        """Whom it recognises, or None."""
        headers, peer = credentials
        try:
            # Whoever tries to change them fails.
            return await authenticator.authenticate(MappingProxyType(dict(headers)), peer)
        except NotAuthenticated:
            return None

    # -- the promises

    async def test_provides_the_interface(self) -> None:
        """It is an `IAuthenticator`, and its challenge fits in a header."""
        authenticator = await self.started()
        verifyObject(IAuthenticator, authenticator)
        challenge = authenticator.challenge
        if challenge is not None:
            self.assertTrue(challenge.isascii() and challenge.isprintable() and challenge.strip())

    async def test_recognises(self) -> None:
        """Who shows what it wants is known, each time he comes."""
        authenticator = await self.started()
        for _ in range(3):
            self.assertEqual(await self.ask(authenticator, self.good()), self.expected)

    async def test_many_at_once(self) -> None:
        """Requests that come together are answered as if each came alone."""
        authenticator = await self.started()
        asked = [self.good(), *self.bad()] * 4
        expected = [self.expected, *(None for _ in self.bad())] * 4
        answers = [as_deferred(self.ask(authenticator, each)) for each in asked]
        self.assertEqual(await gatherResults(answers, consumeErrors=True), expected)

    async def test_refuses(self) -> None:
        """Who shows something else is not, and neither is who shows nothing."""
        if self.asks_nobody:
            return
        authenticator = await self.started()
        _, peer = self.good()
        for each in (*self.bad(), ({}, peer), ({}, None)):
            self.assertEqual(await self.ask(authenticator, each), None, each)

    async def test_spoofed_headers(self) -> None:
        """Headers by which a client says who he is change nothing, and are nothing."""
        if self.believes_headers:
            return
        authenticator = await self.started()
        headers, peer = self.good()
        identity = await self.ask(authenticator, ({**SPOOFED, **headers}, peer))
        self.assertEqual(identity, self.expected)
        nobody = await self.ask(authenticator, (SPOOFED, peer))
        self.assertEqual(nobody, self.expected if self.asks_nobody else None)

    async def test_odd_values(self) -> None:
        """Whatever stands in its headers, it recognises somebody or nobody, and never breaks."""
        authenticator = await self.started()
        headers, peer = self.good()
        for name in headers:
            for value in ODD_VALUES:
                await self.ask(authenticator, ({**headers, name: value}, peer))
        for odd_peer in (None, "", "::1", "fe80::1%eth0", "not an address"):
            await self.ask(authenticator, (headers, odd_peer))
        self.assertEqual(await self.ask(authenticator, self.good()), self.expected)

    async def test_cancelled(self) -> None:
        """A client may leave while he is looked at; others are recognised as before."""
        authenticator = await self.started()
        headers, peer = self.good()
        asking: Deferred[Identity] = as_deferred(authenticator.authenticate(headers, peer))
        asking.cancel()
        try:
            self.assertEqual(await asking, self.expected)
        except CancelledError:
            pass
        self.assertEqual(await self.ask(authenticator, self.good()), self.expected)

    async def test_reload(self) -> None:
        """One that can be told to read again what it has read knows the same people after it."""
        authenticator = await self.started()
        if IReloadable.providedBy(authenticator):
            await IReloadable(authenticator).reload()
        self.assertEqual(await self.ask(authenticator, self.good()), self.expected)

    async def test_secret(self) -> None:
        """No secret is shown by an identity, by the authenticator, or in the log."""
        if self.secret is None:
            return
        told: list[str] = []
        note: Any = lambda event: told.append(repr(dict(event)))  # noqa: E731
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        authenticator = await self.started()
        told.append(repr(await self.ask(authenticator, self.good())))
        for each in self.bad():
            await self.ask(authenticator, each)
        for text in (*told, repr(authenticator), str(NotAuthenticated())):
            self.assertNotIn(self.secret, text)
