"""
Databases of Glance, as its releases leave them, for SQLite and PostgreSQL alike.

Only what a reader of images can notice is here, in our own words: tables, columns, and types.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from attrs import define
from sqlalchemy import text

IMAGES = """
CREATE TABLE images (
    id VARCHAR(36) PRIMARY KEY, name VARCHAR(255), size BIGINT, status VARCHAR(30) NOT NULL,
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP, deleted_at TIMESTAMP,
    deleted BOOLEAN NOT NULL, disk_format VARCHAR(20), container_format VARCHAR(20),
    checksum VARCHAR(32), owner VARCHAR(255), min_disk INTEGER NOT NULL, min_ram INTEGER NOT NULL,
    protected BOOLEAN NOT NULL, virtual_size BIGINT {more}
)
"""

CHILD = """
CREATE TABLE {name} (
    id INTEGER PRIMARY KEY, image_id VARCHAR(36) NOT NULL REFERENCES images (id),
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP, deleted_at TIMESTAMP,
    deleted BOOLEAN NOT NULL, {more}
)
"""

CHILDREN = {
    "image_properties": "name VARCHAR(255) NOT NULL, value TEXT",
    "image_locations": "value TEXT NOT NULL, meta_data TEXT, status VARCHAR(30) NOT NULL",
    "image_members": "member VARCHAR(255) NOT NULL, can_share BOOLEAN NOT NULL, "
    "status VARCHAR(20) NOT NULL",
    "image_tags": "value VARCHAR(255) NOT NULL",
}

#: What `images` has besides, by release.
RELEASES = {
    "juno": ", is_public BOOLEAN NOT NULL",
    "pike": ", visibility VARCHAR(9) NOT NULL",
    "today": ", visibility VARCHAR(9) NOT NULL, os_hidden BOOLEAN NOT NULL DEFAULT false, "
    "os_hash_algo VARCHAR(64), os_hash_value VARCHAR(128)",
}

CREATED, UPDATED, DELETED = "2016-05-04 03:02:01", "2017-06-05 04:03:02.5", "2018-07-06 05:04:03"


@define
class Glance:
    """A database that a test fills."""

    url: str
    _engine: Any
    _next: int = 0

    @classmethod
    def make(cls, url: str, release: str) -> Glance:
        """An empty one, of a release."""
        glance = cls(url, sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool))
        glance.run(IMAGES.format(more=RELEASES[release]))
        for name, more in CHILDREN.items():
            glance.run(CHILD.format(name=name, more=more))
        return glance

    def run(self, statement: str, **values: Any) -> None:
        """Run one statement."""
        with self._engine.begin() as connection:
            connection.execute(text(statement), values)

    def image(self, image_id: str, /, **values: Any) -> str:
        """An image, active unless otherwise said."""
        row = {
            "id": image_id,
            "status": "active",
            "created_at": CREATED,
            "updated_at": UPDATED,
            "deleted": False,
            "disk_format": "qcow2",
            "container_format": "bare",
            "min_disk": 0,
            "min_ram": 0,
            "protected": False,
            **values,
        }
        self._insert("images", row)
        return image_id

    def child(self, table: str, image_id: str, /, **values: Any) -> None:
        """A row of another table that belongs to an image."""
        self._next += 1
        row = {
            "id": self._next,
            "image_id": image_id,
            "created_at": CREATED,
            "updated_at": UPDATED,
            "deleted": False,
            **values,
        }
        self._insert(table, row)

    def location(self, image_id: str, url: str, /, **values: Any) -> None:
        """Where an image's bytes are."""
        values = {"status": "active", **values}
        self.child("image_locations", image_id, value=url, meta_data="{}", **values)

    def member(self, image_id: str, member: str, *, can_share: bool = False, **values: Any) -> None:
        """With whom an image is shared."""
        values = {"status": "pending", **values}
        self.child("image_members", image_id, member=member, can_share=can_share, **values)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", **row)
