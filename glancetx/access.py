"""Who is asking, and what an image's owner and visibility allow him."""

from __future__ import annotations

from attrs import frozen

from glancetx.image import Image, Visibility


@frozen(kw_only=True)
class Caller:
    """
    The identity behind one request, as the authenticator states it.

    ``owner`` is what images belong to: the caller's project, as a rule.
    ``is_authenticated`` is false for those whom nobody has identified.
    """

    owner: str | None = None
    is_admin: bool = False
    is_authenticated: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whoever nobody has identified changes nothing (contract §9.1)."""
        return not (self.is_authenticated or self.is_admin)


#: Everybody, when no authentication is configured: full rights, no project.
OPERATOR = Caller(is_admin=True)


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
