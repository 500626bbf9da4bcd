"""POST and PUT of images: read the request, make or change the record, see to the bytes."""

from __future__ import annotations

from functools import partial

from attrs import field, frozen

from glancetx.change import Change
from glancetx.image import Image
from glancetx.limits import Limits
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.sight import check_not_read_only
from glancetx.web.context import host_url
from glancetx.web.request import StreamingRequest
from glancetx.web.slots import Slots
from glancetx.web.v1.elsewhere import Elsewhere, Wish
from glancetx.web.v1.handling import json_answer, set_etag
from glancetx.web.v1.meta import RequestMeta, read_meta, used_headers
from glancetx.web.v1.permissions import Permissions
from glancetx.web.v1.records import draft, revision
from glancetx.web.v1.render import image_document
from glancetx.web.v1.uploading import Receiver, check_announced_size, has_data


@frozen
class WritingV1:
    """What the routes of v1 need to make and change images, in the order of contract §3.6."""

    _catalogue: Catalogue
    _receiver: Receiver
    _elsewhere: Elsewhere
    _permissions: Permissions
    _limits: Limits
    _slots: Slots = field(factory=Slots)

    async def create(self, request: StreamingRequest) -> bytes:
        """POST /images"""
        brings_data = has_data(request)
        with self._slots.slot(brings_data):
            return await self._create(request, brings_data)

    async def update(self, request: StreamingRequest, image_id: str) -> bytes:
        """PUT /images/{id}"""
        brings_data = has_data(request)
        with self._slots.slot(brings_data):
            return await self._update(request, image_id, brings_data)

    async def _create(self, request: StreamingRequest, brings_data: bool) -> bytes:
        meta = self._read_meta(request)
        base_url = host_url(request)
        self._permissions.check_create(request.caller, meta, brings_data)
        wish = self._wish(request, meta, brings_data)
        if wish is not None:
            wish.find()
        self._receiver.check_store(meta)
        record = draft(request.caller, meta, brings_data or wish is not None)
        if wish is None:
            image = await self._catalogue.reserve(record)
        else:
            await wish.probe()
            image = await self._catalogue.reserve(wish.of(record), wish.lease)
            image = await wish.fulfil(image)
        if brings_data:
            image = await self._receiver.receive(request, image, meta)
        request.setHeader("Location", f"{base_url}/v1/images/{image.image_id}")
        set_etag(request, image)
        return json_answer(request, 201, image_document(image))

    async def _update(self, request: StreamingRequest, image_id: str, brings_data: bool) -> bytes:
        meta = self._read_meta(request)
        self._permissions.check_update(request.caller, meta, brings_data)
        wish = self._wish(request, meta, brings_data)

        def revise(image: Image) -> Change:
            return revision(request.caller, image, meta, brings_data)

        image = await self._catalogue.change(
            request.caller, image_id, revise, before_upload=brings_data, supplement=wish
        )
        if brings_data:
            image = await self._receiver.receive(request, image, meta)
        elif wish is not None:
            image = await wish.fulfil(image)
        if brings_data or wish is not None:
            self._catalogue.changed(image)
        set_etag(request, image)
        readable = self._permissions.readable(request.caller, image)
        return json_answer(request, 200, image_document(readable))

    def _wish(self, request: StreamingRequest, meta: RequestMeta, brings_data: bool) -> Wish | None:
        check_location = partial(self._permissions.check_location, request.caller, meta)
        return self._elsewhere.wish(meta, brings_data, check_location)

    def _read_meta(self, request: StreamingRequest) -> RequestMeta:
        user_agent = request.getHeader("user-agent") or ""
        headers = used_headers(
            request.requestHeaders.getAllRawHeaders(),
            percent_encoded="python-glanceclient" in user_agent,
        )
        meta = read_meta(headers, self._limits)
        check_announced_size(request, meta, self._limits)
        check_not_read_only(request.caller)
        return meta
