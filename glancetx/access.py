"""Who is asking, and what an image's owner and visibility allow him."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from glancetx.image import Image, Visibility


def _normal(roles: Iterable[str]) -> frozenset[str]:
    return frozenset(role.strip().lower() for role in roles) - {""}


@frozen(kw_only=True)
class Identity:
    """
    Whom an authenticator has recognised.

    ``roles`` become lower-case, their blanks trimmed.
    ``is_admin_project`` is false when Keystone has a project for admins, and this is another.
    """

    user: str | None = None
    project: str | None = None
    roles: frozenset[str] = field(default=frozenset(), converter=_normal)
    is_admin_project: bool = True


@frozen(kw_only=True)
class Caller:
    """
    The identity behind one request, as the authenticator states it.

    ``owner`` is what images belong to: the caller's project, as a rule.
    ``is_authenticated`` is false for those whom nobody has identified.
    ``identity`` is what policies ask about.
    """

    identity: Identity = Identity()
    owner: str | None = None
    is_admin: bool = False
    is_authenticated: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whoever nobody has identified changes nothing (contract §9.1)."""
        return not (self.is_authenticated or self.is_admin)


#: Whom an authenticator that asks nobody sees in everybody.
#: It is this object itself that says so: others with the same role are somebody.
EVERYBODY = Identity(roles={"admin"})

#: Everybody, when no authentication is configured: full rights, no project.
OPERATOR = Caller(identity=EVERYBODY, is_admin=True)


def may_see(
    caller: Caller, image: Image, *, is_member: bool = False, also_gone: bool = False
) -> bool:
    """
    Whether the image exists as far as this caller is concerned (contract §9.4).

    ``is_member`` says that it is shared with him; ``also_gone``, that it does not matter whether
    it is deleted.
    """
    if caller.is_admin:
        return True
    if image.status.is_gone and not also_gone:
        return False
    if image.owner is None or image.visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
        return True
    if image.owner == caller.owner:
        return True
    return is_member and image.visibility is Visibility.SHARED


def may_change(caller: Caller, image: Image) -> bool:
    """Whether the caller may update or delete the image (contract §9.4)."""
    return caller.is_admin or (image.owner is not None and image.owner == caller.owner)
