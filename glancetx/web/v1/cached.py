"""The handlers of v1's cache management (contract §2.3), and its JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen
from twisted.web.iweb import IRequest
from werkzeug.exceptions import NotFound

from glancetx.copies import CachedImage
from glancetx.interfaces import IImageCache
from glancetx.web.request import streaming
from glancetx.web.v1.handling import json_answer
from glancetx.web.v1.permissions import Permissions

#: What is asked of the cache, and the JSON value that answers it.
Deed = Callable[[IImageCache], Awaitable[Any]]


@frozen
class CachedV1:
    """
    Answers the paths of the cache, whose routes are among the others of v1.

    Where there is no cache, there are no such paths; and a method that a path does not know is
    answered as if there were none either, 404 and not 405.
    """

    _cache: IImageCache | None
    _permissions: Permissions

    async def cached_images(self, request: IRequest) -> bytes:
        """``/cached_images``"""
        return await self._answer(request, GET=_list_cached, DELETE=_drop_all)

    async def cached_image(self, request: IRequest, image_id: str) -> bytes:
        """``/cached_images/{id}``"""
        return await self._answer(request, DELETE=lambda cache: _null(cache.drop(image_id)))

    async def queued_images(self, request: IRequest) -> bytes:
        """``/queued_images``"""
        return await self._answer(request, GET=_list_queued, DELETE=_unqueue_all)

    async def queued_image(self, request: IRequest, image_id: str) -> bytes:
        """``/queued_images/{id}``; nobody asks whether there is such an image."""
        return await self._answer(
            request,
            PUT=lambda cache: _null(cache.queue(image_id)),
            DELETE=lambda cache: _null(cache.unqueue(image_id)),
        )

    async def _answer(self, request: IRequest, **deeds: Deed) -> bytes:
        deed = deeds.get(request.method.decode("ascii", "replace"))
        if self._cache is None or deed is None:
            raise NotFound()
        self._permissions.check("manage_image_cache", streaming(request).caller)
        answer = json.dumps(await deed(self._cache)).encode("ascii")
        return json_answer(streaming(request), 200, answer)


async def _null(deed: Awaitable[object]) -> None:
    """What is answered is null, whatever came of it."""
    await deed


async def _list_cached(cache: IImageCache) -> dict[str, Any]:
    return {"cached_images": [_document(each) for each in await cache.entries()]}


async def _list_queued(cache: IImageCache) -> dict[str, Any]:
    return {"queued_images": await cache.queued()}


async def _drop_all(cache: IImageCache) -> dict[str, Any]:
    return {"num_deleted": await cache.drop_all()}


async def _unqueue_all(cache: IImageCache) -> dict[str, Any]:
    return {"num_deleted": await cache.unqueue_all()}


def _document(cached: CachedImage) -> dict[str, Any]:
    return {
        "image_id": cached.image_id,
        "hits": cached.hits,
        "last_accessed": float(cached.last_accessed),
        "last_modified": float(cached.last_modified),
        "size": cached.size,
    }
