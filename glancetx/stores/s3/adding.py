"""One image on its way into a bucket: in one go, or in parts that become one in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from uuid import uuid4

from twisted.logger import Logger

from glancetx.deferreds import finish_first
from glancetx.errors import DataExists, StoreUnavailable
from glancetx.httpclient import Backoff
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.payload import Sealed
from glancetx.stores.s3.refusals import Refused
from glancetx.stores.s3.turns import Turns
from glancetx.streams import Part
from glancetx.threads import NotRunning, Threads

_log = Logger()


class Adding:
    """
    Keeps the parts of one image as one object, or leaves nothing.

    What was begun is known by its ``stamp``, for an answer that got lost tells nothing: neither
    whether an object has come to be, nor whose it is.
    """

    def __init__(
        self,
        bucket: Bucket,
        turns: Turns,
        threads: Threads,
        backoff: Backoff,
        image_id: str,
        name: str,
    ) -> None:
        self._bucket = bucket
        self._turns = turns
        self._threads = threads
        self._backoff = backoff
        self._image_id = image_id
        self._name = name
        self._stamp = uuid4().hex
        self._upload_id: str | None = None
        self._entries: list[Mapping[str, str]] = []
        #: Whether there may be uploads of ours whose id we do not know.
        self._may_have_lost = False
        #: Whether there may be an object of ours.
        self._may_have_made = False

    async def keep(self, parts: AsyncGenerator[Part, None]) -> None:
        """
        Keep all parts.

        :raises DataExists: when there is an object already; it is left as it is.
        :raises StoreUnavailable: also when something else went wrong and then could not be undone:
            something may be left.
        :raises Refused: when the server refuses.
        """
        try:
            async with aclosing(parts) as incoming:
                async for part in incoming:
                    if part.is_last and self._upload_id is None:
                        await self._put(part)
                    else:
                        await self._put_part(part)
            if self._upload_id is not None:
                await self._complete(self._upload_id)
            if self._may_have_lost:
                await finish_first(self._forget_lost())
        except BaseException:
            await finish_first(self._undo())
            raise

    async def _put(self, part: Part) -> None:
        sealed = await self._seal(part)
        async with self._turns.of(self._name):
            await self._refuse_to_replace()
            self._may_have_made = True
            was_made = await self._bucket.put(self._name, sealed, self._stamp)
        if not was_made and not await self._is_ours():
            raise DataExists(self._image_id)

    async def _put_part(self, part: Part) -> None:
        sealed = await self._seal(part)
        if self._upload_id is None:
            # Whoever leaves now has to know what there is to be aborted.
            await finish_first(self._begin())
        upload_id = self._upload_id or ""
        entry = await self._bucket.put_part(self._name, upload_id, part.number, sealed)
        self._entries.append(entry)

    async def _seal(self, part: Part) -> Sealed:
        try:
            return await self._threads.run(self._bucket.seals.seal, part.pieces)
        except NotRunning:
            raise StoreUnavailable() from None

    async def _begin(self) -> None:
        self._may_have_lost = True
        self._upload_id, self._may_have_lost = await self._bucket.begin_upload(
            self._name, self._stamp
        )

    async def _complete(self, upload_id: str) -> None:
        async with self._turns.of(self._name):
            await self._refuse_to_replace()
            self._may_have_made = True
            try:
                was_made = await self._bucket.complete_upload(self._name, upload_id, self._entries)
            except (Refused, StoreUnavailable):
                # An earlier try, of which no answer came, may have done it.
                if not await self._is_ours():
                    raise
                return
        if not was_made and not await self._is_ours():
            raise DataExists(self._image_id)

    async def _refuse_to_replace(self) -> None:
        """
        See once more that there is no object yet.

        Not every server keeps two requests from both creating it: some look only when a request
        begins, and some not at all.
        """
        if await self._bucket.find(self._name) is not None:
            raise DataExists(self._image_id)

    async def _is_ours(self) -> bool:
        """Whether there is an object that comes from here."""
        found = await self._bucket.find(self._name)
        return found is not None and found.stamp == self._stamp

    async def _undo(self) -> None:
        try:
            if self._upload_id is not None:
                await abort(self._bucket, self._backoff, self._name, self._upload_id)
            if self._may_have_lost:
                await abort_all(self._bucket, self._backoff, self._name)
            if self._may_have_made and await self._is_ours():
                await self._bucket.delete(self._name)
        except (Refused, StoreUnavailable):
            _log.warn("What was begun for {name} could not be undone", name=self._name)
            # A refusal would say that nothing is left.
            raise StoreUnavailable() from None

    async def _forget_lost(self) -> None:
        try:
            await abort_all(self._bucket, self._backoff, self._name)
        except (Refused, StoreUnavailable):
            _log.warn("An upload for {name} may have been left to the sweep", name=self._name)


async def abort_all(bucket: Bucket, backoff: Backoff, name: str) -> None:
    """Abort all uploads for an object; as `abort`."""
    async with aclosing(bucket.uploads(name)) as uploads:
        found = [upload async for upload in uploads if upload.name == name]
    for upload in found:
        await abort(bucket, backoff, name, upload.upload_id)


async def abort(bucket: Bucket, backoff: Backoff, name: str, upload_id: str) -> None:
    """
    Abort an upload, and see to it that it is gone.

    A part that was under way may come in after the upload was aborted, and then is there again.

    :raises StoreUnavailable: when it always is.
    """
    for failures in range(1, backoff.attempts + 2):
        await bucket.abort_upload(name, upload_id)
        if await bucket.parts_of(name, upload_id) is None:
            return
        await backoff.pause(failures)
    raise StoreUnavailable()
