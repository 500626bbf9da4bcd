"""With whom an image is shared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from glancetx.image import UNSTAMPED

#: Members → whether each may share the image further, or None to leave that as it is; one who
#: never was a member before may not.
Shares = Mapping[str, bool | None]


@frozen(kw_only=True)
class Member:
    """
    That an image is shared with somebody.

    ``member`` is what images belong to, a project as a rule.
    ``can_share`` allows him to share the image with others.
    Times are aware, in UTC, and given by the registry.
    """

    image_id: str
    member: str
    can_share: bool = False
    created_at: datetime = UNSTAMPED
    updated_at: datetime = UNSTAMPED
