"""What lies in a bucket: objects, and uploads that are neither completed nor aborted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from glancetx.errors import NoSuchData, StoreUnavailable
from glancetx.holding import Holding
from glancetx.httpclient import Backoff
from glancetx.stores.s3.adding import abort
from glancetx.stores.s3.addressing import Place
from glancetx.stores.s3.bucket import Bucket


async def holdings(bucket: Bucket, place: Place) -> AsyncGenerator[Holding, None]:
    """
    All objects and uploads below the prefix.

    :raises Refused: when the server does not list them.
    :raises StoreUnavailable: as every operation of a bucket.
    """
    async with aclosing(bucket.objects(place.prefix)) as objects:
        async for name, came in objects:
            key = place.key_of(name)
            yield Holding(key=key or name, image_id=key, size=came.size, changed_at=came.modified)
    async with aclosing(bucket.uploads(place.prefix)) as uploads:
        async for upload in uploads:
            parts = await bucket.parts_of(upload.name, upload.upload_id)
            if parts is not None:
                key = place.key_of(upload.name)
                yield Holding(
                    key=f"{key or upload.name}/{upload.upload_id}",
                    image_id=key,
                    size=sum(part.size for part in parts),
                    changed_at=max([upload.initiated, *(part.modified for part in parts)]),
                    is_finished=False,
                )


async def look_up(bucket: Bucket, place: Place, key: str) -> Holding | None:
    """The object of an image, or None when there is none."""
    try:
        found = await bucket.find(place.name_of(key))
    except NoSuchData:
        return None
    if found is None:
        if not await bucket.is_there():
            raise StoreUnavailable()
        return None
    if found.size is None:
        raise StoreUnavailable()
    changed_at = found.modified or bucket.client.now()
    return Holding(key=key, image_id=key, size=found.size, changed_at=changed_at)


async def drop_upload(bucket: Bucket, place: Place, backoff: Backoff, key: str) -> None:
    """
    Abort an upload, by the key that `holdings` has given it.

    :raises NoSuchData: when there is none any more.
    """
    image_id, _, upload_id = key.partition("/")
    name = place.name_of(image_id)
    # Asked for an upload that it never had, not every server says that there is none.
    async with aclosing(bucket.uploads(name)) as uploads:
        found = [each async for each in uploads if (each.name, each.upload_id) == (name, upload_id)]
    if not found:
        raise NoSuchData()
    await abort(bucket, backoff, name, upload_id)
