"""The token by which we ask Keystone, or a service of its cloud, in our own name."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.clocks import time_of_day
from glancetx.deferreds import as_deferred
from glancetx.flights import Flights
from glancetx.keystone.credentials import Credentials
from glancetx.keystone.exchange import Exchange, KeystoneAway, Reply
from glancetx.keystone.login import Login, parse_login

#: The part of its life after which a token is renewed.
RENEW_AFTER = 0.8

#: Seconds to wait after Keystone refused our credentials: users are locked out for trying often.
REFUSED_PAUSE = 10.0

_log = Logger()


class OwnToken:
    """
    Gets a token with our own credentials, keeps it, and renews it before it expires.

    However many need it at the same time, it is got once, and in ``seconds``.
    ``url`` ends in ``/v3``.
    The catalogue of a cloud may be large: it comes along only for those who say that they need it.
    """

    def __init__(
        self,
        clock: IReactorTime,
        exchange: Exchange,
        url: str,
        credentials: Credentials,
        seconds: float = 10.0,
        *,
        with_catalogue: bool = False,
    ) -> None:
        self._clock = clock
        self._exchange = exchange
        self._url = url
        self._address = f"{url}/auth/tokens{'' if with_catalogue else '?nocatalog'}"
        self._credentials = credentials
        self._seconds = seconds
        self._held: Login | None = None
        self._renew_at = 0.0
        self._refused_until = 0.0
        #: How often the credentials have changed: a login with old ones is not joined.
        self._changes = 0
        self._flights: Flights[int, Login] = Flights()

    async def get(self) -> str:
        """
        The token's text.

        :raises KeystoneAway: when there is none to be had now.
        """
        return (await self.login()).text

    async def login(self) -> Login:
        """
        The token, and the catalogue if it was to come along.

        :raises KeystoneAway: when there is none to be had now.
        """
        if self._held is not None and self._clock.seconds() < self._renew_at:
            return self._held
        return await self._flights.join(self._changes, self._log_in)

    def drop(self, text: str) -> None:
        """Forget this token, which is of no use any more; a newer one is kept."""
        if self._held is not None and self._held.text == text:
            self._held = None

    def use(self, credentials: Credentials) -> None:
        """From now on log in with these."""
        self._credentials = credentials
        self._changes += 1
        self._held = None
        self._refused_until = 0.0

    async def _log_in(self) -> Login:
        now, changes, credentials = self._clock.seconds(), self._changes, self._credentials
        refused = f"the credentials of {credentials.whose} were refused"
        if now < self._refused_until:
            raise KeystoneAway(refused)
        reply = await self._ask(credentials)
        if reply.status in (400, 401, 403, 404):
            if changes == self._changes:
                self._refused_until = now + REFUSED_PAUSE
            _log.error(
                "Keystone at {url} refuses the credentials of {whose} with status {status}",
                url=self._url,
                whose=credentials.whose,
                status=reply.status,
            )
            raise KeystoneAway(refused)
        if reply.status != 201 or not reply.subject_token:
            raise KeystoneAway(f"status {reply.status} for the credentials of {credentials.whose}")
        try:
            login = parse_login(reply.subject_token, reply.document)
        except ValueError as error:
            raise KeystoneAway(str(error)) from None
        if changes == self._changes:
            left = login.expires_at - time_of_day(self._clock)
            self._held = login
            self._renew_at = now + max(left, 0.0) * RENEW_AFTER
        return login

    async def _ask(self, credentials: Credentials) -> Reply:
        asking = as_deferred(self._exchange.ask("POST", self._address, {}, credentials.document))
        # Those who wait may give up; this has to end by itself.
        asking.addTimeout(self._seconds, self._clock)
        try:
            return await asking
        except (TimeoutError, CancelledError):
            pass
        raise KeystoneAway("no answer in time")
