"""Uploads that nobody goes on with: their parts take room, and no list of objects shows them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime, timedelta

from twisted.logger import Logger

from glancetx.errors import NoSuchData
from glancetx.httpclient import Backoff
from glancetx.stores.s3.adding import abort
from glancetx.stores.s3.addressing import Place
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.documents import Upload

_log = Logger()


async def sweep(bucket: Bucket, place: Place, backoff: Backoff, seconds: float) -> int:
    """
    Abort the uploads for images for which nothing has come for so many seconds; how many.

    Uploads of other daemons are safe as long as they send a part now and then.
    What is not named as images are is not ours.

    :raises Refused: as every operation of a bucket.
    :raises StoreUnavailable: as every operation of a bucket.
    """
    before = bucket.client.now() - timedelta(seconds=seconds)
    async with aclosing(bucket.uploads(place.prefix)) as uploads:
        old = [each async for each in uploads if each.initiated < before and _is_ours(place, each)]
    swept = 0
    for upload in old:
        if await _is_stale(bucket, upload, before):
            await abort(bucket, backoff, upload.name, upload.upload_id)
            _log.info("an upload for {name} was abandoned: aborted", name=upload.name)
            swept += 1
    return swept


def _is_ours(place: Place, upload: Upload) -> bool:
    try:
        return place.name_of(upload.name.removeprefix(place.prefix)) == upload.name
    except NoSuchData:
        return False


async def _is_stale(bucket: Bucket, upload: Upload, before: datetime) -> bool:
    moments = await bucket.parts_of(upload.name, upload.upload_id)
    return moments is not None and all(moment < before for moment in moments)
