"""The token by which we ask Keystone about the tokens of others."""

from __future__ import annotations

from attrs import field, frozen
from twisted.internet.defer import CancelledError, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.deferreds import as_deferred
from glancetx.identity.flights import Flights
from glancetx.identity.keystone_credentials import Credentials
from glancetx.identity.keystone_exchange import Exchange, KeystoneAway, Reply
from glancetx.identity.keystone_token import parse_token

#: The part of its life after which a token is renewed.
RENEW_AFTER = 0.8

#: Seconds to wait after Keystone refused our credentials: users are locked out for trying often.
REFUSED_PAUSE = 10.0

_log = Logger()


@frozen
class _Held:
    text: str = field(repr=False)
    renew_at: float


class OwnToken:
    """
    Gets a token with our own credentials, keeps it, and renews it before it expires.

    However many need it at the same time, it is got once, and in ``seconds``.
    """

    def __init__(
        self,
        clock: IReactorTime,
        exchange: Exchange,
        url: str,
        credentials: Credentials,
        seconds: float = 10.0,
    ) -> None:
        self._clock = clock
        self._exchange = exchange
        self._url = url
        self._credentials = credentials
        self._seconds = seconds
        self._held: _Held | None = None
        self._refused_until = 0.0
        self._flights: Flights[None, str] = Flights()

    async def get(self) -> str:
        """
        The token's text.

        :raises KeystoneAway: when there is none to be had now.
        """
        if self._held is not None and self._clock.seconds() < self._held.renew_at:
            return self._held.text
        return await self._flights.join(None, self._log_in)

    def drop(self, text: str) -> None:
        """Forget this token, which Keystone does not know any more; a newer one is kept."""
        if self._held is not None and self._held.text == text:
            self._held = None

    def use(self, credentials: Credentials) -> None:
        """From now on log in with these."""
        self._credentials = credentials
        self._held = None
        self._refused_until = 0.0

    async def _log_in(self) -> str:
        now = self._clock.seconds()
        if now < self._refused_until:
            raise KeystoneAway("our credentials were refused")
        reply = await self._ask()
        if reply.status in (400, 401, 403, 404):
            self._refused_until = now + REFUSED_PAUSE
            _log.error(
                "Keystone at {url} refuses our own credentials with status {status}",
                url=self._url,
                status=reply.status,
            )
            raise KeystoneAway("our credentials were refused")
        if reply.status != 201 or not reply.subject_token:
            raise KeystoneAway(f"status {reply.status} for our credentials")
        try:
            token = parse_token(reply.document)
        except ValueError as error:
            raise KeystoneAway(str(error)) from None
        life = max(token.expires_at - now, 0.0)
        self._held = _Held(reply.subject_token, now + life * RENEW_AFTER)
        return reply.subject_token

    async def _ask(self) -> Reply:
        asking = as_deferred(
            self._exchange.ask(
                "POST", f"{self._url}/auth/tokens?nocatalog", {}, self._credentials.document
            )
        )
        # Those who wait may give up; this has to end by itself.
        asking.addTimeout(self._seconds, self._clock)
        try:
            return await asking
        except (TimeoutError, CancelledError):
            pass
        raise KeystoneAway("no answer in time")
