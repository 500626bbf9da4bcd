"""``glancetx``: what an operator does to an installation, whether or not its daemon runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from attrs import asdict, frozen
from twisted.internet.defer import Deferred, ensureDeferred

from glancetx import __version__
from glancetx.clocks import keep_steady
from glancetx.config import ConfigError, read_settings
from glancetx.errors import GlanceError
from glancetx.identity.token_file import new_token, token_lines
from glancetx.live_registry import LiveRegistry
from glancetx.operations import Operations, Outcome
from glancetx.registry.embedded import EmbeddedFailure
from glancetx.registry.migrate import SchemaMismatch


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says, and exit: with 1 when any of it failed, 2 when it is wrong."""
    given = _parser().parse_args(arguments)
    if "alone" in given:
        given.alone(given)
        return
    from twisted.internet.task import react

    def run(reactor: Any) -> Deferred[None]:
        keep_steady(reactor)
        return ensureDeferred(_run(reactor, given))

    react(run)


async def _run(reactor: Any, given: argparse.Namespace) -> None:
    names = ("data", "registry", "store")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    try:
        settings = read_settings(options, given.config)
        source = LiveRegistry(reactor, settings.registry, settings.data)
        operations = Operations(reactor, settings)
        try:
            outcome = await given.work(operations, await source.open(), given)
        finally:
            await source.close()
    except (ConfigError, EmbeddedFailure, GlanceError, SchemaMismatch) as error:
        sys.exit(f"glancetx: {error}")
    _Report(given.json).show(outcome)
    if outcome.failed:
        sys.exit(1)


def _new_token(given: argparse.Namespace) -> None:
    """Make a token, which nobody will ever be shown again."""
    token = new_token()
    try:
        lines = token_lines(token, given.user, given.project, given.role)
    except ValueError as error:
        sys.exit(f"glancetx: {error}")
    if given.json:
        print(json.dumps({"token": token, "lines": lines}))
        return
    print(f"The token, shown this once:\n\n{token}\n")
    print(f"The lines that make it valid in the file of tokens:\n\n{lines}", end="")


@frozen
class _Report:
    """What came of it, for people or for programs."""

    _as_json: bool

    def show(self, outcome: Outcome) -> None:
        if self._as_json:
            failed = [asdict(failure) for failure in outcome.failed]
            print(json.dumps({outcome.deed: outcome.done, "failed": failed}))
            return
        for image_id in outcome.done:
            print(f"{outcome.deed} {image_id}")
        for failure in outcome.failed:
            print(f"glancetx: {failure.id}: {failure.error}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
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
    token = commands.add_parser(
        "token",
        help="make a token for --auth tokens:FILE",
        description="Makes a token, and the lines that make it valid in the FILE of "
        "--auth tokens:FILE. The file never holds the token itself.",
    )
    token.add_argument("--user", required=True, help="who has it")
    token.add_argument("--project", help="whose images he works on [none]")
    token.add_argument(
        "--role", action="append", default=[], help="what he is; may be repeated [nothing]"
    )
    token.add_argument("--json", action="store_true", help="answer with one JSON object")
    token.set_defaults(alone=_new_token)
    scrub = _command(
        commands,
        "scrub",
        lambda operations, registry, given: operations.scrub(registry, is_dry=given.dry_run),
        "remove the bytes of deleted images whose time has come",
    )
    scrub.add_argument("--dry-run", action="store_true", help="only tell which these are")
    for name, text in (
        ("deactivate", "let nobody download these images from now on"),
        ("reactivate", "let deactivated images be downloaded again"),
    ):
        command = _command(commands, name, _on_images(name), text)
        command.add_argument("image_ids", metavar="IMAGE_ID", nargs="+")
    return parser


def _on_images(name: str) -> Callable[..., Any]:
    return lambda operations, registry, given: getattr(operations, name)(registry, given.image_ids)


def _command(
    commands: Any, name: str, work: Callable[..., Any], text: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.add_argument("--json", action="store_true", help="answer with one JSON object")
    command.set_defaults(work=work)
    return command
