"""One image on its way in: first its bytes, then its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import aclosing

from attrs import define, field
from twisted.logger import Logger

from glancetx.errors import DataExists, StoreUnavailable
from glancetx.httpclient import Flow, Pieces
from glancetx.interfaces import IByteStream
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.manifest import Segment, bare, manifest
from glancetx.stores.swift.names import Names, Object
from glancetx.stores.swift.sizes import Sizes
from glancetx.streams import Metering
from glancetx.streams.segments import Segments

#: By this header one knows later which attempt has written an image.
UPLOAD = "X-Object-Meta-Glancetx-Upload"

_CREATED = frozenset({201})
_CREATED_OR_THERE = frozenset({201, 412})

_log = Logger()


@define
class Upload:
    """
    One attempt to write an image.

    A small image of known length is one object.
    Any other one goes into segments, of which a manifest makes one object at the end: then it has
    its name, and all of it can be read, or none.
    Bytes are never held to be sent again, so a segment whose connection breaks ends the attempt.
    What a name stands for is decided by Swift, which refuses a second object under it.
    """

    _account: Account
    _names: Names
    _sizes: Sizes
    _metering: Metering
    _image: Object
    _upload_id: str = field(factory=lambda: os.urandom(8).hex(), init=False)
    #: What may have been written, and has to go when the attempt fails.
    _written: list[Object] = field(factory=list, init=False)
    _may_be_named: bool = field(default=False, init=False)

    async def run(self, data: IByteStream) -> None:
        """
        Write it.

        :raises DataExists: when there is an image of this name.
        :raises StoreError: when Swift refuses or fails.
        :raises Exception: what broke the data.
        """
        await self._account.prepare(self._image.container)
        found = await self._account.tell("HEAD", self._image.path, expect={200, 404})
        if found.status == 200:
            raise DataExists(self._image.name)
        async with aclosing(Segments(data)) as segments:
            if not await segments.has_more():
                await self._name(b"")
            elif self._sizes.is_single(data.length):
                await self._write_whole(segments)
            else:
                written = await self._write_segments(segments, data.length)
                # Behind Keystone a token that is good no more is not refused here: Swift would say
                # that the manifest is wrong, as it may not look at the segments.
                await self._account.prepare(self._image.container)
                await self._name(manifest(written), "?multipart-manifest=put")

    async def undo(self) -> None:
        """
        Remove what was written.

        Swift may not have noticed yet that a connection broke; but what is deleted here is older
        than the deletion, and so stays deleted also when it is completed afterwards.

        :raises StoreError: when that does not succeed.
        """
        if self._may_be_named and await self._holder() in (self._upload_id, None):
            await self._account.tell("DELETE", self._image.path, expect={204, 404})
        for segment in self._written:
            await self._account.tell("DELETE", segment.path, expect={204, 404})

    async def _write_whole(self, segments: Segments) -> None:
        self._may_be_named = True
        headers = {"If-None-Match": "*", UPLOAD: self._upload_id}
        await self._write(self._image, segments.next(self._sizes.single), headers)
        await segments.has_more()

    async def _write_segments(self, segments: Segments, length: int | None) -> list[Segment]:
        written: list[Segment] = []
        sent = 0
        while await segments.has_more():
            size = self._sizes.next(len(written), sent, length)
            number = len(written) + 1
            target = self._names.segment(self._image.name, self._upload_id, number)
            await self._account.prepare(target.container)
            self._written.append(target)
            written.append(await self._write(target, segments.next(size)))
            sent += written[-1].size
        return written

    async def _write(
        self, target: Object, stream: IByteStream, headers: Mapping[str, str] | None = None
    ) -> Segment:
        """Pour the stream into an object, and believe only what Swift says it has got."""
        metered = self._metering.meter(stream)
        answer = await self._account.send(
            target.path,
            Flow(metered, metered.length),
            {"Content-Type": "application/octet-stream", **(headers or {})},
            expect=_CREATED_OR_THERE if target is self._image else _CREATED,
        )
        if answer.status == 412:
            raise DataExists(target.name)
        md5 = metered.digests["md5"]
        if bare(answer.header("ETag") or "") != md5:
            _log.error("Swift has other bytes than it was given")
            raise StoreUnavailable()
        return Segment(target, md5, metered.size)

    async def _name(self, content: bytes, query: str = "") -> None:
        """
        Write an object under the name of the image, if there is none.

        :raises DataExists: when there is one; but not when it is ours, because an answer was lost.
        """
        self._may_be_named = True
        headers = {
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
            UPLOAD: self._upload_id,
        }
        answer = await self._account.tell(
            "PUT",
            self._image.path + query,
            headers,
            Pieces([content]),
            expect=_CREATED_OR_THERE,
        )
        if answer.status == 412 and await self._holder() != self._upload_id:
            raise DataExists(self._image.name)

    async def _holder(self) -> str | None:
        """Which attempt has written what now has the name; empty when one cannot tell."""
        found = await self._account.tell(
            "HEAD", self._image.path, {"X-Newest": "true"}, expect={200, 404}
        )
        return None if found.status == 404 else found.header(UPLOAD) or ""
