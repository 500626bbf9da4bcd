r"""
Description strings, as Twisted's endpoints have them.

``s3:images:region=eu`` is the kind ``s3``, one positional argument and one option.
A colon, an equals sign or a backslash that is meant literally has a backslash before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen


class BadDescription(ValueError):
    """A description string that cannot be read; the text says why."""


@frozen
class Description:
    """
    A kind with its arguments, and the name it was given.

    An argument that is empty says nothing, but for the colons beside it: those of ``[::1]``.
    """

    name: str
    kind: str
    args: tuple[str, ...] = ()
    options: Mapping[str, str] = field(factory=dict)


#: What a store may be called: the name stands in locations, headers and log lines.
NAME = re.compile(r"[A-Za-z0-9_.-]+")

_TOKEN = re.compile(r"\\(.)|([:=])|([^\\:=]+)", re.DOTALL)
_NAMED = re.compile(rf"({NAME.pattern})=(?={NAME.pattern}(?::|$))")


def parse(text: str) -> Description:
    """
    Read ``[NAME=]KIND[:POSITIONAL...][:KEY=VALUE...]``; the name defaults to the kind.

    :raises BadDescription: when it has no kind, an option twice, or a lonely backslash at its end.
    """
    named = _NAMED.match(text)
    name, rest = (named.group(1), text[named.end() :]) if named else ("", text)
    kind, *fields = _fields(rest)
    if len(kind) != 1 or not kind[0]:
        raise BadDescription(f"{text!r} does not begin with a kind, as in 'file:/srv/images'")
    args: list[str] = []
    options: dict[str, str] = {}
    for part in fields:
        if len(part) == 1:
            args.append(part[0])
            continue
        key, value = part[0], "=".join(part[1:])
        if key in options:
            raise BadDescription(f"{text!r} gives {key!r} twice")
        options[key] = value
    while args and not args[-1]:
        args.pop()
    return Description(name or kind[0], kind[0], tuple(args), options)


def quote(value: str) -> str:
    """The value as it must stand in a description string to be taken literally."""
    return re.sub(r"([\\:=])", r"\\\1", value)


def number(name: str, text: str, least: int = 1) -> int:
    """
    What an option says that is a whole number.

    :raises ValueError: when it is none, or less than ``least``; the text says what to write.
    """
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise ValueError(f"{name} must be a number from {least} on, not {text!r}")
    return int(text)


def switch(name: str, text: str) -> bool:
    """
    What an option says that is on or off.

    :raises ValueError: when it is neither; the text says what to write.
    """
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, not {text!r}")
    return text == "true"


def _fields(text: str) -> list[list[str]]:
    """Split at colons, and each part at its equals signs; escaped ones do not count."""
    fields = [[""]]
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise BadDescription(f"{text!r} ends in a backslash that quotes nothing")
        escaped, separator, plain = token.groups()
        if separator == ":":
            fields.append([""])
        elif separator == "=":
            fields[-1].append("")
        else:
            fields[-1][-1] += escaped or plain
        position = token.end()
    return fields
