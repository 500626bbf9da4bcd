"""What a listing asks of the registry, as values that every registry understands alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen
from attrs.validators import ge, in_

from glancetx.image import Image, Status, Visibility

#: The attributes that `Filters.equal` may name.
FILTERS = frozenset(
    {
        "name",
        "status",
        "container_format",
        "disk_format",
        "min_ram",
        "min_disk",
        "protected",
    }
)

#: The attributes that an `Order` may begin with.
SORT_KEYS = frozenset(
    {
        "name",
        "status",
        "container_format",
        "disk_format",
        "size",
        "image_id",
        "created_at",
        "updated_at",
    }
)

#: The words of the states that a listing shows only when it asks for changes.
UNLISTED = frozenset(status.value for status in Status if status is Status.KILLED or status.is_gone)


def _only_filters(_: object, __: object, values: Collection[str]) -> None:
    if unknown := set(values) - FILTERS:
        raise ValueError(f"images are not found by {', '.join(sorted(unknown))}")


@frozen(kw_only=True)
class Filters:
    """
    What an image must be like to be listed; all of it.

    ``equal`` maps names of `FILTERS` to the value that the attribute has, a status by its word.
    No null equals anything.
    ``size_min`` and ``size_max`` are bytes, both inclusive.
    ``properties`` are some that the image has, with exactly these values; a deleted image has none.
    ``changes_since`` keeps only images that changed later than that, and lets deleted and killed
    ones be among them, which otherwise never are.
    """

    equal: Mapping[str, str | int | bool] = field(factory=dict, validator=_only_filters)
    size_min: int | None = None
    size_max: int | None = None
    properties: Mapping[str, str] = field(factory=dict)
    changes_since: datetime | None = None

    def fit(self, image: Image) -> bool:
        """Whether the image is like that."""
        return (
            self._fits_in_time(image)
            and all(attribute(image, name) == value for name, value in self.equal.items())
            and (self.size_min is None or image.size >= self.size_min)
            and (self.size_max is None or image.size <= self.size_max)
            and self._fit_properties(image)
        )

    def _fits_in_time(self, image: Image) -> bool:
        if self.changes_since is not None:
            return image.updated_at > self.changes_since
        return image.status.value not in UNLISTED

    def _fit_properties(self, image: Image) -> bool:
        if self.properties and image.status.is_gone:
            return False
        return all(image.properties.get(key) == value for key, value in self.properties.items())


@frozen
class Order:
    """
    A total order of images: by ``key``, then ``created_at``, then ``image_id``.

    All three go in the same direction.
    A null stands where the empty text would.
    """

    key: str = field(default="created_at", validator=in_(SORT_KEYS))
    ascending: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The attributes that decide, each once."""
        return tuple(dict.fromkeys((self.key, "created_at", "image_id")))

    def place(self, image: Image) -> tuple[Any, ...]:
        """The image's value for each of ``keys``."""
        values = (attribute(image, key) for key in self.keys)
        return tuple("" if value is None else value for value in values)


#: No filters: whatever lives.
ANYTHING = Filters()

NEWEST_FIRST = Order()


@frozen(kw_only=True)
class ImageQuery:
    """
    One page of images.

    ``everything`` lifts the rule that a listing shows public images, those of ``owner``, and those
    with the visibility ``shared`` of which ``owner`` is a member.
    ``public`` keeps only images that are public (True) or are not (False).
    ``after`` is the last image of the page before, or any other: its values when it was read are
    what counts, and it need not fit.
    ``limit`` counts images.
    """

    everything: bool = False
    owner: str | None = None
    public: bool | None = None
    filters: Filters = ANYTHING
    order: Order = NEWEST_FIRST
    after: Image | None = None
    limit: int = field(validator=ge(0))

    def covers(self, image: Image, *, is_member: bool = False) -> bool:
        """
        Whether the image is on this page or a later one.

        ``is_member`` says that ``owner`` is a member of the image.
        """
        is_public = image.visibility is Visibility.PUBLIC
        is_own = self.owner is not None and image.owner == self.owner
        is_shared = is_member and image.visibility is Visibility.SHARED
        return (
            (self.everything or is_public or is_own or is_shared)
            and (self.public is None or self.public is is_public)
            and self.filters.fit(image)
            and (self.after is None or self._is_after(image, self.after))
        )

    def _is_after(self, image: Image, marker: Image) -> bool:
        here, there = self.order.place(image), self.order.place(marker)
        return here > there if self.order.ascending else here < there


def attribute(image: Image, name: str) -> Any:
    """The value that an image is found and sorted by; a status is its word."""
    return image.status.value if name == "status" else getattr(image, name)
