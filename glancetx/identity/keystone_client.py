"""Asks Keystone about tokens, at a bounded rate and in bounded time."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, DeferredSemaphore, TimeoutError
from twisted.logger import Logger

from glancetx.deferreds import as_deferred
from glancetx.errors import IdentityUnavailable
from glancetx.httpclient import PASSING
from glancetx.identity.breaker import CircuitBreaker
from glancetx.identity.keystone_token import Token, parse_token
from glancetx.keystone.exchange import Exchange, KeystoneAway, Reply
from glancetx.keystone.own_token import OwnToken

_log = Logger()


@frozen
class Limits:
    """
    What Keystone may cost.

    ``seconds`` are for one question with all that it takes, waiting for its turn included.
    Of ``calls`` at the same time each has its connection; ``queue`` more may wait.
    """

    seconds: float = 10.0
    calls: int = 16
    queue: int = 1000


class KeystoneClient:
    """
    Validates tokens with Keystone's identity API v3.

    ``url`` ends in ``/v3``.
    """

    def __init__(
        self,
        reactor: Any,
        exchange: Exchange,
        url: str,
        own: OwnToken,
        limits: Limits | None = None,
    ) -> None:
        self._reactor = reactor
        self._exchange = exchange
        self._url = url
        self._limits = limits or Limits()
        self._own = own
        self._turns = DeferredSemaphore(self._limits.calls)
        self._breaker = CircuitBreaker(reactor)
        self._is_away = False

    async def validate(self, text: str, may_be_expired: bool = False) -> Token | None:
        """
        What Keystone says about a token, or None when it is no good.

        With ``may_be_expired`` one that expired not long ago is good as well.

        :raises IdentityUnavailable: when Keystone cannot be asked.
        """
        if len(self._turns.waiting) >= self._limits.queue or not self._breaker.lets_through():
            raise IdentityUnavailable()
        work = as_deferred(self._in_turn(text, may_be_expired))
        work.addTimeout(self._limits.seconds, self._reactor)
        try:
            token = await work
        except (TimeoutError, CancelledError):
            reason = "no answer in time"
        except KeystoneAway as error:
            reason = str(error)
        else:
            self._note(None)
            return token
        self._note(reason)
        # After the except clauses, so that no traceback tells why.
        raise IdentityUnavailable()

    async def _in_turn(self, text: str, may_be_expired: bool) -> Token | None:
        await self._turns.acquire()
        try:
            return await self._validate(text, may_be_expired)
        finally:
            self._turns.release()

    async def _validate(self, text: str, may_be_expired: bool) -> Token | None:
        own = await self._own.get()
        reply = await self._ask(own, text, may_be_expired)
        if reply.status in (401, 403):
            # That is about our own token: it may have been revoked, or its user have other roles
            # now. A Keystone that has just started also says 403 to those who come together, until
            # one of them has made it read its rules, and each of its processes for itself.
            self._own.drop(own)
            own = await self._own.get()
            reply = await self._ask(own, text, may_be_expired, PASSING | {403})
        if reply.status == 404 and isinstance(reply.document, dict) and "error" in reply.document:
            return None
        if reply.status == 403:
            raise KeystoneAway("our user may not ask about tokens: the role 'service' is missing")
        if reply.status != 200:
            raise KeystoneAway(f"status {reply.status}")
        try:
            return parse_token(reply.document)
        except ValueError as error:
            raise KeystoneAway(str(error)) from None

    async def _ask(
        self, own: str, text: str, may_be_expired: bool, passing: Set[int] = PASSING
    ) -> Reply:
        query = "?allow_expired=1" if may_be_expired else ""
        headers = {
            "X-Auth-Token": own,
            "X-Subject-Token": text,
            # Without this Keystone hides tokens that are good for some requests only.
            "OpenStack-Identity-Access-Rules": "1",
        }
        url = f"{self._url}/auth/tokens{query}"
        return await self._exchange.ask("GET", url, headers, passing=passing)

    def _note(self, reason: str | None) -> None:
        """
        What came of a question: a reason, when nobody can tell.

        The log is told when Keystone goes away and when it is back, and not for each request.
        """
        if reason is None:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        if reason is not None and not self._is_away:
            _log.warn("Keystone at {url} cannot be asked: {reason}", url=self._url, reason=reason)
        elif reason is None and self._is_away:
            _log.info("Keystone at {url} can be asked again", url=self._url)
        self._is_away = reason is not None
