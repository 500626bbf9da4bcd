"""The operations of S3 that we need, on one bucket."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime

from attrs import frozen
from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.httpclient import Answer, Pieces
from glancetx.stores.s3.client import Client
from glancetx.stores.s3.documents import (
    Came,
    Upload,
    check_completion,
    read_objects,
    read_parts,
    read_upload_id,
    read_uploads,
    write_completion,
)
from glancetx.stores.s3.pages import next_marker, read_reply
from glancetx.stores.s3.payload import Sealed, Seals
from glancetx.stores.s3.refusals import NO_CONDITIONS, Refused
from glancetx.stores.s3.requests import Reply, Request

#: By this an object tells which `add` it comes from: nothing else does for sure.
STAMP = "x-amz-meta-glancetx-upload"

_MD5 = re.compile(r"[0-9a-f]{32}")

#: How an object is encrypted whose ETag is its MD5 all the same.
_PLAIN = (None, "AES256")

_log = Logger()


@frozen
class Found:
    """
    What is known of an object without reading it: its size in bytes, its `STAMP`, and its date.
    """

    size: int | None
    stamp: str | None
    modified: datetime | None


class Bucket:
    """
    One bucket.

    All methods raise `Refused`, or StoreUnavailable when there is no usable answer.
    """

    def __init__(self, client: Client, seals: Seals) -> None:
        self.client = client
        self.seals = seals
        #: Whether the server knows requests that create and never replace.
        self._knows_conditions = True

    async def find(self, name: str) -> Found | None:
        """What is known of an object, or None when there is none."""
        reply = await self.client.ask(Request("HEAD", name, accept=(200, 404)))
        if reply.status == 404:
            return None
        return Found(reply.length, reply.headers(STAMP), reply.modified)

    async def is_there(self) -> bool:
        """Whether the bucket itself exists."""
        return (await self.client.ask(Request("HEAD", accept=(200, 404)))).status == 200

    async def get(self, name: str, headers: Mapping[str, str], *, once: bool = False) -> Answer:
        """
        An object, or the part of it that the headers name; their refusals are answers too.

        With ``once`` for callers who try again by themselves; then what breaks is a RemoteError.
        """
        request = Request("GET", name, headers=headers, accept=(200, 206, 412, 416))
        return await (self.client.open_once(request) if once else self.client.open(request))

    async def put(self, name: str, sealed: Sealed, stamp: str) -> bool:
        """Make an object in one go; false when there was one already."""
        headers = {
            "Content-Type": "application/octet-stream",
            STAMP: stamp,
            **self.seals.headers(sealed),
        }
        reply = await self._create("PUT", name, {}, headers, sealed.content, sealed.payload)
        if reply.status == 412:
            return False
        _check(reply, sealed)
        return True

    async def delete(self, name: str) -> bool:
        """Remove an object; false when the server says that there is none, as some do."""
        reply = await self.client.ask(Request("DELETE", name, accept=(200, 204, 404)))
        return reply.status != 404

    # -- uploads in parts

    async def begin_upload(self, name: str, stamp: str) -> tuple[str, bool]:
        """The id of a new upload, and whether others may have been made beside it."""
        headers = {
            "Content-Type": "application/octet-stream",
            STAMP: stamp,
            **self.seals.upload_headers,
        }
        reply = await self.client.ask(
            Request("POST", name, {"uploads": ""}, headers, to_the_end=True)
        )
        return read_reply(read_upload_id, reply), reply.was_repeated

    async def put_part(
        self, name: str, upload_id: str, number: int, sealed: Sealed
    ) -> Mapping[str, str]:
        """Send a part; what to tell of it in the end."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        headers = self.seals.headers(sealed)
        reply = await self.client.ask(
            Request("PUT", name, query, headers, sealed.content, sealed.payload)
        )
        _check(reply, sealed)
        return self.seals.entry(number, reply.headers("ETag") or "", sealed)

    async def complete_upload(
        self, name: str, upload_id: str, entries: Sequence[Mapping[str, str]]
    ) -> bool:
        """Make an object of the parts; false when there was one already, as far as it tells."""
        document = write_completion(entries)
        sealed = Seals(is_signed=True).seal([document])
        headers = {"Content-Type": "application/xml"}
        query = {"uploadId": upload_id}
        reply = await self._create("POST", name, query, headers, sealed.content, sealed.payload)
        if reply.status == 412:
            return False
        # Its status was told before the object was made: only the document says that it is.
        read_reply(check_completion, reply)
        return True

    async def abort_upload(self, name: str, upload_id: str) -> None:
        """Remove an upload with its parts; nothing there is a success."""
        query = {"uploadId": upload_id}
        await self.client.ask(Request("DELETE", name, query, accept=(200, 204, 404)))

    async def parts_of(self, name: str, upload_id: str) -> list[Came] | None:
        """The parts of an upload, or None when there is no such upload."""
        parts: list[Came] = []
        marker: Mapping[str, str] | None = {}
        while marker is not None:
            query = {"uploadId": upload_id, **marker}
            reply = await self.client.ask(Request("GET", name, query, accept=(200, 404)))
            if reply.status == 404:
                return None
            page = read_reply(read_parts, reply)
            parts += page.parts
            marker = next_marker(page.marker, marker)
        return parts

    async def uploads(self, prefix: str) -> AsyncGenerator[Upload, None]:
        """The uploads under way of objects whose names begin so."""
        marker: Mapping[str, str] | None = {}
        while marker is not None:
            query = {"uploads": "", "prefix": prefix, **marker}
            page = read_reply(read_uploads, await self.client.ask(Request("GET", query=query)))
            for upload in page.uploads:
                yield upload
            marker = next_marker(page.marker, marker)

    # -- all there is

    async def objects(self, prefix: str) -> AsyncGenerator[tuple[str, Came], None]:
        """The objects whose names begin so, by name."""
        marker: Mapping[str, str] | None = {}
        while marker is not None:
            query = {"list-type": "2", "encoding-type": "url", "prefix": prefix, **marker}
            page = read_reply(read_objects, await self.client.ask(Request("GET", query=query)))
            for each in page.objects:
                yield each
            marker = next_marker(page.marker, marker)

    async def _create(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        content: Pieces,
        payload: str,
    ) -> Reply:
        """What makes an object, if there is none: the one thing that is never broken off."""
        while True:
            condition = {"If-None-Match": "*"} if self._knows_conditions else {}
            request = Request(
                method,
                name,
                query,
                {**headers, **condition},
                content,
                payload,
                accept=(200, 412),
                to_the_end=True,
            )
            try:
                return await self.client.ask(request)
            except Refused as refused:
                if not condition or refused.refusal.code != NO_CONDITIONS:
                    raise
            _log.warn(
                "{origin} does not know If-None-Match: of two who write one image at the same "
                "time the later one wins",
                origin=self.client.origin,
            )
            self._knows_conditions = False


def _check(reply: Reply, sealed: Sealed) -> None:
    """
    Compare what the server has with what it was sent.

    :raises StoreUnavailable: when it has something else.
    """
    etag = (reply.headers("ETag") or "").strip('"').lower()
    is_md5 = reply.headers("x-amz-server-side-encryption") in _PLAIN and not reply.headers(
        "x-amz-server-side-encryption-customer-algorithm"
    )
    if is_md5 and _MD5.fullmatch(etag) and etag != sealed.md5:
        _log.error("A server of S3 has other bytes than it was sent")
        raise StoreUnavailable()
