"""What lies in the containers of a store: images, and segments that are of none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen
from twisted.logger import Logger

from glancetx.errors import NoSuchData, StoreUnavailable
from glancetx.holding import Holding
from glancetx.httpclient import Answer
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.listing import listed
from glancetx.stores.swift.names import Names
from glancetx.stores.swift.removal import Removal
from glancetx.stores.swift.upload import UPLOAD

_log = Logger()


@frozen
class Holdings:
    """Tells what is there. The segments of one attempt to upload an image are told as one thing."""

    _account: Account
    _names: Names
    _removal: Removal

    async def listing(self) -> AsyncGenerator[Holding, None]:
        """As `glancetx.interfaces.IListedStore.listing`."""
        async with aclosing(listed(self._account, self._names.container)) as entries:
            async for entry in entries:
                yield Holding(
                    key=entry.name,
                    image_id=self._image_id(entry.name),
                    size=entry.size,
                    changed_at=entry.changed_at,
                )
        async with aclosing(self._attempts()) as attempts:
            async for attempt in attempts:
                if attempt.image_id is None or await self._is_left(attempt.key):
                    yield attempt

    async def look_up(self, key: str) -> Holding | None:
        """As `glancetx.interfaces.IListedStore.look_up`."""
        image_id = self._image_id(key)
        if image_id is None:
            return None
        path = self._names.image(key).path
        found = await self._account.tell("HEAD", path, expect={200, 404})
        if found.status == 404:
            return None
        if found.length is None:
            raise StoreUnavailable()
        return Holding(key=key, image_id=image_id, size=found.length, changed_at=_date(found))

    async def drop_unfinished(self, key: str) -> None:
        """As `glancetx.interfaces.IListedStore.drop_unfinished`."""
        image_id, _, upload = key.partition("/")
        if self._names.owner_of(f"{key}/000001") is None or not await self._is_left(key):
            raise NoSuchData()
        if not await self._removal.sweep_below(self._names.attempt(image_id, upload)):
            raise NoSuchData()

    async def _attempts(self) -> AsyncGenerator[Holding, None]:
        """The segments, all of one attempt as one; their names are in order, so it is one walk."""
        last: Holding | None = None
        async with aclosing(listed(self._account, self._names.segments)) as entries:
            async for entry in entries:
                owner = self._names.owner_of(entry.name)
                key = entry.name if owner is None else "/".join(owner)
                if last is not None and last.key != key:
                    yield last
                    last = None
                last = Holding(
                    key=key,
                    image_id=None if owner is None else owner[0],
                    size=entry.size + (last.size if last else 0),
                    changed_at=max(entry.changed_at, last.changed_at if last else entry.changed_at),
                    is_finished=False,
                )
        if last is not None:
            yield last

    async def _is_left(self, key: str) -> bool:
        """Whether no image is made of the segments of this attempt, for all that one can tell."""
        image_id, _, upload = key.partition("/")
        found = await self._account.tell(
            "HEAD", self._names.image(image_id).path, {"X-Newest": "true"}, expect={200, 404}
        )
        return found.status == 404 or found.header(UPLOAD) not in (upload, None)

    def _image_id(self, name: str) -> str | None:
        try:
            return self._names.image(name).name
        except NoSuchData:
            return None


def _date(answer: Answer) -> datetime:
    try:
        return parsedate_to_datetime(answer.header("Last-Modified") or "").astimezone(UTC)
    except (TypeError, ValueError):
        _log.error("Swift does not tell when an object was changed")
    raise StoreUnavailable()
