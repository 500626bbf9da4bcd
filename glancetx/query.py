"""What a listing asks of the registry."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge

from glancetx.image import Image


@frozen(kw_only=True)
class ImageQuery:
    """
    One page of images, newest first: by ``(created_at, image_id)``, both descending.

    ``everything`` lifts the rule that a listing shows public images and those of ``owner``.
    ``public`` keeps only images that are public (True) or are not (False).
    Deleted and killed images are never part of it.
    ``after`` is the last image of the page before; ``limit`` counts images.
    """

    everything: bool = False
    owner: str | None = None
    public: bool | None = None
    after: Image | None = None
    limit: int = field(validator=ge(0))
