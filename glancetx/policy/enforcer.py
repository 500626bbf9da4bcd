"""The rules in force, asked about callers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from attrs import frozen

from glancetx.access import OPERATOR, Caller, Identity
from glancetx.errors import Refused
from glancetx.policy.checks import Target
from glancetx.policy.rules import Rules, compile_rules

NOTHING: Target = {}


class Denied(Refused):
    """A rule says no; nobody is told which one."""

    def __init__(self) -> None:
        super().__init__("Access was denied to this resource.")


@cache
def shipped_rules() -> Rules:
    """The rules that are in force without any file."""
    return compile_rules({})


@frozen
class Policy:
    """
    The rules that are in force now, as ``_rules`` tells whenever it is asked.

    Without authentication everybody is the operator, and no rule stops him.
    """

    _rules: Callable[[], Rules] = shipped_rules

    def has(self, rule: str) -> bool:
        """Whether there is a rule of this name."""
        return rule in self._rules()

    def allows(self, rule: str, caller: Caller, target: Target = NOTHING) -> bool:
        """Whether the caller may do what the rule is about, to this target."""
        return caller == OPERATOR or self._rules().allow(rule, credentials(caller), target)

    def check(self, rule: str, caller: Caller, target: Target = NOTHING) -> None:
        """
        :raises Denied: when the caller may not.
        """
        if not self.allows(rule, caller, target):
            raise Denied

    def is_admin(self, identity: Identity) -> bool:
        """Whether the rule ``context_is_admin`` makes somebody an admin, who is none yet."""
        known = credentials(Caller(identity=identity))
        return self._rules().allow("context_is_admin", known, known)


def credentials(caller: Caller) -> Mapping[str, object]:
    """What rules may ask about a caller; what is not known of him is left out."""
    identity = caller.identity
    known: dict[str, object] = {"roles": sorted(identity.roles), "is_admin": caller.is_admin}
    if identity.user is not None:
        known.update(user=identity.user, user_id=identity.user)
    if identity.project is not None:
        known.update(
            project=identity.project,
            project_id=identity.project,
            tenant=identity.project,
            tenant_id=identity.project,
        )
    return known
