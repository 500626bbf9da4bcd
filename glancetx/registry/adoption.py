"""Records that come from elsewhere with their whole past."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg2

from glancetx.errors import BadMetadata
from glancetx.image import Image
from glancetx.member import Member
from glancetx.registry.bounds import check_image, check_member
from glancetx.registry.database import Database, Run
from glancetx.registry.rows import new_row

_INSERT = """
INSERT INTO images ({names}, created_at, updated_at, deleted_at, lease_until)
VALUES (
    {values}, %(created_at)s, %(updated_at)s, %(deleted_at)s,
    CASE WHEN %(is_due)s THEN now() END
)
ON CONFLICT (id) DO NOTHING RETURNING id
"""

_INSERT_MEMBER = """
INSERT INTO members (image_id, member, can_share, created_at, updated_at, image_created_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""


class AdoptionTable:
    """What the registry in PostgreSQL can do besides `glancetx.interfaces.IRegistry`."""

    _database: Database

    async def adopt(self, image: Image, members: Sequence[Member], *, is_due: bool) -> bool:
        """
        Keep a record as it is, its times included, and its members; all of it or nothing.

        With ``is_due`` the janitor takes the image over at once.
        Returns False, and changes nothing, when the id was ever used.

        :raises BadMetadata: when the registry cannot hold it.
        """
        check_image(image)
        for member in members:
            check_member(member.member)
        row = new_row(image)
        statement = _INSERT.format(
            names=", ".join(row), values=", ".join(f"%({name})s" for name in row)
        )
        times = {
            "created_at": image.created_at,
            "updated_at": image.updated_at,
            "deleted_at": image.deleted_at,
        }

        async def work(run: Run) -> bool:
            if not await run(statement, {**row, **times, "is_due": is_due}):
                return False
            for member in members:
                arguments = (
                    image.image_id,
                    member.member,
                    member.can_share,
                    member.created_at,
                    member.updated_at,
                    image.created_at,
                )
                await run(_INSERT_MEMBER, arguments)
            return True

        try:
            return await self._database.transaction(work)
        except (psycopg2.DataError, psycopg2.IntegrityError) as error:
            raise BadMetadata("The registry cannot hold this value.") from error
