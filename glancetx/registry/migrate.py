"""
Brings a database to the schema that this code needs, also while older code works on it.

Each file of `glancetx.registry.steps` is applied once, in a transaction of its own.
`expand` applies those that older code does not mind, and may be done at any time.
`contract` applies the rest, when nobody is left who needs what they take away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen
from twisted.logger import Logger

from glancetx.registry.database import Database, Run
from glancetx.registry.steps import CONTRACT, Step, schema

log = Logger()

#: Seconds for one file, and for another daemon that is at it.
PATIENCE = 3600.0

#: What connections to the database are called; behind it stands the last file that they know.
LABEL = "glancetx schema "

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

_IS_THERE = "SELECT to_regclass('schema_version') IS NOT NULL"

_APPLIED = "SELECT number, name, phase, sha256 FROM schema_version ORDER BY number"

_RECORD = "INSERT INTO schema_version (number, name, phase, sha256) VALUES (%s, %s, %s, %s)"

_CONNECTED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ ('^' || %(label)s || '[0-9]+$')
    AND substr(application_name, length(%(label)s) + 1)::integer < %(number)s
"""

#: A row of `_APPLIED`.
_Applied = tuple[int, str, str, str]


class SchemaMismatch(Exception):
    """The database is not one that this code can bring up to date; the text says why."""


class OlderCode(SchemaMismatch):
    """What is to be taken away is still needed by daemons that are connected."""


@frozen
class Plan:
    """
    Where a database stands, and what is missing.

    ``number`` and ``name`` are those of the last file that was applied, 0 and None when there is
    none.
    ``foreign`` are names of files that newer code has applied, and which ours does not mind.
    """

    number: int
    name: str | None
    expand: tuple[Step, ...]
    contract: tuple[Step, ...]
    foreign: tuple[str, ...]


def label() -> str:
    """What our connections are called, so that others know what we need of the schema."""
    return f"{LABEL}{schema()[-1].number}"


async def plan(database: Database, steps: Sequence[Step] | None = None) -> Plan:
    """
    What `migrate` would do; changes nothing.

    :raises SchemaMismatch: as `migrate`.
    :raises RegistryUnavailable: when the database cannot be reached.
    """
    ((is_there,),) = await database.read(_IS_THERE)
    applied = await database.read(_APPLIED) if is_there else []
    return _compare(schema() if steps is None else steps, applied)


async def migrate(database: Database, steps: Sequence[Step] | None = None) -> list[str]:
    """
    `expand`, and then `contract`; for whoever is alone with the database.

    :raises SchemaMismatch: when the database has been contracted by newer code, or made otherwise.
    :raises OlderCode: as `contract`.
    :raises RegistryUnavailable: when the database cannot be reached.
    """
    return [*await expand(database, steps), *await contract(database, steps)]


async def expand(database: Database, steps: Sequence[Step] | None = None) -> list[str]:
    """
    Apply what is missing and older code does not mind, and return the names of these files.

    Several daemons may do this at the same time: each file is applied by one of them.

    :raises SchemaMismatch: as `migrate`.
    :raises RegistryUnavailable: when the database cannot be reached.
    """
    return await _apply(database, steps, lambda missing: missing.expand, _mind_nobody)


async def contract(database: Database, steps: Sequence[Step] | None = None) -> list[str]:
    """
    Take away what only older code needed, and return the names of these files.

    Daemons that are connected and do not know a file keep it from being applied.
    One that has no connection at this moment is not seen, and cannot start again afterwards.

    :raises SchemaMismatch: as `migrate`, and when it has not been expanded first.
    :raises OlderCode: when a daemon of an older version is connected.
    :raises RegistryUnavailable: when the database cannot be reached.
    """

    def ready(missing: Plan) -> Sequence[Step]:
        if missing.contract and missing.expand:
            raise SchemaMismatch("The registry's database has to be expanded before it contracts")
        return missing.contract

    return await _apply(database, steps, ready, _mind_older_code)


async def _apply(
    database: Database,
    steps: Sequence[Step] | None,
    choose: Callable[[Plan], Sequence[Step]],
    mind: Callable[[Run, Step], Awaitable[None]],
) -> list[str]:
    """Apply what is chosen of the missing ones, one after the other, each in a transaction."""
    wanted = schema() if steps is None else steps
    applied: list[str] = []

    async def apply_next(run: Run) -> Step | None:
        await run("SET LOCAL statement_timeout = 0")
        await run(_LOCK)
        await run(_TABLE)
        step = next(iter(choose(_compare(wanted, await run(_APPLIED)))), None)
        if step is not None:
            await mind(run, step)
            await run(step.statements)
            await run(_RECORD, (step.number, step.name, step.phase, step.sha256))
        return step

    while step := await database.transaction(apply_next, PATIENCE):
        log.info(
            "The registry's schema is now at {name} ({phase})", name=step.name, phase=step.phase
        )
        applied.append(step.name)
    return applied


async def _mind_nobody(run: Run, step: Step) -> None:
    pass


async def _mind_older_code(run: Run, step: Step) -> None:
    ((connected,),) = await run(_CONNECTED, {"label": LABEL, "number": step.number})
    if connected:
        raise OlderCode(
            f"{step.name} waits: a daemon of an older version is connected to the registry's "
            "database; upgrade or stop it first"
        )


def _compare(wanted: Sequence[Step], applied: Sequence[_Applied]) -> Plan:
    """What is missing, after a look at what is there."""
    known = {step.number: step for step in wanted}
    foreign = []
    for number, name, phase, digest in applied:
        if number not in known:
            if phase == CONTRACT:
                raise SchemaMismatch(
                    f"The registry's database was brought to {name} by a newer version of "
                    "glancetx, which took away what this one needs"
                )
            foreign.append(name)
        elif known[number].sha256 != digest:
            raise SchemaMismatch(
                f"The registry's database was made with another {name} than this glancetx has"
            )
    done = {number for number, *_ in applied}
    missing = [step for step in wanted if step.number not in done]
    return Plan(
        max(done, default=0),
        applied[-1][1] if applied else None,
        tuple(step for step in missing if not step.is_contract),
        tuple(step for step in missing if step.is_contract),
        tuple(foreign),
    )
