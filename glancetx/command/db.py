"""``glancetx db``: the schema of the registry's database."""

from __future__ import annotations

import argparse

from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, on_installation
from glancetx.registry.database import Database
from glancetx.registry.migrate import Step, migrate, pending, version


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("deed", choices=("version", "migrate"), metavar="version|migrate", help="what to do")
    add("--dry-run", action="store_true", help="only tell which steps are missing")


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    database = await installation.database()
    missing = await pending(database)
    if given.deed == "version":
        await _show_version(database, missing, output)
    elif given.dry_run:
        _show("would apply", missing, output)
        output.object({"would_apply": [each.name for each in missing]})
    else:
        applied = await migrate(database)
        _show("applied", [each for each in missing if each.name in applied], output)
        output.object({"applied": applied})


async def _show_version(database: Database, missing: list[Step], output: Output) -> None:
    now = await version(database)
    output.line(f"at      {now or 'nothing'}")
    _show("missing", missing, output)
    output.object({"version": now, "missing": [each.name for each in missing]})


def _show(word: str, steps: list[Step], output: Output) -> None:
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
    "applies these. A daemon does so by itself when it starts; no other command does.",
)
