"""The routes of v1's images: read the request, call one use-case, write the answer."""

from __future__ import annotations

from attrs import evolve
from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IRequest

from glancetx.access import Caller, may_change
from glancetx.errors import NotFound
from glancetx.image import Image
from glancetx.image_document import detailed
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.caching import Deleting, Downloading
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.sight import check_not_read_only
from glancetx.web.context import client_of
from glancetx.web.errors import HttpError
from glancetx.web.failures import install_error_handlers
from glancetx.web.ranges import Span, requested_span
from glancetx.web.request import StreamingRequest
from glancetx.web.respond import pour
from glancetx.web.slots import Slots
from glancetx.web.v1.cached import CachedV1
from glancetx.web.v1.handling import dispatch, empty_answer, json_answer
from glancetx.web.v1.listing import read_listing
from glancetx.web.v1.members import MembersV1
from glancetx.web.v1.permissions import Permissions
from glancetx.web.v1.render import (
    brief,
    header_value,
    list_document,
    meta_headers,
    progress_headers,
)
from glancetx.web.v1.uploading import OCTET_STREAM
from glancetx.web.v1.writing import WritingV1


class ImagesV1:
    """The Images API v1 as a Klein application, mounted below its version."""

    app = Klein()
    app.url_map.merge_slashes = False

    def __init__(
        self,
        catalogue: Catalogue,
        writing: WritingV1,
        downloads: Downloading,
        deletions: Deleting,
        members: MembersV1,
        cached: CachedV1,
        permissions: Permissions,
        clock: IReactorTime,
        idle_timeout: float | None,
        announce: Announcements,
        slots: Slots | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._writing = writing
        self._downloads = downloads
        self._deletions = deletions
        self._members = members
        self._cached = cached
        self._permissions = permissions
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._announce = announce
        self._slots = slots or Slots()

    # -- routes

    @app.route("/")
    async def root(self, request: IRequest) -> bytes | None:
        return await dispatch(request, GET=self._list_brief, HEAD=self._list_brief)

    @app.route("/images")
    async def images(self, request: IRequest) -> bytes | None:
        return await dispatch(request, GET=self._list_brief, POST=self._writing.create)

    @app.route("/images/detail")
    async def detail(self, request: IRequest) -> bytes | None:
        if request.method == b"HEAD":
            raise HttpError(405, headers={"Allow": "GET"})
        return await dispatch(request, GET=self._list_detailed, HEAD=self._list_detailed)

    @app.route("/images/<image_id>")
    async def image(self, request: IRequest, image_id: str) -> bytes | None:
        return await dispatch(
            request,
            GET=lambda request: self._download_in_slot(request, image_id),
            HEAD=lambda request: self._show(request, image_id),
            PUT=lambda request: self._writing.update(request, image_id),
            DELETE=lambda request: self._delete(request, image_id),
        )

    @app.route("/images/<image_id>/members")
    async def members(self, request: IRequest, image_id: str) -> bytes | None:
        return await self._members.of_image(request, image_id)

    @app.route("/images/<image_id>/members/<member>")
    async def member(self, request: IRequest, image_id: str, member: str) -> bytes | None:
        return await self._members.one(request, image_id, member)

    @app.route("/shared-images/<member>")
    async def shared_images(self, request: IRequest, member: str) -> bytes | None:
        return await self._members.shared_images(request, member)

    @app.route("/cached_images")
    async def cached_images(self, request: IRequest) -> bytes | None:
        return await self._cached.cached_images(request)

    @app.route("/cached_images/<image_id>")
    async def cached_image(self, request: IRequest, image_id: str) -> bytes | None:
        return await self._cached.cached_image(request, image_id)

    @app.route("/queued_images")
    async def queued_images(self, request: IRequest) -> bytes | None:
        return await self._cached.queued_images(request)

    @app.route("/queued_images/<image_id>")
    async def queued_image(self, request: IRequest, image_id: str) -> bytes | None:
        return await self._cached.queued_image(request, image_id)

    # -- lists

    async def _list_brief(self, request: StreamingRequest) -> bytes:
        return json_answer(request, 200, list_document(map(brief, await self._page(request))))

    async def _list_detailed(self, request: StreamingRequest) -> bytes:
        caller, page = request.caller, await self._page(request)
        readable = (self._permissions.readable(caller, image) for image in page)
        return json_answer(request, 200, list_document(map(detailed, readable)))

    async def _page(self, request: StreamingRequest) -> list[Image]:
        self._permissions.check("get_images", request.caller)
        listing = read_listing(request.caller, request.args or {})
        return await self._catalogue.page(
            request.caller,
            everything=listing.everything,
            public=listing.public,
            filters=listing.filters,
            order=listing.order,
            marker=listing.marker,
            limit=listing.limit,
        )

    # -- one image

    async def _show(self, request: StreamingRequest, image_id: str) -> bytes:
        self._permissions.check("get_image", request.caller)
        image = await self._catalogue.show(request.caller, image_id)
        _set_meta_headers(request, self._permissions.readable(request.caller, image))
        if may_change(request.caller, image):
            for name, value in progress_headers(image):
                request.setHeader(name, value)
        return empty_answer(request)

    async def _download_in_slot(self, request: StreamingRequest, image_id: str) -> bytes | None:
        with self._slots.slot():
            return await self._download(request, image_id)

    async def _download(self, request: StreamingRequest, image_id: str) -> bytes | None:
        self._permissions.check("get_image", request.caller)
        image = await self._find_to_download(request.caller, image_id)
        if image.size == 0 and not self._downloads.is_elsewhere(image):
            _set_data_headers(request, image, 0)
            self._announce_sent(request, image, 0)
            return b""
        span = await self._requested_span(request, image)
        if span is None:
            stream = await self._downloads.open(image)
            length = stream.length or image.size or None
            image = evolve(image, size=length or 0)
        else:
            stream = await self._downloads.open(image, span.first, span.length)
            length = span.length
            request.setResponseCode(206)
            request.setHeader("Content-Range", span.content_range)
        _set_data_headers(request, image, length)
        try:
            await pour(request, stream, length, self._clock, self._idle_timeout)
        finally:
            self._announce_sent(request, image, length)
        return None

    def _announce_sent(self, request: StreamingRequest, image: Image, length: int | None) -> None:
        sent = request.sentLength
        # Where nobody knows how much there is, what went wrong is told by breaking off.
        is_whole = not request.is_lost if length is None else sent == length
        self._announce.sent(image, request.caller, client_of(request), sent, is_whole=is_whole)

    async def _find_to_download(self, caller: Caller, image_id: str) -> Image:
        """As far as he may have its bytes and read its properties."""
        try:
            image = await self._catalogue.show(caller, image_id)
            self._downloads.check(image)
        except NotFound:
            # Whoever may download nothing is not told what there is.
            self._permissions.check("download_image", caller)
            raise
        self._permissions.check_download(caller, image)
        return self._permissions.readable(caller, image)

    async def _requested_span(self, request: StreamingRequest, image: Image) -> Span | None:
        header = request.getHeader("range")
        # Nobody has to tell us the size as long as the whole is wanted.
        total = 0 if header is None else await self._downloads.size_now(image)
        if not total:
            return None
        return requested_span(
            header, total, if_range=request.getHeader("if-range"), etag=image.checksum
        )

    async def _delete(self, request: StreamingRequest, image_id: str) -> bytes:
        check_not_read_only(request.caller)
        self._permissions.check("delete_image", request.caller)
        await self._deletions.delete(request.caller, image_id)
        return empty_answer(request)


install_error_handlers(ImagesV1.app)


def _set_meta_headers(request: StreamingRequest, image: Image) -> None:
    for name, value in meta_headers(image):
        request.prepare(name, value)
    if image.checksum is not None:
        # The bare MD5, without quotes (contract §4.3).
        request.prepare(b"ETag", header_value(image.checksum))


def _set_data_headers(request: StreamingRequest, image: Image, length: int | None) -> None:
    _set_meta_headers(request, image)
    request.setHeader("Content-Type", OCTET_STREAM)
    if length is not None:
        request.setHeader("Content-Length", str(length))
    request.setHeader("Accept-Ranges", "bytes")
