"""What a rule is made of: checks, each a question about a caller and a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

#: What is known of a caller: names such as ``user_id`` → texts, and ``roles`` → a collection.
Credentials = Mapping[str, object]

#: What is known of that which he wants to treat.
Target = Mapping[str, object]


class Check(Protocol):
    """Passes or not; never raises."""

    def __call__(self, credentials: Credentials, target: Target) -> bool: ...


@frozen
class Always:
    """``@`` and ``!``"""

    answer: bool

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        return self.answer


@frozen
class Not:
    check: Check

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        return not self.check(credentials, target)


@frozen
class All:
    checks: tuple[Check, ...]

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        return all(check(credentials, target) for check in self.checks)


@frozen
class Any:
    checks: tuple[Check, ...]

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        return any(check(credentials, target) for check in self.checks)


@frozen
class Template:
    """
    A text with ``%(key)s`` in it, which stand for what the target has there.

    ``pieces`` are plain texts and, as tuples of one, keys.
    """

    pieces: tuple[str | tuple[str], ...]

    def fill(self, target: Target) -> str | None:
        """The text, or None when the target lacks a key."""
        filled = []
        for piece in self.pieces:
            if isinstance(piece, str):
                filled.append(piece)
            elif piece[0] in target:
                filled.append(str(target[piece[0]]))
            else:
                return None
        return "".join(filled)


@frozen
class Role:
    """``role:admin``, in whatever case."""

    role: Template

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        role, roles = self.role.fill(target), credentials.get("roles", [])
        return role is not None and role.lower() in (each.lower() for each in _texts(roles))


@frozen
class Named:
    """``rule:name``; the rule is looked up when it is asked, and one that is not there fails."""

    name: str
    rules: Mapping[str, Check]

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        rule = self.rules.get(self.name)
        return rule is not None and rule(credentials, target)


@frozen
class Literal:
    """``'raw':%(disk_format)s``: the target has a certain value."""

    text: str
    match: Template

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        return self.match.fill(target) == self.text


@frozen
class Attribute:
    """``user_id:%(owner)s``: what the caller has under a name fits, or one of several values."""

    name: str
    match: Template

    def __call__(self, credentials: Credentials, target: Target) -> bool:
        match = self.match.fill(target)
        if match is None or self.name not in credentials:
            return False
        return match in _texts(credentials[self.name])


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
