"""Somebody else was first, or the image is not in a state for this."""

from __future__ import annotations

from glancetx.errors.base import GlanceError
from glancetx.image import Status


class Conflict(GlanceError):
    """Somebody else was first, or the image is not in a state for this."""


class ImageExists(Conflict):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"An image with identifier {image_id} already exists")
        self.image_id = image_id


class StatusConflict(Conflict):
    """The image was not in an expected state; ``found`` is the state it was in."""

    def __init__(self, image_id: str, found: Status) -> None:
        super().__init__("Image operation conflicts")
        self.image_id = image_id
        self.found = found


class WrongStatus(Conflict):
    """Only images in another state can be treated so."""

    def __init__(self, image_id: str, found: Status, wanted: Status) -> None:
        super().__init__(f"Image {image_id} is {found.value}, and not {wanted.value}")


class NotQueued(Conflict):
    """Bytes are written once, and this image has had its chance."""

    def __init__(self, image_id: str) -> None:
        super().__init__("Cannot upload to an unqueued image")
        self.image_id = image_id


class DataExists(Conflict):
    """The store already keeps bytes for this image and has left them alone."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"Attempt to upload duplicate image: {image_id}")
        self.image_id = image_id


class DataInUse(Conflict):
    """The store cannot delete what somebody else builds upon."""

    def __init__(self) -> None:
        super().__init__("Image could not be deleted because it is in use")


class DeletedMeanwhile(Conflict):
    """The image was deleted while its bytes were coming in."""

    def __init__(self, image_id: str) -> None:
        super().__init__(
            f"Image {image_id} could not be found after upload. "
            "The image may have been deleted during the upload."
        )
        self.image_id = image_id
