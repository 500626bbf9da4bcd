"""The registry in PostgreSQL: statements, each of which makes its change entirely or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
from zope.interface import implementer

from glancetx.change import Change, Keep
from glancetx.errors import BadMetadata, ImageExists, NoSuchImage, StatusConflict, TooManyImages
from glancetx.image import Image, Status
from glancetx.interfaces import IProbed, IRegistry, ISurveyedRegistry
from glancetx.query import ImageQuery
from glancetx.quota import Room
from glancetx.registry.adoption import AdoptionTable
from glancetx.registry.bounds import check_change, check_image, is_text
from glancetx.registry.connection import Row
from glancetx.registry.creation import creations_of
from glancetx.registry.database import Database
from glancetx.registry.listing import page_of
from glancetx.registry.members import MembersTable
from glancetx.registry.overdue import Overdue
from glancetx.registry.reservations import reserve
from glancetx.registry.rows import COLUMNS, to_columns, to_image
from glancetx.registry.slots import PoolUse
from glancetx.registry.survey import SurveyTable

if TYPE_CHECKING:
    from collections.abc import Iterator

# Null when there is no lease.
_AHEAD = "now() + %(lease)s * interval '1 second'"

_FETCH = f"SELECT {COLUMNS} FROM images WHERE id = %s"

_STATUS = "SELECT status FROM images WHERE id = %s"

# A clock may stand still or go back; a record's times do not.
_UPDATED_AT = "greatest(now(), updated_at + interval '1 microsecond')"

_UPDATE = f"""
UPDATE images SET updated_at = {_UPDATED_AT}{{settings}}
WHERE id = %(id)s AND status = ANY(%(expect)s)
RETURNING {COLUMNS}
"""

# A member who is added at this very moment may be left over; nobody is ever shown him.
_UPDATE_TO_DELETED = f"""
WITH deleted AS ({_UPDATE}), former AS (DELETE FROM members USING deleted WHERE image_id = id)
SELECT {COLUMNS} FROM deleted
"""

_RENEW = f"""
UPDATE images SET lease_until = {_AHEAD}, transferred = coalesce(%(transferred)s, transferred)
WHERE id = %(id)s AND status = %(expect)s
RETURNING id
"""


@implementer(IRegistry, ISurveyedRegistry, IProbed)
class PostgresRegistry(MembersTable, SurveyTable, AdoptionTable):
    """Records in the tables of `glancetx.registry.schema`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._overdue = Overdue(database, database.reactor)

    @property
    def use(self) -> PoolUse:
        """How its connections are used now."""
        return self._database.use

    async def check_ready(self) -> None:
        await self._database.read("SELECT 1")

    async def insert(self, image: Image, lease: float | None = None, quota: int = 0) -> Image:
        check_image(image)
        for statement, arguments in creations_of(image, lease, quota):
            with _refusals():
                rows = await self._database.write(statement, arguments)
            if rows:
                return to_image(rows[0])
        if quota and not await self._database.read(_STATUS, (image.image_id,)):
            raise TooManyImages(quota)
        raise ImageExists(image.image_id)

    async def fetch(self, image_id: str) -> Image:
        return to_image(await self._read_one(_FETCH, image_id))

    async def select(self, query: ImageQuery) -> list[Image]:
        if (page := page_of(query)) is None:
            return []
        return [to_image(row) for row in await self._database.read(*page)]

    async def update(self, image_id: str, change: Change, expect: Collection[Status]) -> Image:
        change.check_moves(expect)
        check_change(change)
        statement, arguments = _update(change)
        arguments |= {"id": image_id, "expect": [status.value for status in expect]}
        rows = await self._change(image_id, statement, arguments)
        return to_image(rows[0])

    async def renew(
        self, image_id: str, expect: Status, lease: float, transferred: int | None = None
    ) -> None:
        arguments = {
            "id": image_id,
            "expect": expect.value,
            "lease": lease,
            "transferred": transferred,
        }
        await self._change(image_id, _RENEW, arguments)

    async def reserve(
        self, image_id: str, room: Room, expect: Status, change: Change | None = None
    ) -> Image:
        settings = ""
        arguments: dict[str, object] = {}
        if change is not None:
            change.check_moves((expect,))
            check_change(change)
            settings, arguments = _settings(change)
            settings = f", updated_at = {_UPDATED_AT}{settings}"
        if not is_text(image_id):
            raise NoSuchImage(image_id)
        with _refusals():
            row = await reserve(self._database, image_id, room, expect, settings, arguments)
        return to_image(row)

    async def take_overdue(
        self, lease: float, limit: int, expect: Collection[Status] = tuple(Status)
    ) -> list[Image]:
        return [to_image(row) for row in await self._overdue.take(lease, limit, expect)]

    async def _change(
        self, image_id: str, statement: str, arguments: Mapping[str, object]
    ) -> list[Row]:
        """The row that the statement changed."""
        if not is_text(image_id):
            raise NoSuchImage(image_id)
        with _refusals():
            rows = await self._database.write(statement, arguments)
        if not rows:
            (status,) = await self._read_one(_STATUS, image_id)
            raise StatusConflict(image_id, Status(status))
        return rows

    async def _read_one(self, statement: str, image_id: str) -> Row:
        if not is_text(image_id):
            raise NoSuchImage(image_id)
        rows = await self._database.read(statement, (image_id,))
        if not rows:
            raise NoSuchImage(image_id)
        return rows[0]


@contextmanager
def _refusals() -> Iterator[None]:
    """What the table refuses is the fault of what it was given."""
    try:
        yield
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        raise BadMetadata("The registry cannot hold this value.") from error


def _update(change: Change) -> tuple[str, dict[str, object]]:
    """A statement that makes the change, and the arguments that it needs for that."""
    settings, arguments = _settings(change)
    statement = _UPDATE_TO_DELETED if change.status is Status.DELETED else _UPDATE
    return statement.format(settings=settings), arguments


def _settings(change: Change) -> tuple[str, dict[str, object]]:
    """What a statement sets to make the change, and the arguments that it needs for that."""
    columns = to_columns(change.values)
    settings = {name: f"%({name})s" for name in columns}
    arguments = dict(columns)
    if change.purge or change.properties:
        arguments |= to_columns({"properties": change.properties})
        settings["properties"] = f"{'' if change.purge else 'properties || '}%(properties)s::jsonb"
    if change.status is not None:
        kept = f"coalesce(deleted_at, {_UPDATED_AT})"
        settings["deleted_at"] = kept if change.status.is_gone else "NULL"
    if not isinstance(change.lease, Keep):
        settings["lease_until"] = "NULL" if change.lease is None else _AHEAD
        arguments["lease"] = change.lease
        if change.status is Status.PENDING_DELETE:
            settings["scrub_after"] = settings["lease_until"]
    if change.lease is None:
        settings["reserved"] = settings["transferred"] = "0"
        settings["scrub_after"] = "NULL"
    return "".join(f", {name} = {value}" for name, value in settings.items()), arguments
