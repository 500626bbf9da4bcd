"""An image on its way out, which goes on where a connection broke."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.logger import Logger

from glancetx.errors import NoSuchData, RemoteBroken, StoreUnavailable
from glancetx.httpclient import Answer
from glancetx.httpclient.ranges import Asked, Version, check_end, given_by, range_header
from glancetx.httpclient.resume import Resuming
from glancetx.interfaces import IByteStream
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.names import Object
from glancetx.streams import from_chunks, nothing

#: What may come of an attempt to go on, and what `Resuming` makes its sense of.
_JUDGED_THERE = frozenset({200, 206, 404, 409, 416})

_log = Logger()


async def read(account: Account, image: Object, asked: Asked) -> IByteStream:
    """
    The bytes of an image that are asked for; their number is known.

    :raises NoSuchData: when there is no such image.
    :raises RangeOutside: when the offset is beyond its end.
    :raises StoreError: when Swift refuses or fails.
    """
    answer = await account.ask("GET", image.path, asked.headers, expect={200, 206, 404, 416})
    try:
        if answer.status == 404:
            raise NoSuchData()
        if answer.status == 416:
            return await _at_end(account, image, answer, asked)
        return _stream(account, image, answer, asked)
    except RemoteBroken:
        answer.close()
        _log.error("Swift gives other bytes than it was asked for")
        raise StoreUnavailable() from None
    except BaseException:
        answer.close()
        raise


async def _at_end(account: Account, image: Object, answer: Answer, asked: Asked) -> IByteStream:
    """What there is to give when no byte is in the range; Ceph does not tell the size with it."""
    answer.close()
    found = await account.tell("HEAD", image.path, expect={200, 404})
    if found.status == 404:
        raise NoSuchData()
    check_end(asked.offset, found.length)
    return nothing()


def _stream(account: Account, image: Object, answer: Answer, asked: Asked) -> IByteStream:
    given = given_by(answer, asked)
    if asked.length == 0 or given.stop == given.first:
        answer.close()
        return nothing()
    tag = answer.header("ETag")
    end = asked.end_within(given.size)
    if tag is None or given.size is None or end is None:
        raise RemoteBroken()
    if (given.first, given.stop) != (asked.offset, end):
        raise RemoteBroken()

    def reopen(start: int, stop: int) -> Awaitable[Answer]:
        # No If-Match: for an object of segments Ceph's gateway compares another tag than it shows.
        # Whoever goes on compares them before he takes a byte.
        headers = {"Range": range_header(start, stop)}
        return account.ask("GET", image.path, headers, expect=_JUDGED_THERE)

    pouring = Resuming(account.backoff, "Swift").pour(
        answer.body, reopen, Version(("ETag", tag), given.size), asked.offset, end
    )
    return from_chunks(pouring, end - asked.offset)
