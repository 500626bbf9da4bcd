"""The bytes of a POST or PUT: whether there are any, and how they are taken in (contract §6)."""

from __future__ import annotations

from attrs import frozen

from glancetx.errors import BadMetadata, BadRequest, NoSuchStore
from glancetx.image import Image
from glancetx.limits import Limits
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.usecases.upload import Uploads
from glancetx.web.request import StreamingRequest
from glancetx.web.v1.meta import RequestMeta

OCTET_STREAM = "application/octet-stream"


def has_data(request: StreamingRequest) -> bool:
    """Whether the request brings data; an empty chunked body is data too (§3.5)."""
    encoding = (request.getHeader("transfer-encoding") or "").strip().lower()
    return request.body.length != 0 or encoding in ("chunked", "identity")


def check_announced_size(request: StreamingRequest, meta: RequestMeta, limits: Limits) -> None:
    """
    :raises BadMetadata: when Content-Length, or else the size header, is over the cap (§6.5).
    """
    announced = request.body.length or meta.values.get("size", 0)
    if announced > limits.image_size_cap:
        raise BadMetadata(
            f"Denying attempt to upload image larger than {limits.image_size_cap} bytes."
        )


@frozen
class Receiver:
    """Takes the data of a request into a store."""

    _uploads: Uploads
    _shelf: Shelf

    def check_store(self, meta: RequestMeta) -> None:
        """
        :raises BadRequest: when the named store is unknown; an empty name is judged later (§3.5).
        """
        if not meta.store:
            return
        try:
            self._shelf.named(meta.store)
        except NoSuchStore:
            raise BadRequest(f"Required store {meta.store} is invalid") from None

    async def receive(self, request: StreamingRequest, image: Image, meta: RequestMeta) -> Image:
        """
        Take the body in, and return the active image.

        :raises BadMetadata: when a format is missing; the image stays queued.
        :raises NoSuchStore: when the named store is unknown; the image stays queued.
        :raises BadRequest: when the content type is wrong; the image is killed (§6.4).
        """
        check_formats(image)
        shelved = self.chosen_store(meta)
        media_type = (request.getHeader("content-type") or "").partition(";")[0].strip()
        if media_type != OCTET_STREAM:
            error = BadRequest(f"Content-Type must be {OCTET_STREAM}")
            await self._uploads.refuse(image, error)
            raise error
        return await self._uploads.upload(image, request.body, shelved)

    def chosen_store(self, meta: RequestMeta) -> ShelvedStore:
        """
        The store that the bytes are to go to.

        :raises NoSuchStore: when it is named and unknown.
        """
        return self._shelf.default if meta.store is None else self._shelf.named(meta.store)


def check_formats(image: Image) -> None:
    """
    :raises BadMetadata: when a format is missing, without which nobody could use the bytes.
    """
    if not image.disk_format:
        raise BadMetadata("Disk format is not specified.")
    if not image.container_format:
        raise BadMetadata("Container format is not specified.")
