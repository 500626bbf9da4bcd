"""
The rule language of oslo.policy: texts and lists → checks.

What that library lets fail at the time of a request, and what would ask another server, is refused
here when a file is read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import cast

from attrs import define

from glancetx.policy.checks import (
    All,
    Always,
    Any,
    Attribute,
    Check,
    Literal,
    Named,
    Not,
    Role,
    Template,
)

#: Names under which something may be known of a caller, by oslo.context and Glance.
ATTRIBUTES = frozenset(
    {
        "domain_id",
        "is_admin",
        "is_admin_project",
        "project",
        "project_domain_id",
        "project_id",
        "roles",
        "service_project_domain_id",
        "service_project_id",
        "service_roles",
        "service_user_domain_id",
        "service_user_id",
        "system_scope",
        "tenant",
        "tenant_id",
        "user",
        "user_domain_id",
        "user_id",
    }
)

_KEYWORDS = frozenset({"and", "or", "not"})
_PIECE = re.compile(r"%\(([^()]*)\)s|(%%)|([^%]+)")


class BadRule(ValueError):
    """It cannot be understood, or is not allowed; the text is a half sentence for the operator."""


def parse_rule(rule: object, rules: Mapping[str, Check]) -> Check:
    """
    The check that a rule in a file stands for.

    ``rules`` is where other rules that it names are found when it is asked; they need not be there
    yet.

    :raises BadRule: when it is none.
    """
    if isinstance(rule, str):
        try:
            return _Parser(list(_tokens(rule)), rules).parse() if rule else Always(True)
        except RecursionError:
            raise BadRule("is nested too deeply") from None
    if isinstance(rule, list):
        return _parse_list(rule, rules)
    raise BadRule(f"must be a text or a list, not {rule!r}")


def _parse_list(rule: list[object], rules: Mapping[str, Check]) -> Check:
    """The syntax of old files: one of the outer, all of an inner list."""
    if not rule:
        return Always(True)
    alternatives = [[each] if isinstance(each, str) else each for each in rule if each]
    if not all(
        isinstance(inner, list) and all(isinstance(each, str) for each in inner)
        for inner in alternatives
    ):
        raise BadRule("is a list of something else than texts and lists of texts")
    return Any(
        tuple(
            All(tuple(_parse_check(each, rules) for each in cast("list[str]", inner)))
            for inner in alternatives
        )
    )


def _tokens(text: str) -> Iterator[str]:
    """Words, and the brackets before and after them; those within ``%(key)s`` are no tokens."""
    for word in text.split():
        bare = word.lstrip("(")
        yield from "(" * (len(word) - len(bare))
        check = bare.rstrip(")")
        if check:
            yield check
        yield from ")" * (len(bare) - len(check))


@define
class _Parser:
    """Recursive descent: ``not`` binds more tightly than ``and``, and that more than ``or``."""

    _tokens: list[str]
    _rules: Mapping[str, Check]
    _at: int = 0

    def parse(self) -> Check:
        check = self._either()
        if self._next is not None:
            raise BadRule(f"has {self._next!r} where it should end")
        return check

    @property
    def _next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _skip(self, keyword: str) -> bool:
        if self._next is None or self._next.lower() != keyword:
            return False
        self._at += 1
        return True

    def _either(self) -> Check:
        checks = [self._both()]
        while self._skip("or"):
            checks.append(self._both())
        return Any(tuple(checks)) if len(checks) > 1 else checks[0]

    def _both(self) -> Check:
        checks = [self._one()]
        while self._skip("and"):
            checks.append(self._one())
        return All(tuple(checks)) if len(checks) > 1 else checks[0]

    def _one(self) -> Check:
        if self._skip("not"):
            return Not(self._one())
        if self._skip("("):
            check = self._either()
            if not self._skip(")"):
                raise BadRule("lacks a closing bracket")
            return check
        token = self._next
        if token is None:
            raise BadRule("ends where a check is missing")
        if token == ")" or token.lower() in _KEYWORDS:
            raise BadRule(f"has {token!r} where a check is missing")
        self._at += 1
        if len(token) > 1 and token[0] == token[-1] and token[0] in "'\"":
            raise BadRule(f"has {token}, which is a text and no check")
        return _parse_check(token, self._rules)


def _parse_check(text: str, rules: Mapping[str, Check]) -> Check:
    if text in ("@", "!"):
        return Always(text == "@")
    kind, colon, match = text.partition(":")
    if not colon:
        raise BadRule(f"has {text!r}, which is no check: a check has a colon")
    if kind in ("http", "https"):
        raise BadRule(f"has a check of kind {kind}, and other servers are not asked")
    if kind == "rule":
        return Named(match, rules)
    if kind == "role":
        return Role(_template(match))
    if kind in ATTRIBUTES:
        return Attribute(kind, _template(match))
    try:
        literal = ast.literal_eval(kind)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise BadRule(f"has a check of the unknown kind {kind!r}") from None
    return Literal(str(literal), _template(match))


def _template(text: str) -> Template:
    pieces: list[str | tuple[str]] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise BadRule(f"has {text!r}, in which only %(key)s may follow a percent sign")
        key, percent, plain = found.groups()
        pieces.append((key,) if key is not None else plain or "%")
        at = found.end()
    return Template(tuple(pieces))
