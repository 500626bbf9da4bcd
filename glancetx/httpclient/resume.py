"""A stream that goes on where a connection broke, and never mixes two versions of an image."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from attrs import frozen
from twisted.logger import Logger

from glancetx.errors import (
    BodyCutShort,
    RemoteBroken,
    RemoteChanged,
    RemoteRefused,
    RemoteUnavailable,
)
from glancetx.httpclient.answer import Answer
from glancetx.httpclient.backoff import PASSING, Backoff
from glancetx.httpclient.ranges import Version, content_range
from glancetx.interfaces import IByteStream
from glancetx.streams import chunks

_log = Logger()

#: So many bytes after a break are worth all further attempts anew.
PROGRESS = 1024 * 1024

#: Asks a source again for its bytes from the first up to but not including the second number,
#: and only if they are still of the same version.
Reopen = Callable[[int, int], Awaitable[Answer]]


@frozen
class Resuming:
    """
    How to go on after a break.

    ``origin`` is what the log may be told of the source.
    """

    backoff: Backoff
    origin: str

    async def pour(
        self, body: IByteStream, reopen: Reopen, version: Version, start: int, end: int
    ) -> AsyncGenerator[bytes, None]:
        """
        The bytes from ``start`` up to ``end``, of which the body gives the first.

        :raises RemoteChanged: when the source has another version by now.
        :raises RemoteBroken: when it broke too often, and hardly gave anything in between.
        """
        failures = 0
        failed_at = start
        current: IByteStream | None = body
        while True:
            try:
                if current is None:
                    current = await _reopened(reopen, version, start, end)
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
            failures = failures + 1 if start - failed_at < PROGRESS else 1
            failed_at = start
            if failures > self.backoff.attempts:
                raise RemoteBroken()
            _log.info("{origin} broke off, going on at {start}", origin=self.origin, start=start)
            await self.backoff.pause(failures)


async def _reopened(reopen: Reopen, version: Version, start: int, end: int) -> IByteStream:
    answer = await reopen(start, end)
    try:
        if answer.status in PASSING:
            raise RemoteBroken()
        if answer.status in (200, 412, 416):
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
