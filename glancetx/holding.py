"""What a store tells of something that it holds."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen


@frozen(kw_only=True)
class Holding:
    """
    An image in a store, or what an upload has left there.

    ``key`` is the store's own word for it: that of a location when it is finished, and is never
    shown.
    ``image_id`` is None when it is not named as the store names what it keeps.
    ``size`` is bytes; ``changed_at`` is aware: when something last came for it.
    """

    key: str = field(repr=False)
    image_id: str | None
    size: int
    changed_at: datetime
    is_finished: bool = True
