"""Identities become callers: the one place where it is decided who is an operator."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen

from glancetx.access import EVERYBODY, OPERATOR, Caller, Identity
from glancetx.errors import NotAuthenticated


def _nobody(identity: Identity) -> bool:
    return False


def _normal(role: str) -> str:
    return role.strip().lower()


@frozen(kw_only=True)
class Recognition:
    """
    What an operator has set about identities (contract §9.1).

    Who has ``admin_role`` is an operator, and also he of whom ``context_is_admin`` says so.
    Images belong to projects, or to users when not ``owner_is_tenant``.
    With ``allow_anonymous_access`` those whom nobody has identified may read what is public.
    """

    admin_role: str = field(default="admin", converter=_normal)
    owner_is_tenant: bool = True
    allow_anonymous_access: bool = False
    context_is_admin: Callable[[Identity], bool] = _nobody

    def caller(self, identity: Identity) -> Caller:
        """The caller behind a request whose sender was recognised."""
        if identity is EVERYBODY:
            return OPERATOR
        return Caller(
            identity=identity,
            owner=identity.project if self.owner_is_tenant else identity.user,
            is_admin=self.admin_role in identity.roles or self.context_is_admin(identity),
            is_authenticated=True,
        )

    def stranger(self) -> Caller:
        """
        The caller behind a request whose sender was not recognised.

        :raises NotAuthenticated: when strangers are not let in.
        """
        if not self.allow_anonymous_access:
            raise NotAuthenticated
        return Caller()
