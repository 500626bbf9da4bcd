"""What an application credential of Keystone may be used for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import field, frozen

#: ``*`` and ``{name}`` stand for one segment of a path, ``**`` for anything.
_TOKEN = re.compile(r"(?P<anything>(?:\*\*)+)|(?P<segment>\*|\{[^}]*\})|.", re.DOTALL)


@frozen
class Path:
    """
    The paths that a rule is for.

    Users write these rules, and a regular expression with many wildcards can take for ever.
    So all places in the rule to which a beginning of the path may have led are followed at once,
    as bits of a number.
    ``literals`` are, by character, the places where it is expected; ``segments`` and ``anything``
    are those where wildcards stand; ``end`` is the place behind the last.
    """

    literals: Mapping[str, int] = field(repr=False)
    segments: int
    anything: int
    end: int

    def fits(self, path: str) -> bool:
        """Whether it is one of them."""
        places = self._with_empty(1)
        for character in path:
            stay = self.anything if character == "/" else self.anything | self.segments << 1
            leave = self.literals.get(character, 0)
            if character != "/":
                leave |= self.segments
            places = self._with_empty((places & leave) << 1 | places & stay)
            if not places:
                return False
        return bool(places & self.end)

    def _with_empty(self, places: int) -> int:
        """``**`` may stand for nothing."""
        return places | (places & self.anything) << 1


@frozen
class AccessRule:
    """One kind of request."""

    method: str
    path: Path

    def permits(self, method: str, path: str) -> bool:
        return self.method == method and self.path.fits(path)


def access_rule(method: str, path: str) -> AccessRule:
    """The rule that Keystone writes so, its path with ``*``, ``**`` and ``{name}``."""
    literals: dict[str, int] = {}
    segments = anything = 0
    place = 1
    for token in _TOKEN.finditer(path):
        if token["anything"]:
            anything |= place
        elif token["segment"]:
            segments |= place
        else:
            literals[token[0]] = literals.get(token[0], 0) | place
        place <<= 1
    return AccessRule(method, Path(literals, segments, anything, place))


def permits(rules: Iterable[AccessRule], method: str | None, path: str | None) -> bool:
    """Whether any of the rules is for this request; one that nobody knows is not permitted."""
    if method is None or path is None:
        return False
    return any(rule.permits(method, path) for rule in rules)
