"""What an application credential of Keystone may be used for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

#: ``*`` and ``{name}`` stand for one segment of a path, ``**`` for anything.
_WILD = re.compile(r"(\*\*)|(\*|\{[^}]*\})")


@frozen
class AccessRule:
    """One kind of request."""

    method: str
    path: re.Pattern[str]

    def permits(self, method: str, path: str) -> bool:
        return self.method == method and self.path.fullmatch(path) is not None


def access_rule(method: str, path: str) -> AccessRule:
    """The rule that Keystone writes so, its path with ``*``, ``**`` and ``{name}``."""
    expression, end = "", 0
    for wild in _WILD.finditer(path):
        expression += re.escape(path[end : wild.start()]) + (".*" if wild[1] else "[^/]+")
        end = wild.end()
    return AccessRule(method, re.compile(expression + re.escape(path[end:])))


def permits(rules: Iterable[AccessRule], method: str | None, path: str | None) -> bool:
    """Whether any of the rules is for this request; one that nobody knows is not permitted."""
    if method is None or path is None:
        return False
    return any(rule.permits(method, path) for rule in rules)
