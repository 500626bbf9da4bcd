"""What operators and janitors ask of a registry: all images, whosever, with their leases."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from attrs import field, frozen
from attrs.validators import ge

from glancetx.image import Image, Status


@frozen
class Surveyed:
    """
    An image and its lease.

    ``lease_left`` is for how many seconds more somebody answers for it, less than nothing when
    that time is over, and None when nobody has to.
    """

    image: Image
    lease_left: float | None = None


@frozen(kw_only=True)
class SurveyQuery:
    """
    A page of images in the order of their ids.

    ``store`` is the name of one that their bytes lie in.
    ``changed_since`` and ``changed_before`` bound ``updated_at``; the first is inclusive.
    ``is_leased`` keeps only those that have a lease, also one that has run out.
    ``after`` is the last id of the page before; ``limit`` counts images.
    """

    states: Collection[Status] = tuple(Status)
    owner: str | None = None
    name: str | None = None
    store: str | None = None
    changed_since: datetime | None = None
    changed_before: datetime | None = None
    is_leased: bool = False
    after: str = ""
    limit: int = field(default=1000, validator=ge(1))

    def covers(self, surveyed: Surveyed) -> bool:
        """Whether an image is on this page or a later one."""
        image = surveyed.image
        return (
            image.image_id > self.after
            and image.status in self.states
            and (self.owner is None or image.owner == self.owner)
            and (self.name is None or image.name == self.name)
            and (self.store is None or self.store in {each.store for each in image.locations})
            and (self.changed_since is None or image.updated_at >= self.changed_since)
            and (self.changed_before is None or image.updated_at < self.changed_before)
            and (not self.is_leased or surveyed.lease_left is not None)
        )


@frozen
class Total:
    """
    How many images are in a state, and the bytes that they take in stores.

    An image counts once for each place it lies in, as for a quota.
    """

    status: Status
    count: int
    size: int
