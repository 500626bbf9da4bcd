"""
Leases that have run out, by PostgreSQL's clock; and what becomes of leases when that is set.

A clock that is set forward lets every lease run out, also of those who live and renew theirs.
One that is set back keeps the leases of the dead.
So whoever looks for what is overdue compares PostgreSQL's clock with one that nobody sets, and
when it went wrong meanwhile, all leases begin anew: the living renew them in time.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.image import Status
from glancetx.registry.connection import Row
from glancetx.registry.database import Database
from glancetx.registry.rows import COLUMNS

#: Seconds by which the clocks may differ more than before: an answer may have been slow.
TOLERANCE = 5.0

_AHEAD = "now() + %(lease)s * interval '1 second'"

# Whoever else takes at this moment skips the rows that we have locked.
# The clock is told also when nothing is overdue; nothing is taken when it is not as expected.
# The date of a deletion that has come is over for good, wherever the clock goes from here.
_TAKE = f"""
WITH clock AS (SELECT extract(epoch FROM now())::float8 AS seconds), overdue AS MATERIALIZED (
    SELECT id AS overdue_id, lease_until AS ran_out FROM images
    WHERE lease_until <= now() AND status = ANY(%(expect)s)
        AND (SELECT seconds BETWEEN %(earliest)s AND %(latest)s FROM clock)
    ORDER BY lease_until, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE images SET lease_until = {_AHEAD}, scrub_after = '-infinity'
    FROM overdue WHERE id = overdue_id
    RETURNING {COLUMNS}, ran_out
)
SELECT seconds, {COLUMNS} FROM clock LEFT JOIN taken ON true ORDER BY ran_out, id
"""

# The date on which the bytes of a deleted image go stays as far away as it was on its deletion; one
# that does not say is its lease.
_DATE = """
CASE WHEN status = 'pending_delete'
    THEN coalesce(scrub_after, lease_until) - greatest(deleted_at - now(), interval '0') END
"""

_BEGIN_ANEW = f"""
UPDATE images SET
    lease_until = greatest({_AHEAD}, {_DATE}),
    scrub_after = {_DATE},
    deleted_at = CASE WHEN deleted_at > now() THEN now() ELSE deleted_at END
WHERE %(is_set)s AND lease_until <= now() OR lease_until > greatest({_AHEAD}, {_DATE})
"""

_log = Logger()


class Overdue:
    """Hands on what nobody answers for any more; ``clock`` is one that is never set."""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock
        #: By how many seconds PostgreSQL's clock is ahead of ours, once that is known.
        self._ahead: float | None = None

    async def take(self, lease: float, limit: int, expect: Collection[Status]) -> list[Row]:
        """
        The rows whose lease had run out, which now have one of ``lease`` seconds.

        There are none, and all leases begin anew, when the clock has been set since the last time.
        The first time nobody knows; then only leases begin anew that nobody can have given.
        """
        arguments: dict[str, Any] = {
            "lease": lease,
            "limit": limit,
            "expect": [status.value for status in expect],
            "earliest": float("-inf"),
            "latest": float("inf"),
        }
        asked_at = self._clock.seconds()
        if self._ahead is not None:
            expected = asked_at + self._ahead
            arguments |= {"earliest": expected - TOLERANCE, "latest": expected + TOLERANCE}
        rows = await self._database.write(_TAKE, arguments)
        took, seconds = self._clock.seconds() - asked_at, rows[0][0]
        # One that is late may only have waited, for a server that restarts.
        is_set = not arguments["earliest"] <= seconds <= arguments["latest"] + took
        if is_set:
            _log.warn("PostgreSQL's clock has been set: all leases begin anew")
        if is_set or self._ahead is None:
            await self._database.write(_BEGIN_ANEW, {**arguments, "is_set": is_set})
        if is_set or self._ahead is None or took < TOLERANCE / 2:
            self._ahead = seconds - asked_at - took
        return [tuple(row[1:]) for row in rows if row[1] is not None]
