"""The members of images in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from glancetx.errors import NoSuchImage, NoSuchMember, TooManyMembers
from glancetx.member import Member, Shares
from glancetx.registry.bounds import check_member, is_text
from glancetx.registry.connection import Row
from glancetx.registry.database import Database, Run

_IS_THERE = "status NOT IN ('pending_delete', 'deleted')"

_COLUMNS = "image_id, member, can_share, members.created_at, members.updated_at"

_SELECT = f"""
SELECT {_COLUMNS} FROM members JOIN images ON id = image_id
WHERE NOT removed AND {_IS_THERE} AND {{condition}} ORDER BY {{order}}
"""

_MEMBERS = _SELECT.format(condition="image_id = %(image_id)s", order="place")

_MEMBERSHIP = _SELECT.format(
    condition="image_id = %(image_id)s AND member = %(member)s", order="place"
)

_SHARED_WITH = _SELECT.format(
    condition="member = %(member)s AND (%(owner)s::text IS NULL OR owner = %(owner)s)",
    order="image_created_at DESC, image_id DESC",
)

# Whoever writes an image's members waits here for those who do, and for whoever deletes it.
_LOCK = f"SELECT created_at FROM images WHERE id = %(image_id)s AND {_IS_THERE} FOR NO KEY UPDATE"

_COUNT = "SELECT count(*) FROM members WHERE image_id = %(image_id)s AND NOT removed"

_UPDATED_AT = "greatest(now(), members.updated_at + interval '1 microsecond')"

_PUT = f"""
INSERT INTO members (image_id, member, can_share, created_at, updated_at, image_created_at)
SELECT
    %(image_id)s, new.member, coalesce(new.can_share, old.can_share, false),
    now(), now(), %(image_created_at)s
FROM unnest(%(members)s::text[], %(can_share)s::boolean[])
    WITH ORDINALITY AS new (member, can_share, place)
LEFT JOIN members AS old ON old.image_id = %(image_id)s AND old.member = new.member
ORDER BY new.place
ON CONFLICT (image_id, member) DO UPDATE
SET can_share = excluded.can_share, removed = false, updated_at = {_UPDATED_AT}
RETURNING {_COLUMNS}
"""

_REMOVE = f"""
UPDATE members SET removed = true, updated_at = {_UPDATED_AT}
WHERE image_id = %(image_id)s AND NOT removed AND {{condition}}
RETURNING image_id
"""

_REMOVE_OTHERS = _REMOVE.format(condition="member <> ALL(%(members)s::text[])")

_REMOVE_ONE = _REMOVE.format(
    condition=f"""member = %(member)s
AND EXISTS (SELECT FROM images WHERE id = %(image_id)s AND {_IS_THERE})"""
)


class MembersTable:
    """The methods of `glancetx.interfaces.IRegistry` that are about members."""

    _database: Database

    async def members(self, image_id: str) -> list[Member]:
        return await self._select(_MEMBERS, image_id=image_id)

    async def membership(self, image_id: str, member: str) -> Member | None:
        found = await self._select(_MEMBERSHIP, image_id=image_id, member=member)
        return found[0] if found else None

    async def shared_with(self, member: str, owner: str | None = None) -> list[Member]:
        return await self._select(_SHARED_WITH, member=member, owner=owner)

    async def share(
        self, image_id: str, member: str, can_share: bool | None = None, quota: int = -1
    ) -> Member:
        check_member(member)

        async def work(run: Run) -> Member:
            created_at = await _lock(run, image_id)
            if quota >= 0:
                ((count,),) = await run(_COUNT, {"image_id": image_id})
                if count >= quota:
                    raise TooManyMembers(count + 1, quota)
            (row,) = await _put(run, image_id, created_at, {member: can_share})
            return _to_member(row)

        return await self._database.transaction(work)

    async def replace_members(self, image_id: str, members: Shares) -> None:
        for member in members:
            check_member(member)

        async def work(run: Run) -> None:
            created_at = await _lock(run, image_id)
            await run(_REMOVE_OTHERS, {"image_id": image_id, "members": list(members)})
            await _put(run, image_id, created_at, members)

        await self._database.transaction(work)

    async def unshare(self, image_id: str, member: str) -> None:
        arguments = {"image_id": image_id, "member": member}
        if not _are_text(arguments) or not await self._database.write(_REMOVE_ONE, arguments):
            raise NoSuchMember(image_id, member)

    async def _select(self, statement: str, **arguments: str | None) -> list[Member]:
        if not _are_text(arguments):
            return []
        return [_to_member(row) for row in await self._database.read(statement, arguments)]


async def _lock(run: Run, image_id: str) -> datetime:
    """Keep the image as it is until the transaction ends; when it was created."""
    rows = await run(_LOCK, {"image_id": image_id}) if is_text(image_id) else []
    if not rows:
        raise NoSuchImage(image_id)
    created_at: datetime = rows[0][0]
    return created_at


async def _put(run: Run, image_id: str, created_at: datetime, members: Shares) -> list[Row]:
    arguments = {
        "image_id": image_id,
        "image_created_at": created_at,
        "members": list(members),
        "can_share": list(members.values()),
    }
    return await run(_PUT, arguments)


def _to_member(row: Row) -> Member:
    image_id, member, can_share, created_at, updated_at = row
    return Member(
        image_id=image_id,
        member=member,
        can_share=can_share,
        created_at=created_at.astimezone(UTC),
        updated_at=updated_at.astimezone(UTC),
    )


def _are_text(values: Mapping[str, Any]) -> bool:
    return all(value is None or is_text(value) for value in values.values())
