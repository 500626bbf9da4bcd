"""New records in PostgreSQL, as many as an owner may have."""

from __future__ import annotations

from collections.abc import Iterator

from glancetx.image import Image
from glancetx.registry.reservations import LOCK_OF
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

# What is counted, and no more of it than matters.
# The first condition is that of an index in 004-reserved.sql.
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

# Sent before the insertion and with it, which makes one transaction of both; the insertion counts
# in a snapshot of its own, and so sees what those it has waited for have committed.
# The number is any that no other program locks in the same database, nor do reservations.
_LOCK = f"""
SELECT pg_advisory_xact_lock{{shared}}({LOCK_OF.format(kind=70891378, owner="%(owner)s::text")});
"""

#: More than there are transactions at the same time.
CROWD = 1000


def creations_of(
    image: Image, lease: float | None, quota: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """
    Statements, each with its arguments, that make a record and give its row; the first that does.

    None does when the id was ever used, or when the owner has ``quota`` images, unless that is 0.

    Far from the quota those who make images for one owner need not wait for each other: they are
    fewer than a crowd, and none of them begins when there is not room for a whole crowd.
    Near to it one makes its image after the other, when all of those are through.
    """
    row = new_row(image)
    is_owner = "owner IS NULL" if image.owner is None else "owner = %(owner)s"

    def creation(lock: str, condition: str, most: int) -> tuple[str, dict[str, object]]:
        statement = _INSERT.format(
            names=", ".join(row),
            values=", ".join(f"%({name})s" for name in row),
            condition=condition.format(owner=is_owner),
        )
        gone = image.status.is_gone
        return lock + statement, {**row, "is_gone": gone, "lease": lease, "quota": most}

    if not quota:
        yield creation("", "", 0)
        return
    if quota > 2 * CROWD:
        yield creation(_LOCK.format(shared="_shared"), _WITHIN_QUOTA, quota - CROWD)
    yield creation(_LOCK.format(shared=""), _WITHIN_QUOTA, quota)
