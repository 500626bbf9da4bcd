"""Property protection files: INI, its sections named by regular expressions."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable

from attrs import frozen

from glancetx.access import Caller
from glancetx.policy.enforcer import Policy
from glancetx.policy.file import BadPolicy
from glancetx.policy.protections import OPERATIONS, Permit, Protections, Section

#: What ``property_protection_rule_format`` may be.
FORMATS = ("roles", "policies")


@frozen
class _Fixed:
    answer: bool

    def __call__(self, caller: Caller) -> bool:
        return self.answer


@frozen
class _OneOf:
    roles: frozenset[str]

    def __call__(self, caller: Caller) -> bool:
        return not self.roles.isdisjoint(caller.identity.roles)


@frozen
class _Rule:
    name: str
    policy: Policy

    def __call__(self, caller: Caller) -> bool:
        return self.policy.allows(self.name, caller)


def read_protections(content: bytes, rule_format: str, policy: Policy) -> Protections:
    """
    The protections that a file of this content describes.

    ``rule_format`` is one of `FORMATS`: what the values in it are.

    :raises BadPolicy: with the first mistake.
    """
    parser = configparser.RawConfigParser(default_section="", interpolation=None)
    try:
        parser.read_string(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadPolicy("it is not UTF-8") from error
    except configparser.Error as error:
        raise BadPolicy(f"it is no INI file: {' '.join(error.message.split())}") from error
    read = _read_roles if rule_format == "roles" else _rule_reader(policy)
    return Protections(tuple(_section(name, parser[name], read) for name in parser.sections()))


def _section(
    name: str, values: configparser.SectionProxy, read: Callable[[str], Permit]
) -> Section:
    try:
        expression = re.compile(name)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadPolicy(f"[{name}] is no regular expression: {error}") from error
    permits = {}
    for operation in OPERATIONS:
        if operation not in values:
            raise BadPolicy(f"[{name}] does not say who may {operation}")
        try:
            permits[operation] = read(values[operation])
        except BadPolicy as error:
            raise BadPolicy(f"[{name}] {operation} {error}") from error
    return Section(expression, permits)


def _read_roles(text: str) -> Permit:
    roles = frozenset(_words(text))
    if {"@", "!"} <= roles:
        raise BadPolicy("has both @ and !, everybody and nobody")
    if "@" in roles:
        return _Fixed(True)
    return _Fixed(False) if "!" in roles else _OneOf(roles)


def _rule_reader(policy: Policy) -> Callable[[str], Permit]:
    def read(text: str) -> Permit:
        names = [word.strip() for word in text.split(",")]
        if len(names) != 1 or not names[0]:
            raise BadPolicy(f"must be one rule of the policy file, not {text!r}")
        if names[0] in ("@", "!"):
            return _Fixed(names[0] == "@")
        if not policy.has(names[0]):
            raise BadPolicy(f"names the rule {names[0]!r}, which the policy file does not have")
        return _Rule(names[0], policy)

    return read


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]
