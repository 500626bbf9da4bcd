"""Objects as streams, which go on where a connection broke."""

from __future__ import annotations

from collections.abc import Awaitable

from glancetx.errors import (
    NoSuchData,
    RemoteBroken,
    RemoteRefused,
    StoreError,
    StoreUnavailable,
)
from glancetx.httpclient import Answer, Backoff
from glancetx.httpclient.ranges import Asked, check_end, given_by, range_header, version_of
from glancetx.httpclient.resume import Resuming
from glancetx.interfaces import IByteStream
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.refusals import Refused
from glancetx.streams import chunks, from_chunks, nothing


async def open_object(bucket: Bucket, backoff: Backoff, name: str, asked: Asked) -> IByteStream:
    """
    The bytes of an object that were asked for.

    A connection that breaks is made again, for the rest of the same version of the object.

    :raises RangeOutside: when the offset is beyond the end.
    :raises Refused: as every operation of a bucket.
    :raises StoreUnavailable: as every operation of a bucket.
    """
    answer = await bucket.get(name, asked.headers)
    try:
        if answer.status == 416:
            answer.close()
            return await _nothing_of(bucket, name, asked.offset)
        return _stream(bucket, backoff, name, answer, asked)
    except (RemoteBroken, RemoteRefused):
        answer.close()
        raise StoreUnavailable() from None
    except BaseException:
        answer.close()
        raise


async def _nothing_of(bucket: Bucket, name: str, offset: int) -> IByteStream:
    """What is there from the end on. Not every server tells with a 416 where the end is."""
    found = await bucket.find(name)
    if found is None:
        raise NoSuchData()
    check_end(offset, found.size)
    return nothing()


def _stream(
    bucket: Bucket, backoff: Backoff, name: str, answer: Answer, asked: Asked
) -> IByteStream:
    given = given_by(answer, asked)
    end = asked.end_within(given.stop)
    if given.first != asked.offset or given.stop is None or end is None:
        raise RemoteBroken()
    if end == asked.offset:
        answer.close()
        return nothing()
    if given.stop > end:
        # No server of S3 gives all when a part is wanted.
        raise RemoteBroken()
    version = version_of(answer, given.size)
    if version is None or version.validator[0] != "ETag":
        return from_chunks(chunks(answer.body), end - asked.offset)

    def reopen(start: int, end: int) -> Awaitable[Answer]:
        headers = {"Range": range_header(start, end), "If-Match": version.validator[1]}
        return _again(bucket, name, headers)

    resuming = Resuming(backoff, bucket.client.origin)
    source = resuming.pour(answer.body, reopen, version, asked.offset, end)
    return from_chunks(source, end - asked.offset)


async def _again(bucket: Bucket, name: str, headers: dict[str, str]) -> Answer:
    try:
        return await bucket.get(name, headers, once=True)
    except Refused as refused:
        refusal = refused.refusal
    if refusal.is_passing:
        raise RemoteBroken()
    error = refusal.error
    raise error if isinstance(error, StoreError) else StoreUnavailable()
