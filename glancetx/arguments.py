"""
What a kind of store, authenticator or notifier can be told, and what a description tells it.

Whoever is to choose one reads `explain`; what he writes is held against the same options by `bind`.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from itertools import dropwhile

from attrs import field, frozen

from glancetx.description import Description


@frozen
class Option:
    """
    One thing that a kind can be told.

    ``name`` stands before the value in a description string and in the configuration file, and is
    the keyword argument of the factory: a Python name, but for ``kind`` and ``name``.
    ``help`` says in one line what it is for, with the unit of a number.
    ``default`` is what holds when nothing is said, in the words of an operator ("8", "none", "the
    system's"); an option without one has to be given.
    A ``positional`` one may stand in a description string without its name; these come in the
    order of the options, and one that ``takes_rest`` is the last and takes all that remain, with
    the colons between them: a URL then needs no backslashes.
    """

    name: str
    help: str
    default: str | None = None
    positional: bool = field(default=False, kw_only=True)
    takes_rest: bool = field(default=False, kw_only=True)

    @property
    def is_required(self) -> bool:
        return self.default is None


def form_of(kind: str, options: Sequence[Option]) -> str:
    """The description string to write, as in ``file:DIRECTORY[:OPTION=VALUE...]``."""
    words = [kind]
    for option in options:
        value = option.name.upper()
        if option.positional:
            words.append(f":{value}" if option.is_required else f"[:{value}]")
        elif option.is_required:
            words.append(f":{option.name}={value}")
    if any(not (option.is_required or option.positional) for option in options):
        words.append("[:OPTION=VALUE...]")
    return "".join(words) if len(words) > 1 else f"{kind}:"


def explain(kind: str, help: str, options: Sequence[Option]) -> str:
    """A paragraph: the kind and what it is, what to write, and a line for each option."""
    lines = [f"{kind} - {help}", f"    {form_of(kind, options)}"]
    width = max((len(option.name) for option in options), default=0)
    for option in options:
        default = "required" if option.is_required else f"default: {option.default}"
        lines.append(f"        {option.name:{width}}  {option.help} [{default}]")
    return "\n".join(lines)


def bind(description: Description, options: Sequence[Option]) -> Mapping[str, str]:
    """
    What a description tells, by the names of the options; what it leaves out is not there.

    :raises ValueError: when it tells something else, or too little; the text says what.
    """
    bound = _positional(description.args, options)
    for name, value in description.options.items():
        if all(name != option.name for option in options):
            known = ", ".join(option.name for option in options) or "none"
            raise ValueError(f"{name!r} is not an option (there are: {known})")
        if name in bound:
            raise ValueError(f"{name} is given twice")
        bound[name] = value
    for option in options:
        if option.is_required and not bound.get(option.name):
            raise ValueError(f"{option.name} is missing")
    return bound


def _positional(args: Sequence[str], options: Sequence[Option]) -> dict[str, str]:
    bound: dict[str, str] = {}
    rest = _from_first_word(args)
    for option in options:
        if option.positional and rest:
            count = len(rest) if option.takes_rest else 1
            bound[option.name] = ":".join(rest[:count])
            rest = _from_first_word(rest[count:])
    if rest:
        raise ValueError(f"{rest[0]!r} is one argument too many")
    return bound


def _from_first_word(args: Sequence[str]) -> Sequence[str]:
    """The arguments without the empty ones before them."""
    return list(dropwhile(operator.not_, args))
