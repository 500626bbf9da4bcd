"""
Glance's database, read through SQLAlchemy, which knows all that Glance may run on.

Everything here blocks, and changes nothing.
What the schema of one release has and that of another lacks is found by looking: columns came over
the years, and those that matter never changed their meaning.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from attrs import fields, frozen
from sqlalchemy import BigInteger, Boolean, DateTime, Select, String, column, select, table
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from glancetx.glance_import.records import GlanceImage, GlanceMember

#: Images that are read at a time.
PAGE = 500

_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("created_at", "updated_at", "deleted_at"), DateTime()),
    **dict.fromkeys(("deleted", "protected", "is_public", "can_share"), Boolean()),
    **dict.fromkeys(("size", "virtual_size", "min_disk", "min_ram"), BigInteger()),
}

_CHILDREN = ("image_properties", "image_locations", "image_members", "image_tags")

#: Those that we bring.
_DRIVERS = {
    **dict.fromkeys(("mysql", "mariadb"), "mysql+pymysql"),
    **dict.fromkeys(("postgresql", "postgres"), "postgresql+psycopg2"),
}


class SourceError(Exception):
    """The database cannot be read; the text says why, and shows no password."""


def database_url(text: str) -> URL:
    """
    The URL of the database, given as such or by the path of a ``glance-api.conf``.

    :raises SourceError: when it is neither.
    """
    if "://" not in text:
        text = _connection_in(Path(text))
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        raise SourceError(
            "the database must be written as mysql://USER:PASSWORD@HOST/glance, postgresql://… "
            "or sqlite:////PATH"
        ) from None
    if url.drivername == "sqlite" and not (url.database and Path(url.database).is_file()):
        # SQLite would make one.
        raise SourceError(f"there is no database {url.database}")
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _connection_in(path: Path) -> str:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read_string(path.read_text("utf-8"))
        return str(parser["database"]["connection"])
    except (OSError, UnicodeError, configparser.Error, KeyError):
        raise SourceError(
            f"{path} is no configuration of Glance that has a connection in [database]"
        ) from None


@contextmanager
def opened(url: URL) -> Iterator[GlanceDatabase]:
    """
    The database at a URL as it is at one moment, in a transaction that only reads.

    :raises SourceError: when it cannot be reached, or is not Glance's.
    """
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"}
    if url.get_backend_name() == "sqlite":
        # Which thread reads is no matter, as long as only one does.
        options = {"connect_args": {"check_same_thread": False}}
    try:
        engine = sqlalchemy.create_engine(url, poolclass=NullPool, **options)
    except ImportError as error:
        raise SourceError(f"the driver for {url.drivername} is missing: {error}") from None
    except SQLAlchemyError as error:
        raise SourceError(f"{url.drivername} is no kind of database: {error}") from None
    with _as_ours(), engine.connect() as connection:
        yield GlanceDatabase(connection, _columns(connection))


@frozen
class GlanceDatabase:
    """An open database; ``columns`` are what its tables have."""

    _connection: Connection
    _columns: Mapping[str, frozenset[str]]

    def page(self, after: str = "") -> list[GlanceImage]:
        """
        The next images in the order of their ids, none when there are no more.

        :raises SourceError: when the database fails.
        """
        with _as_ours():
            images = self._select("images", frozenset(each.name for each in fields(GlanceImage)))
            rows = self._rows(images.where(column("id") > after).order_by("id").limit(PAGE))
            ids = [row["id"] for row in rows]
            parts: dict[str, dict[str, list[dict[str, Any]]]] = {
                name: self._children(name, ids) for name in _CHILDREN
            }
        return [
            _image(row, {name: parts[name].get(row["id"], []) for name in parts}) for row in rows
        ]

    def _children(self, name: str, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The rows of a table that belong to these images and are not deleted."""
        found: dict[str, list[dict[str, Any]]] = {}
        if not ids or name not in self._columns:
            return found
        rows = self._select(name).where(column("image_id").in_(ids)).order_by("id")
        for row in self._rows(rows):
            if not row["deleted"]:
                found.setdefault(row["image_id"], []).append(row)
        return found

    def _select(self, name: str, wanted: frozenset[str] | None = None) -> Select[Any]:
        names = sorted(self._columns[name] if wanted is None else self._columns[name] & wanted)
        columns = [column(each, _TYPES.get(each, String())) for each in names]
        return select(*columns).select_from(table(name))

    def _rows(self, statement: Select[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(statement).mappings()]


def _image(row: dict[str, Any], parts: Mapping[str, list[dict[str, Any]]]) -> GlanceImage:
    members = [
        GlanceMember(each["member"], each["can_share"], each["created_at"], each["updated_at"])
        for each in parts["image_members"]
    ]
    return GlanceImage(
        **row,
        properties={each["name"]: each["value"] for each in parts["image_properties"]},
        locations=[
            each["value"]
            for each in parts["image_locations"]
            if each.get("status", "active") in ("active", "pending_delete")
        ],
        members=members,
        tags=len(parts["image_tags"]),
    )


def _columns(connection: Connection) -> dict[str, frozenset[str]]:
    inspector = sqlalchemy.inspect(connection)
    found = {
        name: frozenset(each["name"] for each in inspector.get_columns(name))
        for name in ("images", *_CHILDREN)
        if inspector.has_table(name)
    }
    if not {"images", "image_properties", "image_locations", "image_members"} <= found.keys():
        raise SourceError("this is no database of Glance, or one of a release before Havana")
    return found


@contextmanager
def _as_ours() -> Iterator[None]:
    """What the driver says, without the statement and its parameters."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or type(error).__name__)
        raise SourceError(f"the database cannot be read: {' '.join(said.split())}") from None
