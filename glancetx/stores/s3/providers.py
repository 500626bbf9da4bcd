"""Where credentials come from: what was read, or a service that lends them for some hours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.clocks import time_of_day
from glancetx.errors import GlanceError, StoreUnavailable
from glancetx.flights import Flights
from glancetx.stores.s3.signature import Credentials
from glancetx.threads import Threads

#: So many seconds before they expire, credentials are renewed.
RENEW_BEFORE = 600.0

#: After a renewal that failed, the old ones are used for so many seconds before the next.
PAUSE = 30.0

_log = Logger()


class Provider(Protocol):
    """Has credentials for whoever signs a request."""

    async def get(self) -> Credentials:
        """
        Those that are good now.

        :raises StoreUnavailable: when there are none.
        """

    def forget(self, credentials: Credentials) -> bool:
        """These are no longer good; whether `get` may have others."""

    async def reload(self) -> None:
        """Look again for what an operator may have changed."""


class Kept:
    """Credentials that were read, and are read again when the operator says so."""

    def __init__(self, threads: Threads, read: Callable[[], Credentials]) -> None:
        """
        Reads them; this blocks.

        :raises ValueError: from ``read``, which does so when they make no sense.
        """
        self._threads = threads
        self._read = read
        self._credentials = read()

    async def get(self) -> Credentials:
        return self._credentials

    def forget(self, credentials: Credentials) -> bool:
        return credentials != self._credentials

    async def reload(self) -> None:
        try:
            self._credentials = await self._threads.run(self._read)
        except ValueError as error:
            _log.error("{error}; the credentials for S3 stay as they were", error=str(error))


@frozen
class Loan:
    """Credentials, and when they expire, in seconds since 1970."""

    credentials: Credentials
    expires: float


class Lender(Protocol):
    """A service that lends credentials."""

    async def lend(self) -> Loan:
        """
        New ones.

        :raises GlanceError: when there are none to be had.
        """


class Lent:
    """
    Credentials that a service lends, renewed before they expire.

    However many need them at the same time, they are asked for once.
    """

    def __init__(self, clock: IReactorTime, lender: Lender) -> None:
        self._clock = clock
        self._lender = lender
        self._loan: Loan | None = None
        self._renew_at = 0.0
        self._flights: Flights[None, Loan] = Flights()

    async def get(self) -> Credentials:
        now, loan = time_of_day(self._clock), self._loan
        if loan is None or now >= self._renew_at:
            try:
                loan = await self._flights.join(None, self._renew)
            except GlanceError as error:
                _log.warn("There are no new credentials for S3: {error}", error=str(error))
                if loan is None or now >= loan.expires:
                    raise StoreUnavailable() from None
                self._renew_at = now + PAUSE
        return loan.credentials

    async def _renew(self) -> Loan:
        loan = self._loan = await self._lender.lend()
        now = time_of_day(self._clock)
        # Some are lent for less than it takes to renew them in good time.
        self._renew_at = max(loan.expires - RENEW_BEFORE, now + (loan.expires - now) / 2)
        return loan

    def forget(self, credentials: Credentials) -> bool:
        if self._loan is not None and self._loan.credentials == credentials:
            self._loan = None
        return True

    async def reload(self) -> None:
        self._loan = None
