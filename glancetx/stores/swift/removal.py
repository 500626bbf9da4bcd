"""What an image leaves when it goes: nothing, also when that takes several attempts."""

from __future__ import annotations

from contextlib import aclosing

from attrs import frozen

from glancetx.stores.swift.account import Account
from glancetx.stores.swift.listing import listed, parsed, read_document
from glancetx.stores.swift.manifest import objects_of
from glancetx.stores.swift.names import Names, Object


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
        return await self.sweep_below(self._names.prefix(image_id))

    async def sweep_below(self, prefix: str) -> bool:
        """As `sweep`, for all segments whose names begin so."""
        is_any = False
        async with aclosing(listed(self._account, self._names.segments, prefix)) as entries:
            async for entry in entries:
                # One that is listed may be gone already: listings come later.
                is_any = await self._delete(Object(self._names.segments, entry.name)) or is_any
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
        document = await read_document(self._account, f"{image.path}?multipart-manifest=get")
        return parsed(objects_of, document) if document else []
