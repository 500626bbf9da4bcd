"""Reservations of an owner's quota in PostgreSQL, made one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from glancetx.errors import NoSuchImage, StatusConflict
from glancetx.image import Status
from glancetx.quota import Room
from glancetx.registry.connection import Row
from glancetx.registry.database import Database, Run
from glancetx.registry.rows import COLUMNS

#: What an advisory lock of one owner is known by; ``kind`` is a number of its purpose.
LOCK_OF = "{kind}, hashtext(CASE WHEN {owner} IS NULL THEN '' ELSE 'owner ' || {owner} END)"

# Whoever holds the row keeps its owner and state as they are, and then waits for the others of this
# owner.  Who holds an owner's lock has his row already, so nobody waits in a circle.
_LOCK = f"""
WITH held AS MATERIALIZED (
    SELECT owner, status FROM images WHERE id = %(id)s FOR NO KEY UPDATE
)
SELECT owner, status, pg_advisory_xact_lock({LOCK_OF.format(kind=70891377, owner="owner")})
FROM held
"""

# A statement of its own, for it must see what the one before us has committed.
# `Image.counted`, with the condition of the index in 004-reserved.sql, word for word.
_USED = """
SELECT coalesce(sum(reserved + CASE WHEN status NOT IN ('killed', 'deleted')
    THEN size::numeric * jsonb_array_length(locations) ELSE 0 END), 0)
FROM images
WHERE (status NOT IN ('killed', 'deleted') OR reserved > 0)
    AND {owner} AND id <> %(id)s
"""

_RESERVE = f"""
UPDATE images SET reserved = %(reserved)s{{settings}} WHERE id = %(id)s RETURNING {COLUMNS}
"""


async def reserve(
    database: Database,
    image_id: str,
    room: Room,
    expect: Status,
    settings: str,
    arguments: Mapping[str, object],
) -> Row:
    """
    The row with its reservation, and with whatever the settings, ``, name = value``, set besides.

    :raises QuotaExceeded, StatusConflict, NoSuchImage: as `IRegistry.reserve`.
    """

    async def work(run: Run) -> Row:
        held = await run(_LOCK, {"id": image_id})
        if not held:
            raise NoSuchImage(image_id)
        owner, status, _ = held[0]
        if status != expect.value:
            raise StatusConflict(image_id, Status(status))
        [(used,)] = await run(*used_by_others(image_id, owner))
        values = {**arguments, "id": image_id, "reserved": room.granted(int(used))}
        (row,) = await run(_RESERVE.format(settings=settings), values)
        return row

    return await database.transaction(work)


def used_by_others(image_id: str, owner: str | None) -> tuple[str, dict[str, object]]:
    """The statement, and its arguments, that sums up what the owner's other images take."""
    is_owner = "owner IS NULL" if owner is None else "owner = %(owner)s"
    return _USED.format(owner=is_owner), {"id": image_id, "owner": owner}
