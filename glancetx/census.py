"""How many images there are."""

from __future__ import annotations

from attrs import frozen

from glancetx.image import Status


@frozen
class Tally:
    """The images in one status: how many they are, and their sizes by their records in bytes."""

    status: Status
    images: int
    size: int
