"""A stream that goes on where a connection broke, and never mixes two versions of an image."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from glancetx.errors import (
    BodyCutShort,
    RemoteBroken,
    RemoteChanged,
    RemoteRefused,
    RemoteUnavailable,
)
from glancetx.interfaces import IByteStream
from glancetx.outbound.fetch import Fetcher
from glancetx.outbound.ranges import Version, content_range, range_header
from glancetx.outbound.target import Target
from glancetx.streams import chunks

_log = Logger()

#: Statuses that say: try again.
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


@frozen
class Resuming:
    """
    How to go on after a break.

    At most ``attempts`` times for one stream; before the n-th it waits up to ``wait`` · 2ⁿ⁻¹
    seconds, at most ``longest``, by ``jitter`` (a function that gives a number from 0 to 1).
    """

    clock: IReactorTime
    fetcher: Fetcher
    attempts: int = 5
    wait: float = 0.5
    longest: float = 30.0
    jitter: Callable[[], float] = random.random

    async def pour(
        self, body: IByteStream, target: Target, version: Version, start: int, end: int
    ) -> AsyncGenerator[bytes, None]:
        """
        The bytes from ``start`` up to ``end``, of which the body gives the first.

        :raises RemoteChanged: when the source has another version by now.
        :raises RemoteBroken: when it broke too often.
        """
        failures = 0
        current: IByteStream | None = body
        while True:
            try:
                if current is None:
                    current = await self._reopen(target, version, start, end)
                async with aclosing(chunks(current)) as incoming:
                    async for chunk in incoming:
                        start += len(chunk)
                        yield chunk
                if start == end:
                    return
            except (RemoteBroken, BodyCutShort, RemoteUnavailable):
                if start == end:
                    return
            current = None
            failures += 1
            if failures > self.attempts:
                raise RemoteBroken()
            _log.info("{origin} broke off, going on at {start}", origin=target.origin, start=start)
            await self._back_off(failures)

    async def _back_off(self, failures: int) -> None:
        longest = min(self.wait * 2 ** (failures - 1), self.longest)
        await deferLater(self.clock, self.jitter() * longest)

    async def _reopen(self, target: Target, version: Version, start: int, end: int) -> IByteStream:
        answer = await self.fetcher.fetch(
            "GET", target, {"Range": range_header(start, end), "If-Range": version.validator[1]}
        )
        try:
            if answer.status in _PASSING:
                raise RemoteBroken()
            if answer.status in (200, 416):
                raise RemoteChanged()
            if answer.status != 206:
                raise RemoteRefused(answer.status)
            given = content_range(answer)
            if given is None or given.first != start or (given.last or 0) >= end:
                raise RemoteRefused(answer.status)
            if not version.is_of(answer) or given.size != version.size:
                raise RemoteChanged()
        except BaseException:
            answer.close()
            raise
        return answer.body
