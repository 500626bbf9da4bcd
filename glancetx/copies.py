"""Copies of images on the disk of one node: what they must be like, and what is known of them."""

from __future__ import annotations

import re

from attrs import frozen

from glancetx.image import Image

#: The digests by which a copy can be judged, the cheapest and strongest first, and their lengths.
DIGESTS = {"sha256": 64, "md5": 32}


@frozen
class Original:
    """
    What a copy of an image must be like: so many bytes, with this digest in lower-case hex.

    ``algorithm`` is one of `DIGESTS`.
    """

    image_id: str
    size: int
    algorithm: str
    digest: str


@frozen(kw_only=True)
class CachedImage:
    """
    A copy that is complete and was verified.

    ``size`` is bytes; ``hits`` counts how often it was given; times are seconds of the epoch.
    """

    image_id: str
    size: int
    hits: int
    last_accessed: float
    last_modified: float


def original_of(image: Image) -> Original | None:
    """What a copy must be like, or None when there are no bytes, or no way to judge them."""
    if not image.size:
        return None
    for algorithm, length in DIGESTS.items():
        known = image.digests.get(algorithm) or (image.checksum if algorithm == "md5" else None)
        digest = (known or "").lower()
        if re.fullmatch(rf"[0-9a-f]{{{length}}}", digest):
            return Original(image.image_id, image.size, algorithm, digest)
    return None
