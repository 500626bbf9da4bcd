"""``glancetx scrub``: the bytes of deleted images go whose time has come."""

from __future__ import annotations

import argparse

from glancetx.command.base import Command, Output
from glancetx.command.installation import Installation, on_installation
from glancetx.command.outcome import Failed, Outcome
from glancetx.interfaces import IRegistry
from glancetx.parts import make_deletions, make_janitor
from glancetx.usecases.janitor import GOING
from glancetx.usecases.transfers import Transfers

#: How many images a dry run tells of at most.
MOST_SHOWN = 10_000


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only tell which these are")


async def _work(installation: Installation, given: argparse.Namespace, output: Output) -> None:
    registry = await installation.registry()
    if given.dry_run:
        # Taken for no time at all, they are left to whoever comes next.
        due = await registry.take_overdue(0, MOST_SHOWN, GOING)
        Outcome("due", [image.image_id for image in due]).show(output)
    else:
        (await _scrub(installation, registry)).show(output)


async def _scrub(installation: Installation, registry: IRegistry) -> Outcome:
    settings, shelf = installation.settings, installation.shelf
    transfers = Transfers(installation.reactor, registry, settings.transfer_lease)
    deletions = make_deletions(settings, registry, shelf, transfers)
    janitor = make_janitor(installation.reactor, settings, registry, shelf, deletions)
    async with installation.open_stores():
        cleared = await janitor.clear(GOING)
    outcome = Outcome("scrubbed", [each.image_id for each in cleared if each.trouble is None])
    outcome.failed.extend(Failed(c.image_id, c.trouble) for c in cleared if c.trouble)
    return outcome


COMMAND = Command(
    "scrub",
    "remove the bytes of deleted images whose time has come",
    on_installation(_work),
    _arguments,
)
