"""Uploads that nobody goes on with: their parts take room, and no list of objects shows them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime, timedelta

from twisted.logger import Logger

from glancetx.httpclient import Backoff
from glancetx.stores.s3.adding import abort
from glancetx.stores.s3.addressing import Place
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.documents import Upload
from glancetx.stores.s3.refusals import Refused

_log = Logger()


async def sweep(bucket: Bucket, place: Place, backoff: Backoff, seconds: float) -> int:
    """
    Abort the uploads for images for which nothing has come for so many seconds; how many.

    Uploads of other daemons are safe as long as they send a part now and then.
    What is not named as images are is not ours; what may not be aborted is passed over.

    :raises Refused: when the server lists no uploads.
    :raises StoreUnavailable: as every operation of a bucket.
    """
    before = bucket.client.now() - timedelta(seconds=seconds)
    async with aclosing(bucket.uploads(place.prefix)) as uploads:
        old = [
            each
            async for each in uploads
            if each.initiated < before and place.key_of(each.name) is not None
        ]
    swept = 0
    for upload in old:
        try:
            if await _is_stale(bucket, upload, before):
                await abort(bucket, backoff, upload.name, upload.upload_id)
                _log.info("an upload for {name} was abandoned: aborted", name=upload.name)
                swept += 1
        except Refused as refused:
            # The others do not wait for it.
            _log.warn(
                "an upload for {name} cannot be aborted: {reason}",
                name=upload.name,
                reason=str(refused),
            )
    return swept


async def _is_stale(bucket: Bucket, upload: Upload, before: datetime) -> bool:
    parts = await bucket.parts_of(upload.name, upload.upload_id)
    return parts is not None and all(part.modified < before for part in parts)
