"""A store could not do its work."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class StoreError(GlanceError):
    """A store could not do its work."""


class StoreFull(StoreError):
    def __init__(self) -> None:
        super().__init__("Image storage media is full: there is no room for this image.")


class StoreForbids(StoreError):
    """The store's medium denies writing or reading at run time."""

    def __init__(self) -> None:
        super().__init__("Insufficient permissions on image storage media.")


class StoreReadOnly(StoreError):
    """The store was set up not to take images."""

    def __init__(self) -> None:
        super().__init__("Adding images to store is disabled.")


class StoreFailed(StoreError):
    """Something was begun on a store and did not succeed; the sentence says what."""


class StoreUnavailable(StoreError):
    def __init__(self) -> None:
        super().__init__("The image store is unavailable. Try again later.")


class DataCorrupted(StoreError):
    """The store has other bytes than those that the image is known to have."""

    def __init__(self) -> None:
        super().__init__("The image store gave other bytes than those of the image.")


class CacheUnavailable(GlanceError):
    """The cache of images cannot do its work; what it was asked for has to come from elsewhere."""

    def __init__(self) -> None:
        super().__init__("The image cache is unavailable. Try again later.")
