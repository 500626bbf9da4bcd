"""``glancetx db``: the schema of the registry's database."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, on_installation
from glancetx.registry.database import Database
from glancetx.registry.migrate import OlderCode, contract, expand, plan
from glancetx.registry.steps import Step


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("deed", choices=("version", "migrate"), metavar="version|migrate", help="what to do")
    add("--dry-run", action="store_true", help="only tell which steps are missing")


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    database = await installation.database()
    missing = await plan(database)
    steps = [*missing.expand, *missing.contract]
    if given.deed == "version":
        output.line(f"at      {missing.name or 'nothing'}")
        _show("missing", steps, output)
        output.object({"version": missing.name, "missing": [each.name for each in steps]})
    elif given.dry_run:
        _show("would apply", steps, output)
        output.object({"would_apply": [each.name for each in steps]})
    else:
        await _migrate(database, steps, output)


async def _migrate(database: Database, missing: Sequence[Step], output: Output) -> None:
    """What was added is there, also when what is to be taken away has to wait."""
    applied = await expand(database)
    try:
        applied += await contract(database)
    except OlderCode as error:
        output.fail(str(error))
    _show("applied", [each for each in missing if each.name in applied], output)
    output.object({"applied": applied})


def _show(word: str, steps: Sequence[Step], output: Output) -> None:
    for step in steps:
        output.line(f"{word} {step.name} ({step.phase})")
    if not steps and word != "missing":
        output.line("nothing is missing")


COMMAND = Command(
    "db",
    "tell the version of the registry's schema, or bring it up to date",
    on_installation(_work),
    _arguments,
    "Tells which step of the schema the registry's database is at and which are missing, or "
    "applies these. A daemon adds what it needs by itself when it starts; what only older daemons "
    "need is taken away by this command, when none of them is connected.",
)
