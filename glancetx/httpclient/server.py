"""A server that an operator chose, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import Logger
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from glancetx.deferreds import stop_first
from glancetx.errors import RemoteBroken, RemoteRefused, RemoteUnavailable
from glancetx.httpclient.answer import Answer, has_bounded_head
from glancetx.httpclient.causes import cause_of, is_about_tls, told
from glancetx.httpclient.connecting import Connecting, Seat
from glancetx.httpclient.content import Content, Sending
from glancetx.httpclient.line import Line
from glancetx.httpclient.patience import Limits, Patience
from glancetx.httpclient.trust import trust_in

#: Connections that are kept while nobody needs them, and for how many seconds.
KEPT = 16
KEPT_FOR = 30

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<netloc>(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<prefix>(?:/[A-Za-z0-9._~%-]+)*)/?",
    re.ASCII,
)

_log = Logger()


class _Stale(Exception):
    """A connection that was kept had been closed by the other side before we used it."""


class Server:
    """
    Asks one server, over connections that are kept for the next request.

    ``url`` is ``http`` or ``https``, host, port and perhaps a path, which then precedes all others.
    ``ca`` is PEM text of certificates to trust instead of the system's.
    ``host`` is the value of the Host header.
    It follows no redirects, keeps no cookies, knows no proxies and decodes nothing.

    :raises ValueError: when the URL makes no sense, or there is no certificate in ``ca``.
    """

    def __init__(self, reactor: Any, url: str, ca: str = "", limits: Limits | None = None) -> None:
        match = _URL.fullmatch(url)
        if match is None:
            raise ValueError(f"{url!r} must be a plain http or https URL")
        self.scheme = match["scheme"]
        self.host = match["netloc"]
        self.prefix = match["prefix"]
        self._reactor = reactor
        self._limits = limits or Limits()
        tls = None
        if self.scheme == "https":
            name = match["host"].strip("[]")
            tls = optionsForClientTLS(name, trustRoot=trust_in(ca) if ca else None)
        self._connecting = Connecting(reactor, tls, self._limits.connect)
        self._kept = HTTPConnectionPool(reactor, persistent=True)
        self._kept.maxPersistentPerHost = KEPT
        self._kept.cachedConnectionTimeout = KEPT_FOR
        # What may be asked twice is decided here.
        self._kept.retryAutomatically = False
        self._unkept = HTTPConnectionPool(reactor, persistent=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be logged."""
        return f"{self.scheme}://{self.host}"

    async def close(self) -> None:
        """End the connections that nobody uses."""
        await self._kept.closeCachedConnections()

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        *,
        is_idempotent: bool = False,
    ) -> Answer:
        """
        The answer to a request, whatever its status is.

        ``path`` follows the server's own, begins with a slash, and is encoded already, with its
        query; it is sent as it is.
        Content that flows has a connection of its own, and so has a POST, unless the server knows
        one ``is_idempotent``: then it does no harm when it comes twice (RFC 9110 §9.2.2).

        :raises RemoteUnavailable: when there is no connection, or no answer in time.
        :raises RemoteBroken: when the connection broke before the answer's head was complete.
        :raises RemoteRefused: when the server answered with an error before it had all content,
            and left us with nothing but its status.
        :raises Exception: whatever broke the source of content that flows.
        """
        may_repeat = content is None or content.may_repeat
        if may_repeat and (is_idempotent or method != "POST"):
            try:
                return await self._attempt(self._kept, method, path, headers or {}, content)
            except _Stale:
                pass
        return await self._attempt(self._unkept, method, path, headers or {}, content)

    async def _attempt(
        self,
        pool: HTTPConnectionPool,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: Content | None,
    ) -> Answer:
        line = Line()
        patience = Patience(self._reactor, self._limits)
        sending = None if content is None else Sending(content, patience)
        agent = Agent.usingEndpointFactory(self._reactor, self._connecting, Seat(pool, line))
        asking = stop_first(
            agent.request(
                method.encode("ascii"),
                f"{self.origin}{self.prefix}{path}".encode("ascii"),
                self._headers(headers),
                sending,
            )
        )
        patience.watch(asking)
        patience.wait_for_head()
        line.on_status = _hurry(asking, sending)
        try:
            response = await asking
        except Exception as error:
            line.abort()
            reason = error
        else:
            return self._answer(response, line, sending)
        finally:
            patience.rest()
            if sending is not None:
                await sending.end()
        # After the except clause, so that no traceback tells of connections.
        raise self._as_ours(reason, line, patience, sending)

    def _answer(self, response: IResponse, line: Line, sending: Sending | None) -> Answer:
        line.has_head = True
        answer = Answer(self._reactor, response, line, self._limits.idle)
        if not has_bounded_head(response):
            answer.close()
            raise RemoteBroken()
        if not _is_sent(sending):
            # The answer was complete before the content was: nobody reads the rest.
            line.abort()
        return answer

    def _as_ours(
        self, error: Exception, line: Line, patience: Patience, sending: Sending | None
    ) -> BaseException:
        """What to tell of a request that has no answer."""
        if sending is not None and sending.failure is not None:
            return sending.failure.value or error
        if patience.was_lost:
            return self._away("no answer in time")
        if line.status is not None and line.status >= 300 and not _is_sent(sending):
            return RemoteRefused(line.status)
        if isinstance(error, CancelledError):
            return error
        if line.was_kept and not line.head_size:
            return _Stale()
        cause = cause_of(error)
        if not line.was_connected or is_about_tls(cause):
            return self._away(told(cause))
        _log.info(
            "{origin} broke off before it answered: {reason}",
            origin=self.origin,
            reason=told(cause),
        )
        return RemoteBroken()

    def _away(self, reason: str) -> RemoteUnavailable:
        _log.info("No answer from {origin}: {reason}", origin=self.origin, reason=reason)
        return RemoteUnavailable()

    def _headers(self, given: Mapping[str, str]) -> Headers:
        headers = Headers({"User-Agent": ["glancetx"], "Accept-Encoding": ["identity"]})
        headers.setRawHeaders("Host", [self.host])
        for name, value in given.items():
            headers.setRawHeaders(name, [value])
        return headers


def _hurry(asking: Deferred[IResponse], sending: Sending | None) -> Callable[[int], None]:
    """Ask no further when the answer is an error, and half of what is sent is still to come."""

    def hear(status: int) -> None:
        if status >= 300 and not _is_sent(sending):
            asking.cancel()

    return hear


def _is_sent(sending: Sending | None) -> bool:
    return sending is None or sending.is_complete
