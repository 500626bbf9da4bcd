"""What a command is, and how it answers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, frozen


class CommandError(Exception):
    """A command cannot do what it was told; the text is one sentence for the operator."""


@define
class Output:
    """
    Answers people by lines, or programs by one object.

    What goes wrong is told on standard error, and remembered: then the exit status is 1.
    """

    is_json: bool
    has_failed: bool = False

    def line(self, text: str = "") -> None:
        """Tell people something; programs are told by `object`."""
        if not self.is_json:
            print(text)

    def object(self, answer: Mapping[str, Any]) -> None:
        """Tell programs everything; people were told by lines."""
        if self.is_json:
            print(json.dumps(answer))

    def fail(self, sentence: str) -> None:
        """Tell people what went wrong; programs find it in the object."""
        self.has_failed = True
        if not self.is_json:
            print(f"glancetx: {sentence}", file=sys.stderr)


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """What a command adds that knows nothing but ``--json``."""


@frozen
class Command:
    """
    One command.

    ``help`` says in a few words what it does, and ``description`` more, where that is needed.
    ``arguments`` adds to the command's parser, which has ``--json`` already.
    ``run`` gets what was given and does it; for work on an installation it is made by
    `glancetx.command.installation.on_installation`.

    ``run`` may raise `CommandError` and ConfigError.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace, Output], None]
    arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    description: str | None = None
