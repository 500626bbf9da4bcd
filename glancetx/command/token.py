"""``glancetx token``: a token, which nobody will ever be shown again."""

from __future__ import annotations

import argparse

from glancetx.command.base import Command, CommandError, Output
from glancetx.identity.token_file import new_token, token_lines


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", required=True, help="who has it")
    parser.add_argument("--project", help="whose images he works on [none]")
    parser.add_argument(
        "--role", action="append", default=[], help="what he is; may be repeated [nothing]"
    )


def _run(given: argparse.Namespace, output: Output) -> None:
    token = new_token()
    try:
        lines = token_lines(token, given.user, given.project, given.role)
    except ValueError as error:
        raise CommandError(str(error)) from error
    output.object({"token": token, "lines": lines})
    output.line(f"The token, shown this once:\n\n{token}\n")
    output.line(f"The lines that make it valid in the file of tokens:\n\n{lines.rstrip()}")


COMMAND = Command(
    "token",
    "make a token for --auth tokens:FILE",
    _run,
    _arguments,
    "Makes a token, and the lines that make it valid in the FILE of --auth tokens:FILE. "
    "The file never holds the token itself.",
)
