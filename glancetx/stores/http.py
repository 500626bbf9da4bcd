"""Images that lie on web servers: read where they are, never written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any

from zope.interface import implementer

from glancetx.description import number
from glancetx.errors import (
    BodyCutShort,
    InvalidLocation,
    NoSuchData,
    RemoteBroken,
    RemoteRefused,
    RemoteUnavailable,
    SourceNotFound,
    SourceNotSupported,
    SourceRefused,
)
from glancetx.httpclient import Answer, Backoff
from glancetx.httpclient.ranges import (
    Asked,
    Version,
    content_range,
    given_by,
    range_header,
    version_of,
)
from glancetx.httpclient.resume import Resuming
from glancetx.httpclient.trust import read_certificates
from glancetx.interfaces import IByteStream, IForeignStore
from glancetx.outbound import Fetched, Fetcher, Limits, Target, parse_rules, parse_target
from glancetx.streams import chunks, from_chunks, nothing

_NOTHING_THERE = frozenset({404, 410})

#: Answers to HEAD after which GET is tried: not known, or (as for URLs signed for GET) forbidden.
_HEAD_REFUSED = frozenset({403, 405, 501})


@implementer(IForeignStore)
class HttpStore:
    """
    Reads images by their http and https URLs, which are the keys.

    ``allow`` lists what may be asked besides the public internet, separated by commas: addresses,
    networks, host names and ``*.DOMAIN``, each with a port if need be.
    ``ca`` is a file of certificates to trust instead of the system's.
    ``connect``, ``head`` and ``idle`` are seconds, as in `glancetx.outbound.Limits`.
    ``attempts`` is how often in a row one download may go on after its connection broke.
    """

    def __init__(
        self,
        reactor: Any,
        allow: str = "",
        ca: str = "",
        connect: str = "10",
        head: str = "30",
        idle: str = "60",
        attempts: str = "5",
    ) -> None:
        limits = Limits.told(connect, head, idle)
        self._fetcher = Fetcher(reactor, parse_rules(allow), read_certificates(ca), limits)
        self._backoff = Backoff(reactor, number("attempts", attempts, least=0))

    def check(self, location: str) -> None:
        self._target(location)

    def _target(self, location: str) -> Target:
        target = parse_target(location)
        if not self._fetcher.rules.may_permit(target):
            raise InvalidLocation()
        return target

    async def probe(self, location: str) -> int | None:
        target = self._target(location)
        try:
            answer = await self._fetcher.fetch("HEAD", target)
            answer.close()
            if answer.status not in _HEAD_REFUSED:
                return _size_if_there(answer)
            answer = await self._fetcher.fetch("GET", target, Asked(0, 1).headers)
            answer.close()
            return _size_if_there(answer)
        except RemoteUnavailable:
            error: Exception = InvalidLocation()
        except (RemoteRefused, RemoteBroken) as refusal:
            error = SourceRefused(getattr(refusal, "status", 502))
        raise error

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        """
        As every store.

        A source that does not know ranges gives all, and what comes before ``offset`` is read
        and dropped; if it does not tell the size either, an offset beyond the end shows only in
        the flow, as BodyCutShort.

        :raises RemoteRefused: when the source answers with an error, or redirects too often.
        """
        try:
            target = parse_target(key)
        except (InvalidLocation, SourceNotSupported):
            raise NoSuchData("image data at this location") from None
        asked = Asked(offset, length)
        answer = await self._fetcher.fetch("GET", target, asked.headers)
        try:
            return self._stream(answer, asked)
        except BaseException:
            answer.close()
            raise

    def _stream(self, answer: Fetched, asked: Asked) -> IByteStream:
        """What was asked for, from what was answered."""
        if answer.status in _NOTHING_THERE:
            raise NoSuchData("image data at this location")
        given = given_by(answer, asked)
        end = asked.end_within(given.stop)
        if end == asked.offset:
            answer.close()
            return nothing()
        version = version_of(answer, given.size) if given.may_resume else None
        if version is None or given.stop is None:
            source = chunks(answer.body)
        else:
            source = self._resumed(answer, version, given.first, given.stop)
        length = None if end is None else end - asked.offset
        return from_chunks(_slice(source, asked.offset - given.first, length), length)

    def _resumed(
        self, answer: Fetched, version: Version, first: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer, and of further ones when its connection breaks."""

        def reopen(start: int, end: int) -> Awaitable[Answer]:
            headers = {"Range": range_header(start, end), "If-Range": version.validator[1]}
            return self._fetcher.fetch("GET", answer.target, headers)

        resuming = Resuming(self._backoff, answer.target.origin)
        return resuming.pour(answer.body, reopen, version, first, stop)


async def _slice(
    source: AsyncGenerator[bytes, None], skip: int, length: int | None
) -> AsyncGenerator[bytes, None]:
    """At most ``length`` bytes, after the first ``skip`` bytes; without these it is cut short."""
    async with aclosing(source):
        async for chunk in source:
            rest = chunk[skip:]
            skip -= len(chunk) - len(rest)
            if length is not None:
                rest = rest[:length]
                length -= len(rest)
            if rest:
                yield rest
            if length == 0:
                return
    if skip:
        raise BodyCutShort()


def _size_if_there(answer: Answer) -> int | None:
    """
    :raises SourceNotFound: when there is nothing.
    :raises SourceRefused: when the answer is no success.
    """
    if answer.status in _NOTHING_THERE:
        raise SourceNotFound()
    partial = content_range(answer)
    if answer.status == 206:
        return partial.size if partial is not None else None
    if answer.status == 416 and partial is not None and partial.size == 0:
        return 0
    if answer.status != 200:
        raise SourceRefused(answer.status)
    return answer.length
