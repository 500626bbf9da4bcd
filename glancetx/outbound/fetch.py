"""The one way out: every request that a user can cause is made here, and checked at each hop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import Logger
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

from glancetx.deferreds import as_deferred, stop_first
from glancetx.errors import (
    InvalidLocation,
    RemoteBroken,
    RemoteRefused,
    RemoteUnavailable,
)
from glancetx.httpclient.answer import has_bounded_head
from glancetx.httpclient.patience import Limits as Waits
from glancetx.httpclient.patience import Patience
from glancetx.httpclient.trust import trust_in
from glancetx.outbound.fetched import Fetched
from glancetx.outbound.resolve import addresses_of
from glancetx.outbound.rules import Rules
from glancetx.outbound.target import Target, redirect
from glancetx.outbound.wire import Wire

T = TypeVar("T")

_log = Logger()

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@frozen
class Limits(Waits):
    """
    How long to wait, in seconds, and how far to go.

    ``head`` is for one hop, from the lookup of the name to the end of the answer's head.
    """

    head: float = 30.0
    redirects: int = 5


class Fetcher:
    """
    Makes GET and HEAD requests where the rules permit it.

    A name is looked up once a hop, each of its addresses is judged, and the connection is made
    to one of those very addresses.
    ``ca`` is PEM text of certificates to trust instead of the system's.
    It keeps no cookies and no connections, knows no proxies and decodes nothing.
    """

    def __init__(
        self, reactor: Any, rules: Rules | None = None, ca: str = "", limits: Limits | None = None
    ) -> None:
        self._reactor = reactor
        self.rules = rules or Rules()
        self._limits = limits or Limits()
        self._trust = trust_in(ca) if ca else None

    async def fetch(
        self, method: str, target: Target, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """
        The answer to a request, after redirects, whatever else its status is.

        :raises RemoteUnavailable: when any hop is forbidden, unreachable, silent or broken.
        :raises RemoteRefused: when it redirects too often.
        """
        if method not in ("GET", "HEAD"):
            raise ValueError(f"{method} is not for reading")
        for _ in range(self._limits.redirects + 1):
            answer = await self._hop(method, target, headers or {})
            if answer.status not in _REDIRECTS:
                return answer
            answer.close()
            location = _location(answer)
            if location is None:
                return answer
            try:
                target = redirect(target, location)
            except InvalidLocation:
                _log.info("Redirect of {origin} refused", origin=target.origin)
                raise RemoteUnavailable() from None
        _log.info("{origin} redirects too often", origin=target.origin)
        raise RemoteRefused(answer.status)

    async def _hop(self, method: str, target: Target, headers: Mapping[str, str]) -> Fetched:
        attempt = as_deferred(self._attempt(method, target, headers))
        patience = Patience(self._reactor, self._limits)
        patience.watch(attempt)
        patience.wait_for_head()
        try:
            return await stop_first(attempt)
        except CancelledError:
            if not patience.was_lost:
                raise
            reason = "no answer in time"
        except RemoteUnavailable:
            reason = "not permitted"
        except Exception as error:
            # Whatever it is, it says something about a network: to the log, not to the user.
            reason = type(error).__name__
        finally:
            patience.rest()
        _log.info("No answer from {origin}: {reason}", origin=target.origin, reason=reason)
        # After the except clauses, so that no traceback tells why.
        raise RemoteUnavailable()

    async def _attempt(self, method: str, target: Target, headers: Mapping[str, str]) -> Fetched:
        if not self.rules.may_permit(target):
            raise RemoteUnavailable()
        addresses = await addresses_of(self._reactor, target)
        if not addresses:
            raise ConnectError(string="no address")
        if not self.rules.permits_all(target, addresses):
            raise RemoteUnavailable()
        wire = Wire(self._reactor, addresses, target.port, self._tls(target), self._limits.connect)
        agent = Agent.usingEndpointFactory(
            self._reactor, wire, HTTPConnectionPool(self._reactor, persistent=False)
        )
        try:
            response = await agent.request(
                method.encode("ascii"), target.url, _request_headers(target, headers)
            )
            wire.line.has_head = True
            if not has_bounded_head(response):
                raise RemoteBroken()
            return Fetched(self._reactor, target, response, wire.line, self._limits.idle)
        except BaseException:
            wire.abort()
            raise

    def _tls(self, target: Target) -> IOpenSSLClientConnectionCreator | None:
        if target.scheme != "https":
            return None
        return optionsForClientTLS(target.host, trustRoot=self._trust)


def _request_headers(target: Target, extra: Mapping[str, str]) -> Headers:
    headers = Headers(
        {
            "Host": [target.netloc],
            "User-Agent": ["glancetx"],
            "Accept": ["*/*"],
            "Accept-Encoding": ["identity"],
        }
    )
    if target.authorization is not None:
        headers.setRawHeaders(b"Authorization", [target.authorization])
    for name, value in extra.items():
        headers.setRawHeaders(name, [value])
    return headers


def _location(answer: Fetched) -> str | None:
    try:
        return answer.header("Location")
    except RemoteBroken:
        raise RemoteUnavailable() from None
