"""What an image leaves when it goes: nothing, also when that takes several attempts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar
from urllib.parse import quote

from attrs import frozen
from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.manifest import names_in, objects_of
from glancetx.stores.swift.names import Names, Object, path_of

T = TypeVar("T")

#: Bytes of the largest manifest or listing that is read.
_LARGEST_DOCUMENT = 16 << 20

#: Names in one page of a listing; a server may give fewer at a time.
_PAGE = 1000

_log = Logger()


@frozen
class Removal:
    """
    Removes images.

    First goes the object that has the name, so that nobody begins to read what is going, then its
    segments.
    If that breaks off, the segments are found by the beginning of their names: a deletion is
    repeated until nothing is left.
    """

    _account: Account
    _names: Names

    async def remove(self, image: Object) -> bool:
        """
        Remove an image, or what is left of one; whether there was any of it.

        :raises StoreError: when Swift refuses or fails; to be repeated.
        """
        found = await self._account.tell("HEAD", image.path, expect={200, 404})
        if found.status == 404:
            return await self.sweep(image.name)
        if not found.header("X-Static-Large-Object"):
            return await self._delete(image)
        segments = await self._segments_of(image)
        is_removed = await self._delete(image)
        for segment in segments:
            await self._delete(segment)
        await self.sweep(image.name)
        return is_removed

    async def sweep(self, image_id: str) -> bool:
        """
        Remove all segments of an image, of whichever attempt; whether there were any.

        :raises StoreError: when Swift refuses or fails.
        """
        is_any = False
        async for name in self._listed(self._names.prefix(image_id)):
            # One that is listed may be gone already: listings come later.
            is_any = await self._delete(Object(self._names.segments, name)) or is_any
        return is_any

    async def _delete(self, object: Object) -> bool:
        answer = await self._account.tell("DELETE", object.path, expect={204, 404})
        return answer.status == 204

    async def _segments_of(self, image: Object) -> list[Object]:
        """
        The segments that a manifest names.

        Swift's listings come later, so one that names all of them is better; Ceph shows none, but
        its listings are never late.
        """
        document = await self._read(f"{image.path}?multipart-manifest=get")
        return _parsed(objects_of, document) if document else []

    async def _listed(self, prefix: str) -> AsyncGenerator[str, None]:
        """All names that begin so, in order, as far as the listing knows of them by now."""
        query = f"format=json&limit={_PAGE}&prefix={quote(prefix, safe='')}&marker="
        last = ""
        while True:
            path = f"{path_of(self._names.segments)}?{query}{quote(last, safe='')}"
            document = await self._read(path)
            names = _parsed(names_in, document) if document else []
            if not names:
                return
            if names[-1] <= last:
                _log.error("Swift gives a listing that does not end")
                raise StoreUnavailable()
            for last in names:
                yield last

    async def _read(self, path: str) -> bytes | None:
        """The document there, or None when there is none."""
        answer = await self._account.ask("GET", path, expect={200, 204, 404})
        content = await answer.read(_LARGEST_DOCUMENT)
        return None if answer.status == 404 else content


def _parsed(parse: Callable[[bytes], list[T]], document: bytes) -> list[T]:
    try:
        return parse(document)
    except ValueError:
        pass
    _log.error("Swift gives a document that makes no sense")
    raise StoreUnavailable()
