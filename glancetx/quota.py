"""How many bytes the images of one owner may take."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from glancetx.errors import QuotaExceeded


@frozen(kw_only=True)
class Room:
    """
    Bytes that a transfer asks for, within the ``quota`` of the image's owner.

    It needs at least ``needed`` of them, and would like ``wanted``, so that it need not ask again
    soon.
    """

    quota: int = field(validator=ge(0))
    needed: int = field(validator=ge(0))
    wanted: int = field(validator=ge(0))

    def granted(self, used: int) -> int:
        """
        How many it gets when the owner's other images take ``used`` bytes.

        :raises QuotaExceeded: when that is less than it needs.
        """
        remaining = self.quota - used
        if remaining < self.needed:
            raise QuotaExceeded()
        return min(max(self.wanted, self.needed), remaining)
