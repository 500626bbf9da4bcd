"""A question to Keystone and its answer, in JSON, bounded in size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from attrs import field, frozen
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    ResponseDone,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from glancetx.deferreds import stop_first
from glancetx.httpclient.backoff import PASSING, Backoff
from glancetx.httpclient.causes import cause_of, told
from glancetx.httpclient.trust import trust_in

#: Seconds that a connection to Keystone may take.
CONNECT = 5.0

#: How often a question is put again, and how many seconds it waits at most before the first time.
ATTEMPTS = 2
WAIT = 0.5

#: Bytes of the largest answer that is read: tokens carry the catalogue of a whole cloud.
LARGEST_ANSWER = 4 * 1024 * 1024


class KeystoneAway(Exception):
    """Keystone gave no answer of use; the text says why, and may be logged."""


@frozen
class Reply:
    """
    What Keystone said; tokens in it never appear in ``repr``.

    ``document`` is the body, or None when it is not JSON.
    """

    status: int
    document: Any = field(default=None, repr=False)
    subject_token: str | None = field(default=None, repr=False)


@frozen
class Exchange:
    """
    Asks Keystone through an agent. Redirects are answers like any other.

    What fails in passing is put again as the backoff says, if there is one.
    It knows no limits of time: cancelling ends the connection.
    """

    _agent: IAgent
    _reactor: Any
    _backoff: Backoff | None = None
    _pool: HTTPConnectionPool | None = None

    @classmethod
    def over_network(cls, reactor: Any, ca: str = "", kept: int = 0) -> Exchange:
        """
        Asks over connections, of which so many are kept for later questions.

        ``ca`` is the PEM text of certificates to trust instead of the system's.
        A kept connection may turn out to be lost, after which only questions are put again at once:
        those who log in keep none.

        :raises ValueError: when there is no certificate in ``ca``.
        """
        policy = BrowserLikePolicyForHTTPS(trust_in(ca) if ca else None)
        pool = HTTPConnectionPool(reactor, persistent=kept > 0)
        pool.maxPersistentPerHost = kept
        backoff = Backoff(reactor, ATTEMPTS, WAIT)
        return cls(Agent(reactor, policy, CONNECT, pool=pool), reactor, backoff, pool)

    def close(self) -> Deferred[None]:
        """Close the connections that are kept."""
        return succeed(None) if self._pool is None else self._pool.closeCachedConnections()

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        document: Any = None,
        passing: Set[int] = PASSING,
    ) -> Reply:
        """
        The answer to a request, which is put again after a status that is ``passing``.

        :raises KeystoneAway: when there is none, or none that can be read.
        """
        failures = 0
        while self._backoff is not None and failures < self._backoff.attempts:
            try:
                reply = await self._ask_once(method, url, headers, document)
            except KeystoneAway:
                pass
            else:
                if reply.status not in passing:
                    return reply
            failures += 1
            await self._backoff.pause(failures)
        return await self._ask_once(method, url, headers, document)

    async def _ask_once(
        self, method: str, url: str, headers: Mapping[str, str], document: Any
    ) -> Reply:
        sent = Headers({"Accept": ["application/json"], "User-Agent": ["glancetx"]})
        for name, value in headers.items():
            sent.setRawHeaders(name, [value])
        body = None
        if document is not None:
            body = json.dumps(document).encode("ascii")
            sent.setRawHeaders("Content-Type", ["application/json"])
        # A client keeps cookies; this one lives for one request.
        client = HTTPClient(self._agent, data_to_body_producer=_Document)
        reason = ""
        try:
            response: Any = await stop_first(
                client.request(
                    method,
                    url,
                    headers=sent,
                    data=body,
                    allow_redirects=False,
                    unbuffered=True,
                    reactor=self._reactor,
                )
            )
            content = await _read(response)
        except CancelledError:
            raise
        except Exception as error:
            reason = told(cause_of(error))
        if reason:
            raise KeystoneAway(reason)
        subject = response.headers.getRawHeaders("X-Subject-Token")
        return Reply(response.code, _parsed(content), subject[0] if subject else None)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


@implementer(IBodyProducer)
class _Document:
    """A body so small that it is sent in one piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It has all been written."""

    resumeProducing = stopProducing = pauseProducing


class _TooLarge(Exception):
    """An answer that is not one of Keystone's."""


class _Reader(Protocol):
    """Collects a body until it is complete."""

    def __init__(self) -> None:
        self._received = bytearray()
        self.done: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > LARGEST_ANSWER:
            self._received.clear()
            self._hang_up()
            if not self.done.called:
                self.done.errback(Failure(_TooLarge()))

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self.done.called:
            return
        if reason is None or reason.check(ResponseDone):
            self.done.callback(bytes(self._received))
        else:
            self.done.errback(reason)

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


def _read(response: IResponse) -> Deferred[bytes]:
    """The whole body of a response; cancelling ends its connection."""
    reader = _Reader()
    response.deliverBody(reader)
    return reader.done
