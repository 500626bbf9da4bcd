"""New records in PostgreSQL, as many as an owner may have."""

from __future__ import annotations

from glancetx.image import Image
from glancetx.registry.reservations import LOCK
from glancetx.registry.rows import COLUMNS, new_row

# ``lease`` is null when there is no lease.
_INSERT = f"""
INSERT INTO images ({{names}}, created_at, updated_at, deleted_at, lease_until)
SELECT {{values}}, now(), now(),
    CASE WHEN %(is_gone)s THEN now() END, now() + %(lease)s * interval '1 second'
{{condition}}
ON CONFLICT (id) DO NOTHING
RETURNING {COLUMNS}
"""

# Who creates for one owner waits for the others, and then counts in a statement of its own, which
# sees what they have committed.  Both are sent at once, and so are one transaction.
# No more are counted than matter; the first condition is that of an index in 004-reserved.sql.
# Uploads of the owner, who hold another lock, need not wait.
_LOCK = f"""
SELECT {LOCK.format(kind=70891378, owner="%(owner)s::text")};
"""

_WITHIN_QUOTA = """
WHERE %(quota)s > (
    SELECT count(*) FROM (
        SELECT FROM images
        WHERE (status NOT IN ('killed', 'deleted') OR reserved > 0)
            AND status IN ('queued', 'saving', 'active', 'deactivated') AND {owner}
        LIMIT %(quota)s
    ) AS counted
)
"""


def creation_of(image: Image, lease: float | None, quota: int) -> tuple[str, dict[str, object]]:
    """
    The statement, and its arguments, that makes a record and gives its row.

    It gives none when the id was ever used, or when the owner has ``quota`` images, unless that
    is 0.
    """
    row = new_row(image)
    arguments = {**row, "is_gone": image.status.is_gone, "lease": lease, "quota": quota}
    is_owner = "owner IS NULL" if image.owner is None else "owner = %(owner)s"
    statement = _INSERT.format(
        names=", ".join(row),
        values=", ".join(f"%({name})s" for name in row),
        condition=_WITHIN_QUOTA.format(owner=is_owner) if quota else "",
    )
    return (_LOCK + statement if quota else statement), arguments
