"""
Stores in the configuration file: a ``[[store]]`` table → a description.

::

    [[store]]
    name = "archive"            # the kind, when it is left out
    kind = "s3"
    bucket = "images"           # every option by its name, those without one on a command line too
    threads = 4                 # texts, numbers, true and false
    allow = ["10.0.0.0/8"]      # and lists of them, where the store takes several by commas

What a text could say on a command line is said here by a value of its kind, and nothing more:
what it means is for the store to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glancetx.description import NAME, BadDescription, Description


def read_table(table: Mapping[str, Any]) -> Description:
    """
    What a table says; its options are those of the description, and nothing is positional.

    :raises BadDescription: with a sentence that names the table, the option, and no value.
    """
    options = dict(table)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or not kind:
        raise BadDescription('a [[store]] table needs a kind, as in kind = "file"')
    name = options.pop("name", kind)
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise BadDescription(
            f"the name of a [[store]] of kind {kind!r} must be letters, digits, '.', '_' and '-'"
        )
    texts = {}
    for option, value in options.items():
        try:
            texts[option] = _text(value)
        except ValueError as error:
            raise BadDescription(
                f"the [[store]] {name!r} cannot have {option!r}: {error}"
            ) from None
    return Description(name, kind, (), texts)


def _text(value: Any) -> str:
    """
    :raises ValueError: when nothing on a command line would say the same.
    """
    if not isinstance(value, list):
        return _scalar(value)
    texts = [_scalar(each) for each in value]
    if any("," in text for text in texts):
        raise ValueError("commas part the values of a list, and cannot be in one")
    return ",".join(texts)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and "\0" in value:
        raise ValueError("no text of a command line has the character 0")
    if not isinstance(value, str | int | float):
        raise ValueError("it must be a text, a number, true or false, or a list of these")
    return str(value)
