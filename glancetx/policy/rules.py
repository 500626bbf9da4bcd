"""All rules of a file together, with those that it leaves out."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from attrs import frozen

from glancetx.policy.checks import All, Always, Any, Check, Credentials, Named, Not, Target
from glancetx.policy.grammar import BadRule, parse_rule
from glancetx.policy.shipped import SHIPPED

#: What a rule is that the file leaves out.
DEFAULT = "default"


@frozen
class Rules:
    """Compiled rules by name."""

    _checks: Mapping[str, Check]

    def __contains__(self, name: object) -> bool:
        return name in self._checks

    def allow(self, name: str, credentials: Credentials, target: Target) -> bool:
        """Whether the rule passes; one that is not there is the default rule, or fails."""
        check = self._checks.get(name) or self._checks.get(DEFAULT)
        return check is not None and check(credentials, target)


def compile_rules(given: Mapping[typing.Any, object]) -> Rules:
    """
    The rules of a file, with those of `SHIPPED` that it leaves out.

    Those are as the file's rule ``default`` says, or else as they are shipped.
    What is for admins alone as it is shipped stays so: a ``default`` for everybody does not open
    it.

    :raises BadRule: with a sentence about the first that makes no sense.
    """
    checks: dict[str, Check] = {}
    for name, rule in given.items():
        if not isinstance(name, str):
            raise BadRule(f"the name {name!r} of a rule is not a text")
        try:
            checks[name] = parse_rule(rule, checks)
        except BadRule as error:
            raise BadRule(f"the rule {name!r} {error}") from None
    default = checks.get(DEFAULT)
    for shipped in SHIPPED:
        if shipped.name not in given:
            checks[shipped.name] = _left_out(parse_rule(shipped.rule, checks), default)
    _check_references(checks)
    return Rules(checks)


def _left_out(shipped: Check, default: Check | None) -> Check:
    if default is None:
        return shipped
    return default if shipped == Always(True) else All((default, shipped))


def _check_references(checks: Mapping[str, Check]) -> None:
    """
    :raises BadRule: when a rule names one that is not there, or itself in the end.
    """
    settled: set[str] = set()
    for name in checks:
        _settle(name, checks, [], settled)


def _settle(name: str, checks: Mapping[str, Check], path: list[str], settled: set[str]) -> None:
    if name in path:
        circle = " → ".join([*path[path.index(name) :], name])
        raise BadRule(f"rules refer to each other in a circle: {circle}")
    if name in settled:
        return
    for reference in _references(checks[name]):
        if reference not in checks:
            raise BadRule(f"the rule {name!r} refers to {reference!r}, which is not there")
        _settle(reference, checks, [*path, name], settled)
    settled.add(name)


def _references(check: Check) -> Iterator[str]:
    """The names of the rules that a check asks."""
    if isinstance(check, Named):
        yield check.name
    elif isinstance(check, Not):
        yield from _references(check.check)
    elif isinstance(check, All | Any):
        for each in check.checks:
            yield from _references(each)
