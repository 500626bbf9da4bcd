"""Asks a server of S3: signed, and again while what is in the way may pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from twisted.logger import Logger

from glancetx.clocks import time_of_day
from glancetx.deferreds import finish_first
from glancetx.errors import (
    BodyCutShort,
    RemoteBroken,
    RemoteRefused,
    RemoteUnavailable,
    StoreUnavailable,
    TooLarge,
)
from glancetx.httpclient import Answer, Backoff, Server
from glancetx.stores.s3.addressing import Place
from glancetx.stores.s3.documents import LARGEST, read_code
from glancetx.stores.s3.providers import Provider
from glancetx.stores.s3.refusals import EXPIRED_CODES, Refusal, Refused
from glancetx.stores.s3.requests import Reply, Request
from glancetx.stores.s3.signature import (
    Credentials,
    Scope,
    encode_query,
    signed_headers,
)

T = TypeVar("T")

#: By so many seconds a clock may be wrong before servers refuse what it dates.
LARGEST_SKEW = 300

_log = Logger()


class Client:
    """
    Asks one server about one bucket.

    A server that is busy, away or breaks off is asked again, as ``backoff`` says.
    Refusals come out as `Refused`, and everything else as StoreUnavailable; the log tells why.
    """

    def __init__(
        self,
        clock: Any,
        server: Server,
        place: Place,
        region: str,
        provider: Provider,
        backoff: Backoff,
    ) -> None:
        self._clock = clock
        self._server = server
        self._place = place
        self._scope = Scope(region)
        self._provider = provider
        self._backoff = backoff
        #: By how many seconds the server's clock is ahead of ours.
        self._skew = 0.0

    @property
    def origin(self) -> str:
        """What the log may be told of the server."""
        return self._server.origin

    def now(self) -> datetime:
        """The time, as the server has it."""
        return datetime.fromtimestamp(time_of_day(self._clock) + self._skew, UTC)

    async def ask(self, request: Request) -> Reply:
        """
        The answer to a request, with the document that came with it.

        A success whose document is an error is a refusal: a server that assembles an image for
        long has told its status before it knew.

        :raises Refused: when the server does not do it.
        :raises StoreUnavailable: when it is out of reach, or broke off again and again.
        """

        tries = 0

        async def attempt() -> Reply:
            nonlocal tries
            tries += 1
            answer = await self._answer(request)
            document = await _document(request, answer)
            if answer.status < 300 and (code := read_code(document)):
                self._refuse(request, answer, code)
            return Reply(answer.status, answer.header, answer.length, document, tries > 1)

        return await self._retried(request, attempt)

    async def open(self, request: Request) -> Answer:
        """
        The answer to a request, its body still to come.

        :raises Refused: as `ask`.
        :raises StoreUnavailable: as `ask`.
        """
        return await self._retried(request, lambda: self._answer(request))

    async def open_once(self, request: Request) -> Answer:
        """
        As `open`, for callers who try again by themselves.

        :raises Refused: as `ask`.
        :raises RemoteUnavailable: when it is out of reach.
        :raises RemoteBroken: when it breaks off.
        """
        return await self._answer(request)

    async def _retried(self, request: Request, attempt: Callable[[], Awaitable[T]]) -> T:
        failures = 0
        while True:
            try:
                trying = attempt()
                done = await (finish_first(trying) if request.to_the_end else trying)
            except Refused as refused:
                if not refused.refusal.is_passing:
                    refused.was_repeated = failures > 0
                    raise
            except (RemoteUnavailable, RemoteBroken, BodyCutShort, TooLarge):
                pass  # the client has told the log
            else:
                return done
            failures += 1
            if failures > self._backoff.attempts:
                raise StoreUnavailable()
            await self._backoff.pause(failures)

    async def _answer(self, request: Request) -> Answer:
        """One answer that is no refusal, after what can be put right at once."""
        was_put_right = False
        while True:
            credentials = await self._provider.get()
            moment = self.now()
            try:
                answer = await self._send(request, credentials, moment)
            except RemoteRefused as refused:
                # It did not wait for all content, and left nothing but its status.
                raise Refused(Refusal(refused.status)) from None
            if answer.status in request.accept:
                return answer
            code = read_code(await _document(request, answer))
            if was_put_right or not self._put_right(answer, code, credentials, moment):
                self._refuse(request, answer, code)
            was_put_right = True

    def _send(
        self, request: Request, credentials: Credentials, moment: datetime
    ) -> Awaitable[Answer]:
        path, query = self._place.path_of(request.name), encode_query(request.query)
        headers = signed_headers(
            credentials,
            self._scope,
            request.method,
            self._server.prefix + path,
            query,
            {"Host": self._server.host, **request.headers},
            request.payload,
            moment,
        )
        target = f"{path}?{query}" if query else path
        return self._server.ask(request.method, target, headers, request.content)

    def _put_right(
        self, answer: Answer, code: str, credentials: Credentials, moment: datetime
    ) -> bool:
        """Whether it was refused for a reason that is gone now."""
        if code in EXPIRED_CODES:
            return self._provider.forget(credentials)
        if answer.status != 403:
            return False
        # Not every refusal has a code: after HEAD there is none.
        there = _seconds_of(answer.header("Date"))
        if there is None or abs(there - moment.timestamp()) < LARGEST_SKEW:
            return False
        self._skew = there - time_of_day(self._clock)
        _log.warn(
            "The clock of {origin} is {skew:.0f} seconds ahead of ours, and taken for right",
            origin=self.origin,
            skew=self._skew,
        )
        return True

    def _refuse(self, request: Request, answer: Answer, code: str) -> None:
        request_id = answer.header("x-amz-request-id") or ""
        _log.info(
            "{origin} says {status} {code} to {method} {name} (request {transaction})",
            origin=self.origin,
            status=answer.status,
            code=code,
            method=request.method,
            name=request.name or "of the bucket",
            transaction=request_id,
        )
        raise Refused(Refusal(answer.status, code, request_id))


async def _document(request: Request, answer: Answer) -> bytes:
    """All of an answer; after HEAD there is none, whatever length is announced."""
    if request.method != "HEAD":
        return await answer.read(LARGEST)
    answer.close()
    return b""


def _seconds_of(date: str | None) -> float | None:
    """A Date as seconds since 1970, or None when it is none."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return None
