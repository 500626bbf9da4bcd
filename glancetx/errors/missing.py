"""It does not exist, or must not be known to exist."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class NotFound(GlanceError):
    """It does not exist, or must not be known to exist."""


class NoSuchImage(NotFound):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image with identifier {image_id} not found")
        self.image_id = image_id


class ImageNotActive(NotFound):
    """There is a record, but no bytes to give."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} is not active")
        self.image_id = image_id


class ImageDeleted(NotFound):
    """An operator sees the record, but what is asked for has gone with the image."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image with identifier {image_id} has been deleted.")
        self.image_id = image_id


class NoSuchMember(NotFound):
    def __init__(self, image_id: str, member: str) -> None:
        super().__init__("Membership could not be found")
        self.image_id = image_id
        self.member = member


class MayNotShare(NotFound):
    """He sees the image, and has no say in who else does."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"No permission to share image {image_id}")
        self.image_id = image_id


class NoSuchData(NotFound):
    """The store has nothing (any more) under this key."""

    def __init__(self, what: str = "image data") -> None:
        super().__init__(f"The store could not find {what}")
