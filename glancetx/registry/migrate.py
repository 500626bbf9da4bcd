"""
Brings a database to the schema that this code needs.

The schema is a row of numbered files, ``001-images.sql``, each applied once, in a transaction.
The first line of each names its phase: ``-- phase: expand`` adds what old code does not mind,
``migrate`` moves data, ``contract`` takes away what only old code needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from attrs import frozen
from twisted.logger import Logger

from glancetx.registry.database import Database, Run

log = Logger()

#: Seconds for one file, and for another daemon that is at it.
PATIENCE = 3600.0

# Any number will do that no other program locks in the same database.
_LOCK = "SELECT pg_advisory_xact_lock(7089137602)"

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    number integer PRIMARY KEY,
    name text NOT NULL,
    phase text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

_APPLIED = "SELECT number, name, sha256 FROM schema_version ORDER BY number"

_IS_THERE = "SELECT to_regclass('schema_version') IS NOT NULL"

_RECORD = "INSERT INTO schema_version (number, name, phase, sha256) VALUES (%s, %s, %s, %s)"

_FILE_NAME = re.compile(r"(\d{3})-[a-z0-9-]+\.sql")
_HEADER = re.compile(r"-- phase: (expand|migrate|contract)\n")


class SchemaMismatch(Exception):
    """The database is not one that this code knows how to bring up to date."""


@frozen
class Step:
    """One file of the schema."""

    number: int
    name: str
    phase: str
    statements: str

    @property
    def sha256(self) -> str:
        return sha256(self.statements.encode()).hexdigest()


def read_step(name: str, text: str) -> Step:
    """
    :raises ValueError: when the name has no number or the text no phase.
    """
    number, header = _FILE_NAME.fullmatch(name), _HEADER.match(text)
    if number is None:
        raise ValueError(f"{name} is not named like 001-images.sql")
    if header is None:
        raise ValueError(f"{name} does not begin with '-- phase: expand', migrate or contract")
    return Step(int(number[1]), name, header[1], text)


def schema() -> list[Step]:
    """The steps that come with this code, in order."""
    folder = files("glancetx.registry") / "schema"
    return sorted(
        (
            read_step(file.name, file.read_text("utf-8"))
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda step: step.number,
    )


async def migrate(database: Database, steps: Sequence[Step] | None = None) -> list[str]:
    """
    Apply what is missing, and return the names of these files.

    Several daemons may do this at the same time: each file is applied by one of them.

    :raises SchemaMismatch: when the database is newer than this code, or was made otherwise.
    :raises RegistryUnavailable: when the database cannot be reached.
    """
    wanted = schema() if steps is None else steps
    applied: list[str] = []

    async def apply_next(run: Run) -> Step | None:
        await run("SET LOCAL statement_timeout = 0")
        await run(_LOCK)
        await run(_TABLE)
        step = _next(wanted, await run(_APPLIED))
        if step is not None:
            await run(step.statements)
            await run(_RECORD, (step.number, step.name, step.phase, step.sha256))
        return step

    while step := await database.transaction(apply_next, PATIENCE):
        log.info(
            "The registry's schema is now at {name} ({phase})", name=step.name, phase=step.phase
        )
        applied.append(step.name)
    return applied


async def pending(database: Database, steps: Sequence[Step] | None = None) -> list[Step]:
    """
    The steps that are missing, in order; nothing is changed.

    :raises SchemaMismatch: as `migrate`.
    :raises RegistryUnavailable: when the database cannot be reached.
    """
    wanted = list(schema() if steps is None else steps)
    ((is_there,),) = await database.read(_IS_THERE)
    applied = await database.read(_APPLIED) if is_there else []
    _next(wanted, applied)
    done = {number for number, _, _ in applied}
    return [step for step in wanted if step.number not in done]


async def version(database: Database) -> str | None:
    """
    The name of the last step that was applied, or None for an empty database.

    :raises RegistryUnavailable: when the database cannot be reached.
    """
    ((is_there,),) = await database.read(_IS_THERE)
    applied = await database.read(_APPLIED) if is_there else []
    return applied[-1][1] if applied else None


def _next(wanted: Sequence[Step], applied: Sequence[tuple[int, str, str]]) -> Step | None:
    """The first step that is not applied, after a look at those that are."""
    known = {step.number: step for step in wanted}
    for number, name, digest in applied:
        if number not in known:
            raise SchemaMismatch(
                f"The registry's database was brought to {name} by a newer version of glancetx"
            )
        if known[number].sha256 != digest:
            raise SchemaMismatch(
                f"The registry's database was made with another {name} than this glancetx has"
            )
    done = {number for number, _, _ in applied}
    return next((step for step in wanted if step.number not in done), None)
