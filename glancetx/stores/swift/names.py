"""What objects are called, and where they are below the URL of an account."""

from __future__ import annotations

import re
from urllib.parse import quote

from attrs import frozen

from glancetx.errors import NoSuchData

#: What is appended to the name of the container of images; Swift's own clients do the same.
SEGMENTS = "_segments"

#: Bytes that the name of a container may have in Swift.
LONGEST_CONTAINER = 256

#: Names that mean themselves in a path.
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}", re.ASCII)

_SEGMENT = re.compile(r"([0-9A-Za-z][0-9A-Za-z_-]{0,127})/([0-9a-f]{16})/[0-9]{6,}", re.ASCII)


@frozen
class Object:
    """The name of an object, and of the container it is in."""

    container: str
    name: str

    @property
    def path(self) -> str:
        """Below the account, percent-encoded."""
        return f"{path_of(self.container)}/{quote(self.name)}"

    @property
    def full_name(self) -> str:
        """As manifests have it."""
        return f"/{self.container}/{self.name}"


def path_of(container: str) -> str:
    """Where a container is below the account, percent-encoded."""
    return f"/{quote(container, safe='')}"


@frozen
class Names:
    """
    The names of one store.

    An image is an object that is called as its id, which also is its key; its segments are in a
    container of their own, so that a listing of the first one shows images.
    """

    container: str

    def __attrs_post_init__(self) -> None:
        """
        :raises ValueError: when Swift would not take the name of a container.
        """
        size = len(self.segments.encode("utf-8", "surrogateescape"))
        if not self.container or "/" in self.container or size > LONGEST_CONTAINER:
            raise ValueError(
                f"a container has a name without slashes, of at most "
                f"{LONGEST_CONTAINER - len(SEGMENTS)} bytes"
            )

    @property
    def segments(self) -> str:
        """The container of segments."""
        return self.container + SEGMENTS

    def image(self, key: str) -> Object:
        """
        The object of an image.

        :raises NoSuchData: when no image of ours has such a key.
        """
        if _KEY.fullmatch(key) is None:
            raise NoSuchData()
        return Object(self.container, key)

    def prefix(self, image_id: str) -> str:
        """What the names of all segments of an image begin with, and of no other image."""
        return f"{image_id}/"

    def owner_of(self, name: str) -> tuple[str, str] | None:
        """The image and the attempt that a segment is of, or None when it is no segment of ours."""
        found = _SEGMENT.fullmatch(name)
        return None if found is None else (found[1], found[2])

    def attempt(self, image_id: str, upload: str) -> str:
        """What the names of the segments of one attempt begin with."""
        return f"{self.prefix(image_id)}{upload}/"

    def segment(self, image_id: str, upload: str, number: int) -> Object:
        """
        A segment of one attempt to upload an image.

        Two attempts never share a name, and no name is written twice: what Swift gives for a name
        that was written again may be the older object.
        """
        return Object(self.segments, f"{self.attempt(image_id, upload)}{number:06}")
