"""An observer who sees every row and every file, and knows what must never be."""

from __future__ import annotations

import os
import stat
import threading
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg2
import psycopg2.extensions
from attrs import define, field, frozen

from glancetx.image import MOVES, Status
from glancetx.stores.file_tree import PARTIALS, digits_of
from tests.load.model import Model

#: Seconds between two looks.
OFTEN = 0.05

#: Seconds for the server to take a connection.
PATIENCE = 30

#: What the driver says of a server that has gone; the first also of much else.
_GONE = (psycopg2.DatabaseError, psycopg2.InterfaceError)

#: Every move of every image is written down by the server itself.
_WRITE_DOWN = """
CREATE TABLE moves (number serial, id text, old text, new text, is_other boolean);
CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moves (id, old, new, is_other) VALUES (
        NEW.id, OLD.status, NEW.status,
        OLD.status IN ('active', 'deactivated', 'pending_delete', 'deleted') AND
        (OLD.size, OLD.checksum, OLD.digests) IS DISTINCT FROM (NEW.size, NEW.checksum, NEW.digests)
    );
    RETURN NEW;
END $$;
CREATE TRIGGER moves AFTER UPDATE ON images FOR EACH ROW
WHEN (OLD.status <> NEW.status OR OLD.digests <> NEW.digests OR OLD.size <> NEW.size)
EXECUTE FUNCTION write_down()
"""

_ROWS = """
SELECT id, status, owner, size, checksum, reserved, locations, properties, status_reason,
    lease_until IS NOT NULL, extract(epoch FROM clock_timestamp() - lease_until)
FROM images
"""

#: Who has been dead and forgotten for long is no longer looked at each time.
_LIVELY_ROWS = f"""{_ROWS}
WHERE status NOT IN ('killed', 'deleted') OR lease_until IS NOT NULL OR reserved > 0
    OR updated_at > now() - interval '10 seconds'
"""


@frozen
class Row:
    """A record as it lies in the database; ``overdue`` is seconds, or None without a lease."""

    image_id: str
    status: str
    owner: str
    size: int
    checksum: str | None
    reserved: int
    locations: list[dict[str, str]]
    properties: dict[str, str]
    reason: str | None
    is_leased: bool
    overdue: Any

    @property
    def counted(self) -> int:
        is_kept = self.status not in ("killed", "deleted")
        return self.reserved + (self.size * len(self.locations) if is_kept else 0)

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody has anything left to do for it."""
        return not (self.is_leased or self.reserved) and self.status not in (
            "saving",
            "pending_delete",
        )


@define
class Watch:
    """Looks often; every fault goes to the model."""

    dsn: str
    images: Path
    quota: int
    model: Model
    #: Seconds for which a look may keep the database busy before that is the machine's trouble.
    stall: float
    #: Seconds for which something may be overdue before somebody comes for it.
    slack: float = 15
    #: Whether the server goes away now and then, and is to be waited for.
    is_patient: bool = False
    looks: int = field(default=0, init=False)
    fullest: int = field(default=0, init=False)
    _forgiving: float = field(default=0.0, init=False)
    _over: threading.Event = field(factory=threading.Event, init=False)
    _thread: Any = field(default=None, init=False)

    def begin(self) -> None:
        """Write down all moves from now on, and look until `end`."""
        self.ask(_WRITE_DOWN)
        self.ask("CREATE TABLE pulse AS SELECT 0 AS beats")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def forgive(self, seconds: float) -> None:
        """For so many seconds what is overdue may only seem so."""
        self._forgiving = max(self._forgiving, monotonic() + seconds)

    def end(self) -> None:
        """Look no more; blocks for a moment."""
        self._over.set()
        self._thread.join()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of one statement, on a connection of its own."""
        while True:
            try:
                connection = self._connect()
                try:
                    return _rows(connection, statement)
                finally:
                    connection.close()
            except _GONE as error:
                self._forgive_being_gone(error)
                sleep(OFTEN)

    def rows(self) -> list[Row]:
        """Every record."""
        return [Row(*row) for row in self.ask(_ROWS)]

    def moves(self) -> set[tuple[str, str]]:
        """The kinds of moves that were seen, and faults for those that are illegal."""
        seen = set()
        for image_id, old, new, is_other in self.ask("SELECT id, old, new, is_other FROM moves"):
            if is_other:
                self.model.fault(f"{image_id} changed its bytes: {old} -> {new}")
            if old == new:
                continue
            seen.add((old, new))
            if Status(new) not in MOVES[Status(old)]:
                self.model.fault(f"{image_id} made an illegal move: {old} -> {new}")
        return seen

    def files(self) -> dict[str, os.stat_result]:
        """Every file below the store's root, partial ones included, by its path from there."""
        files = {}
        for path in self.images.rglob("*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                files[str(path.relative_to(self.images))] = status
        return files

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    self._watch()
                except _GONE as error:
                    self._forgive_being_gone(error)
                    self._over.wait(OFTEN)
        except Exception as error:  # noqa: BLE001 - it must be seen where faults are
            self.model.fault(f"the watch failed: {error!r}")

    def _forgive_being_gone(self, error: psycopg2.Error) -> None:
        if not self.is_patient or isinstance(error, psycopg2.ProgrammingError):
            raise error

    def _watch(self) -> None:
        """Look until it is over, or the server is gone."""
        connection = self._connect()
        try:
            while not self._over.wait(OFTEN):
                self._feel_pulse(connection)
                self._look(connection)
        finally:
            connection.close()

    def _connect(self) -> Any:
        connection = psycopg2.connect(self.dsn, connect_timeout=PATIENCE)
        connection.autocommit = True
        return connection

    def _feel_pulse(self, connection: Any) -> None:
        """A machine whose disk stands still for so long that leases run out is disturbed too."""
        began = monotonic()
        _rows(connection, "UPDATE pulse SET beats = beats + 1")
        if monotonic() - began > self.stall:
            self.model.counts["the disk stood still"] += 1
            self.model.stood_still(began, later=3 * self.stall)

    def _look(self, connection: Any) -> None:
        self.looks += 1
        rows = [Row(*row) for row in _rows(connection, _LIVELY_ROWS)]
        used: dict[str, int] = defaultdict(int)
        for row in rows:
            used[row.owner] += row.counted
            if row.status == "saving" and not row.is_leased:
                self.model.fault(f"{row.image_id} is saving without a lease")
            is_late = row.is_leased and row.overdue > self.slack and monotonic() > self._forgiving
            if is_late:
                self.model.fault(f"{row.image_id} is {row.status} and overdue: {row.overdue} s")
        self._check(used, "counted")
        if self.looks % 5 == 0:
            self._look_at_files(rows)

    def _look_at_files(self, rows: list[Row]) -> None:
        # What is there both times was there together at the moment between.
        first, second = self.files(), self.files()
        owners = {digits_of(row.image_id): row.owner for row in rows}
        self._check_dead(rows, first)
        # A file has two names for a moment when it is complete.
        sizes = {
            (owners.get(_digits_in(path)), first[path].st_ino): first[path].st_size
            for path in first.keys() & second.keys()
        }
        lying: dict[str, int] = defaultdict(int)
        for (owner, _), size in sizes.items():
            if owner is not None:
                lying[owner] += size
        self._check(lying, "on disk")

    def _check_dead(self, rows: list[Row], files: Collection[str]) -> None:
        """Of images that are dead and forgotten there is no file, unless its writer sleeps."""
        if self.model.was_disturbed(monotonic()):
            return
        dead = {
            digits_of(row.image_id): row
            for row in rows
            if row.is_at_rest and row.status in ("killed", "deleted")
        }
        for path in files:
            if row := dead.get(_digits_in(path)):
                self.model.fault(f"{row.image_id} is {row.status} and has {path}: {row.reason}")

    def _check(self, used: dict[str, int], where: str) -> None:
        for owner, size in used.items():
            self.fullest = max(self.fullest, size)
            if size > self.quota:
                self.model.fault(f"{owner} has {size} bytes {where}, and may have {self.quota}")


def _rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _digits_in(path: str) -> str:
    """What stands for the image in the path of a whole or of a partial file."""
    name = path.rpartition("/")[2]
    return name.partition(".")[0] if path.startswith(PARTIALS) else digits_of(name)
