"""This caller may not do this."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class Refused(GlanceError):
    """It exists, and this caller may not do this to it."""


class NotAllowed(Refused):
    def __init__(self, sentence: str = "You are not authorized to complete this action.") -> None:
        super().__init__(sentence)


class ReadOnly(Refused):
    def __init__(self) -> None:
        super().__init__("Read-only access")


class NotAuthenticated(Refused):
    """Nobody knows who asks, or for whom."""

    def __init__(self) -> None:
        super().__init__("No authenticated user")


class ImageProtected(Refused):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"Image {image_id} is protected and cannot be deleted.")
        self.image_id = image_id


class ImageDeactivated(Refused):
    def __init__(self, image_id: str) -> None:
        super().__init__(f"The requested image {image_id} is deactivated.")
        self.image_id = image_id


class Immutable(Refused):
    """An attribute that this image no longer lets anybody change."""

    def __init__(self, attribute: str, of: str = "image") -> None:
        super().__init__(f"Forbidden to modify '{attribute}' of {of}.")
        self.attribute = attribute


class IdentityUnavailable(GlanceError):
    def __init__(self) -> None:
        super().__init__("The identity service is unavailable. Try again later.")
