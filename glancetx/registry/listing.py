"""A page of images as one statement (contract §5)."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2.extras import Json

from glancetx.query import UNLISTED, Filters, ImageQuery, Order
from glancetx.registry.bounds import LARGEST, is_text
from glancetx.registry.rows import COLUMNS

# The conditions of the indexes in 002-listing.sql, word for word.
_LISTED = "status IN ('queued', 'saving', 'active', 'deactivated')"
_PUBLIC = "visibility = 'public'"
# As a list it can be looked for in an index, which "<>" cannot.
_NOT_PUBLIC = "visibility IN ('shared', 'private', 'community')"
_OWN = f"{_NOT_PUBLIC} AND owner = %(owner)s"
# Nobody is a member of an image that is deleted, and his own are listed already.
_SHARED = (
    "visibility = 'shared' AND owner IS DISTINCT FROM %(owner)s "
    "AND status NOT IN ('pending_delete', 'deleted')"
)

_IMAGES = "images"
_MEMBERS = """(
    SELECT image_id AS shared_id, image_created_at AS shared_at FROM members
    WHERE member = %(owner)s AND NOT removed
) AS shares JOIN images ON id = shared_id"""

#: Attributes that may be null, and have another name as columns.
_NULLABLE = frozenset({"name", "container_format", "disk_format"})
_RENAMED = {"image_id": "id"}

#: The copy of an image's place in the newest order that members have, and an index is in order of.
_SHARED_COLUMNS = {"created_at": "shared_at", "id": "shared_id"}


def page_of(query: ImageQuery) -> tuple[str, dict[str, object]] | None:
    """
    The statement for a page and its arguments, or None when nothing could be on it.

    Each list of `_sources` has an index that is in the newest order.
    Several of them make as many short lists that are merged, for no index serves an OR.
    """
    if not query.limit or _is_impossible(query.filters):
        return None
    order = _Ordering(query.order)
    lists = [
        f"(SELECT {COLUMNS} FROM {table} WHERE "
        + " AND ".join(
            [*_filters(query.filters), *conditions, *order.after(query, table is _MEMBERS)]
        )
        + f" ORDER BY {order.text(table is _MEMBERS)} LIMIT %(limit)s)"
        for table, *conditions in _sources(query)
    ]
    if not lists:
        return None
    statement = lists[0]
    if len(lists) > 1:
        union = " UNION ALL ".join(lists)
        statement = (
            f"SELECT {COLUMNS} FROM ({union}) AS page ORDER BY {order.text()} LIMIT %(limit)s"
        )
    return statement, _arguments(query)


def _sources(query: ImageQuery) -> Iterator[tuple[str, ...]]:
    """What to list: tables, each with conditions, that have no image in common."""
    if query.everything:
        narrowed = {None: (), True: (_PUBLIC,), False: (_NOT_PUBLIC,)}[query.public]
        yield _IMAGES, *narrowed
        return
    if query.public is not False:
        yield _IMAGES, _PUBLIC
    if query.public is not True and query.owner is not None:
        yield _IMAGES, _OWN
        yield _MEMBERS, _SHARED


class _Ordering:
    """An order, as SQL."""

    def __init__(self, order: Order) -> None:
        self._columns = [_RENAMED.get(key, key) for key in order.keys]
        self._is_newest = order.key == "created_at"
        self._ascending = order.ascending

    def text(self, shared: bool = False) -> str:
        """What follows ORDER BY."""
        direction = "ASC" if self._ascending else "DESC"
        return ", ".join(f"{key} {direction}" for key in self._keys(shared))

    def after(self, query: ImageQuery, shared: bool = False) -> list[str]:
        """The condition that an image comes after the marker, if there is one."""
        if query.after is None:
            return []
        keys = self._keys(shared)
        places = ", ".join(f"%(after_{n})s" for n in range(len(keys)))
        return [f"({', '.join(keys)}) {'>' if self._ascending else '<'} ({places})"]

    def _keys(self, shared: bool) -> list[str]:
        if shared and self._is_newest:
            return [_SHARED_COLUMNS[column] for column in self._columns]
        return [
            f"coalesce({column}, '')" if column in _NULLABLE else column for column in self._columns
        ]


def _filters(filters: Filters) -> Iterator[str]:
    yield _LISTED if filters.changes_since is None else "updated_at > %(changes_since)s"
    for name in filters.equal:
        yield f"{name} = %(equal_{name})s"
    if filters.size_min is not None:
        yield "size >= %(size_min)s"
    if filters.size_max is not None:
        yield "size <= %(size_max)s"
    if filters.properties:
        yield "properties @> %(properties)s::jsonb"
        yield "status NOT IN ('pending_delete', 'deleted')"


def _arguments(query: ImageQuery) -> dict[str, object]:
    filters, largest = query.filters, LARGEST["size"]
    arguments: dict[str, object] = {"owner": query.owner, "limit": query.limit}
    arguments |= {f"equal_{name}": value for name, value in filters.equal.items()}
    if filters.size_min is not None:
        arguments["size_min"] = max(0, filters.size_min)
    if filters.size_max is not None:
        arguments["size_max"] = min(largest, filters.size_max)
    if filters.properties:
        arguments["properties"] = Json(dict(filters.properties))
    if filters.changes_since is not None:
        arguments["changes_since"] = filters.changes_since
    if query.after is not None:
        place = query.order.place(query.after)
        arguments |= {f"after_{n}": value for n, value in enumerate(place)}
    return arguments


def _is_impossible(filters: Filters) -> bool:
    """Whether it asks for what no record can hold, and what the database would not take."""
    texts = [*filters.properties, *filters.properties.values()]
    texts += [value for value in filters.equal.values() if isinstance(value, str)]
    numbers = [(name, value) for name, value in filters.equal.items() if name in LARGEST]
    return (
        not all(map(is_text, texts))
        or (filters.changes_since is None and filters.equal.get("status") in UNLISTED)
        or any(not 0 <= int(value) <= LARGEST[name] for name, value in numbers)
        or (filters.size_min is not None and filters.size_min > LARGEST["size"])
        or (filters.size_max is not None and filters.size_max < 0)
    )
