"""The command line: which commands there are, and what all of them have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from glancetx import __version__
from glancetx.command import (
    activation,
    db,
    images,
    import_glance,
    janitor,
    scrub,
    status,
    token,
    verify,
)
from glancetx.command.base import Command, CommandError, Output
from glancetx.config import ConfigError

#: All commands, in the order in which the help shows them.
COMMANDS: Sequence[Command] = (
    status.COMMAND,
    images.COMMAND,
    verify.COMMAND,
    janitor.COMMAND,
    scrub.COMMAND,
    db.COMMAND,
    activation.DEACTIVATE,
    activation.REACTIVATE,
    token.COMMAND,
    import_glance.COMMAND,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says, and exit: with 1 when any of it failed, 2 when it is wrong."""
    given = parser().parse_args(arguments)
    output = Output(given.json)
    try:
        given.command.run(given, output)
    except (CommandError, ConfigError) as error:
        sys.exit(f"glancetx: {error}")
    if output.has_failed:
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """What reads the command line; ``command`` is the `Command` that was chosen."""
    parser = argparse.ArgumentParser(
        prog="glancetx",
        description="Operates an installation of glancetx. It knows the installation by the same "
        "options and configuration file as twistd glance, and works while its daemons run.",
    )
    add = parser.add_argument
    add("--version", action="version", version=f"glancetx {__version__}")
    add("-c", "--config", metavar="FILE", help="the daemon's TOML file")
    add("-d", "--data", metavar="DIR", help="the daemon's data directory [./glance-data]")
    add("-r", "--registry", metavar="DESCRIPTION", help="where records are kept [embedded:]")
    add(
        "-s",
        "--store",
        metavar="[NAME=]DESCRIPTION",
        action="append",
        help="a store; may be repeated [file:DATA/images]",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        description = command.description or f"{command.help[:1].upper()}{command.help[1:]}."
        subparser = commands.add_parser(command.name, help=command.help, description=description)
        subparser.add_argument("--json", action="store_true", help="answer with one JSON object")
        command.arguments(subparser)
        subparser.set_defaults(command=command)
    return parser
