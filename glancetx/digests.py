"""Which digests of images are computed."""

from __future__ import annotations

import hashlib

#: What v1 shows, and what other interfaces and content addressing need.
DEFAULT_DIGESTS = ("md5", "sha256")


def is_digest(name: str) -> bool:
    """Whether hashlib can compute it, with a result of a fixed length."""
    try:
        return hashlib.new(name, usedforsecurity=False).digest_size > 0
    except ValueError:
        return False
