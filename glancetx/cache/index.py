"""
How often and when copies were given, and of which images one is wanted.

Everything here blocks, and is done in one thread.
The files are the truth: what the index knows of copies that are not there does not count, and a
copy that it does not know was never given.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from typing import TypeVar

from attrs import frozen
from twisted.logger import Logger

T = TypeVar("T")

#: Seconds that one process waits for another's statement.
PATIENCE = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS uses (
    image_id TEXT PRIMARY KEY,
    hits INTEGER NOT NULL,
    last_accessed REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id TEXT NOT NULL UNIQUE
);
"""

_log = Logger()


@frozen
class Use:
    """How often a copy was given, and when last, in seconds of the epoch."""

    hits: int
    last_accessed: float


class Index:
    """
    A SQLite file that several processes share.

    One that cannot be read is made anew, and one that fails is opened again the next time.
    Every method may raise `sqlite3.Error`.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # -- uses

    def added(self, image_id: str, now: float) -> None:
        """There is a new copy."""
        self._write("INSERT OR REPLACE INTO uses VALUES (?, 0, ?)", (image_id, now))

    def given(self, image_id: str, now: float) -> None:
        """A copy was given once more."""
        self._write(
            "INSERT INTO uses VALUES (?, 1, ?) ON CONFLICT (image_id) "
            "DO UPDATE SET hits = hits + 1, last_accessed = excluded.last_accessed",
            (image_id, now),
        )

    def removed(self, image_ids: Iterable[str]) -> None:
        """These copies are gone."""
        gone = [(image_id,) for image_id in image_ids]
        self._do(lambda db: db.executemany("DELETE FROM uses WHERE image_id = ?", gone))

    def uses(self) -> dict[str, Use]:
        """All that is known, by image id."""
        rows = self._do(lambda db: db.execute("SELECT * FROM uses").fetchall())
        return {image_id: Use(hits, last_accessed) for image_id, hits, last_accessed in rows}

    def keep_only(self, image_ids: Collection[str]) -> None:
        """Forget what is known of others."""
        self.removed(self.uses().keys() - set(image_ids))

    # -- wishes

    def queue(self, image_id: str) -> None:
        """A copy is wanted."""
        self._write("INSERT OR IGNORE INTO queue (image_id) VALUES (?)", (image_id,))

    def queued(self) -> list[str]:
        """Of which images, the oldest wish first."""
        query = "SELECT image_id FROM queue ORDER BY number"
        return [image_id for (image_id,) in self._do(lambda db: db.execute(query).fetchall())]

    def unqueue(self, image_id: str) -> bool:
        """No copy is wanted any more; whether one was."""
        return self._write("DELETE FROM queue WHERE image_id = ?", (image_id,)) > 0

    def unqueue_all(self) -> int:
        """No copies are wanted any more; how many were."""
        return self._write("DELETE FROM queue", ())

    # -- the connection

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        return self._do(lambda db: db.execute(statement, values).rowcount)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._open_or_remake()
            with self._connection:
                return work(self._connection)
        except sqlite3.Error:
            # The file may have been removed under us, or be full: the next time from the start.
            self.close()
            raise

    def _open_or_remake(self) -> sqlite3.Connection:
        try:
            return self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            _log.error("The index of the cache is made anew: {error}", error=error)
            for suffix in "", "-wal", "-shm":
                with suppress(FileNotFoundError):
                    os.unlink(self._path + suffix)
            return self._open()

    def _open(self) -> sqlite3.Connection:
        # The thread may be another one each time, but there is only one at a time.
        connection = sqlite3.connect(self._path, timeout=PATIENCE, check_same_thread=False)
        try:
            for pragma in "journal_mode = WAL", "synchronous = NORMAL":
                with closing(connection.execute(f"PRAGMA {pragma}")) as cursor:
                    cursor.fetchall()
            with closing(connection.execute("PRAGMA quick_check(1)")) as cursor:
                (verdict,) = cursor.fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection
