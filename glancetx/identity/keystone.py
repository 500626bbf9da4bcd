"""Tokens of OpenStack: whoever shows one is whom Keystone says he is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.access import Identity
from glancetx.description import number
from glancetx.errors import IdentityUnavailable, NotAllowed, NotAuthenticated
from glancetx.httpclient.trust import read_certificates
from glancetx.identity.access_rules import permits
from glancetx.identity.keystone_client import KeystoneClient, Limits
from glancetx.identity.keystone_token import Token
from glancetx.identity.token_cache import TokenCache
from glancetx.interfaces import IAuthenticator, IProbed, IReloadable
from glancetx.keystone.address import is_exposed, plain_url, v3_url
from glancetx.keystone.credentials import read_credentials
from glancetx.keystone.exchange import Exchange, KeystoneAway, Reply
from glancetx.keystone.own_token import OwnToken

#: Where a client may show his token; the first that is not empty counts.
TOKEN_HEADERS = ("x-auth-token", "x-storage-token")

#: Where another service shows its own beside the client's.
SERVICE_HEADER = "x-service-token"

#: Who has our credentials, in the words of the log.
WHOSE = "the authenticator"

#: What tokens are made of, whatever their kind. A comma is the trace of a header that came twice.
_TOKEN = re.compile(r"[!-+\--~]{1,8192}")

_log = Logger()


@implementer(IAuthenticator, IReloadable, IProbed)
class KeystoneAuthenticator(Service):
    """
    Recognises the owners of tokens that are good for a project.

    A *service token* is what another service of the cloud shows beside its client's token, to
    vouch for what it does for him: then the client's may have expired, and may be one that is good
    for other requests only.
    It has to have one of the ``service_roles``.
    """

    def __init__(
        self,
        tokens: TokenCache,
        auth_uri: str,
        service_roles: frozenset[str] = frozenset({"service"}),
        exchange: Exchange | None = None,
        reread: Callable[[], None] = lambda: None,
        greet: Callable[[], Awaitable[Reply]] | None = None,
    ) -> None:
        self.challenge: str | None = f"Keystone uri='{auth_uri}'"
        self._tokens = tokens
        self._service_roles = service_roles
        self._exchange = exchange
        self._reread = reread
        self._greet = greet

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        return None if self._exchange is None else self._exchange.close()

    async def reload(self) -> None:
        """Read the file of our own credentials again; the tokens of others stay known."""
        try:
            self._reread()
        except ValueError as error:
            _log.error("Our credentials for Keystone stay as they were: {error}", error=str(error))

    async def check_ready(self) -> None:
        """Whether Keystone answers at all; nobody's credentials are shown to it."""
        if self._greet is None:
            return
        try:
            reply = await self._greet()
        except KeystoneAway:
            raise IdentityUnavailable() from None
        if reply.status >= 500:
            raise IdentityUnavailable()

    async def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Identity:
        """
        As every authenticator.

        :raises NotAllowed: when a token is not for a project: images belong to projects.
        """
        is_vouched_for = await self._is_vouched_for(headers)
        shown = next((text for name in TOKEN_HEADERS if (text := _shown(headers, name))), "")
        token = await self._find(shown, may_be_expired=is_vouched_for)
        if token.rules is not None and not is_vouched_for:
            if not permits(token.rules, headers.get(":method"), headers.get(":path")):
                raise NotAuthenticated()
        if token.identity.project is None:
            raise NotAllowed("The token is not for a project.")
        return token.identity

    async def _is_vouched_for(self, headers: Mapping[str, str]) -> bool:
        """
        Whether another service vouches for the client.

        :raises NotAuthenticated: when something does that is none.
        """
        shown = _shown(headers, SERVICE_HEADER)
        if not shown:
            return False
        token = await self._find(shown)
        if self._service_roles.isdisjoint(token.identity.roles):
            raise NotAuthenticated()
        return True

    async def _find(self, shown: str, *, may_be_expired: bool = False) -> Token:
        if _TOKEN.fullmatch(shown) is None:
            raise NotAuthenticated()
        token = await self._tokens.find(shown, may_be_expired=may_be_expired)
        if token is None:
            raise NotAuthenticated()
        return token


def keystone(
    reactor: Any,
    url: str,
    credentials: str,
    ca: str = "",
    cache: str = "300",
    auth_uri: str = "",
    service_roles: str = "service",
    timeout: str = "10",
    calls: str = "16",
) -> KeystoneAuthenticator:
    """
    The authenticator of ``keystone:URL:credentials=FILE``.

    ``credentials`` is a file as `glancetx.keystone.credentials` reads it, ``ca`` one of
    certificates to trust instead of the system's.
    ``cache`` and ``timeout`` are seconds, ``calls`` is how many questions may be under way.
    ``auth_uri`` is what clients are told, where it is another URL than ours.

    :raises ValueError: when any of it makes no sense, or a file cannot be read.
    """
    address = v3_url("the address of Keystone", url)
    limits = Limits(number("timeout", timeout), number("calls", calls))
    known = read_credentials(credentials, WHOSE)
    pem = read_certificates(ca)
    asking = Exchange.over_network(reactor, pem, kept=limits.calls)
    logging_in = Exchange.over_network(reactor, pem)
    own = OwnToken(reactor, logging_in, address, known, limits.seconds)
    client = KeystoneClient(reactor, asking, address, own, limits)
    if is_exposed(address):
        _log.warn(
            "Tokens go to Keystone at {url} unencrypted, and so do our credentials", url=address
        )
    return KeystoneAuthenticator(
        TokenCache(reactor, client.validate, number("cache", cache, least=0)),
        plain_url("auth_uri", auth_uri) if auth_uri else address,
        Identity(roles=frozenset(service_roles.split(","))).roles,
        asking,
        lambda: own.use(read_credentials(credentials, WHOSE)),
        lambda: asking.ask("GET", address, {}),
    )


def _shown(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").strip()
