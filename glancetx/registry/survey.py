"""All images of the registry, and its chores, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from psycopg2.extras import Json

from glancetx.image import Status
from glancetx.registry.bounds import is_text
from glancetx.registry.connection import Row
from glancetx.registry.database import Database
from glancetx.registry.rows import COLUMNS, to_image
from glancetx.survey import Surveyed, SurveyQuery, Total

_SURVEYED = f"SELECT {COLUMNS}, extract(epoch FROM lease_until - now()) FROM images"

_OF_IDS = f"{_SURVEYED} WHERE id = ANY(%s)"

# What is kept, as `Image.counted` says; no size of a killed or deleted image is.
_TOTALS = """
SELECT status, count(*), coalesce(sum(CASE WHEN status NOT IN ('killed', 'deleted')
    THEN size::numeric * jsonb_array_length(locations) ELSE 0 END), 0)
FROM images GROUP BY status
"""

# A time that is ahead was written before the server's clock was set back; one that somebody writes
# at this moment may be a little later than ours.
_BEGIN = """
INSERT INTO chores (name, tended_at) VALUES (%(name)s, now())
ON CONFLICT (name) DO UPDATE SET tended_at = now()
WHERE chores.tended_at <= now() - %(interval)s * interval '1 second'
    OR chores.tended_at > now() + interval '1 minute'
RETURNING name
"""

_GO_ON = "UPDATE chores SET tended_at = now() WHERE name = %s RETURNING name"


class SurveyTable:
    """The methods of `glancetx.interfaces.ISurveyedRegistry`."""

    _database: Database

    async def survey(self, query: SurveyQuery) -> list[Surveyed]:
        texts = (query.owner, query.name, query.store, query.after)
        if not all(text is None or is_text(text) for text in texts):
            return []
        conditions = " AND ".join(_conditions(query))
        statement = f"{_SURVEYED} WHERE {conditions} ORDER BY id LIMIT %(limit)s"
        return [_surveyed(row) for row in await self._database.read(statement, _arguments(query))]

    async def survey_of(self, image_ids: Collection[str]) -> list[Surveyed]:
        ids = [image_id for image_id in image_ids if is_text(image_id)]
        return [_surveyed(row) for row in await self._database.read(_OF_IDS, (ids,))]

    async def totals(self) -> list[Total]:
        rows = await self._database.read(_TOTALS)
        return [Total(Status(status), int(count), int(size)) for status, count, size in rows]

    async def begin_chore(self, name: str, interval: float) -> bool:
        return bool(await self._database.write(_BEGIN, {"name": name, "interval": interval}))

    async def go_on_with_chore(self, name: str) -> None:
        await self._database.write(_GO_ON, (name,))


def _conditions(query: SurveyQuery) -> Iterator[str]:
    yield "id > %(after)s"
    yield "status = ANY(%(states)s)"
    if query.owner is not None:
        yield "owner = %(owner)s"
    if query.name is not None:
        yield "name = %(name)s"
    if query.store is not None:
        yield "locations @> %(place)s::jsonb"
    if query.changed_since is not None:
        yield "updated_at >= %(changed_since)s"
    if query.changed_before is not None:
        yield "updated_at < %(changed_before)s"
    if query.is_leased:
        yield "lease_until IS NOT NULL"


def _arguments(query: SurveyQuery) -> dict[str, object]:
    return {
        "after": query.after,
        "states": [status.value for status in query.states],
        "owner": query.owner,
        "name": query.name,
        "place": Json([{"store": query.store}]),
        "changed_since": query.changed_since,
        "changed_before": query.changed_before,
        "limit": query.limit,
    }


def _surveyed(row: Row) -> Surveyed:
    *columns, left = row
    return Surveyed(to_image(tuple(columns)), None if left is None else float(left))
