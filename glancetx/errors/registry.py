"""The registry could not do its work."""

from __future__ import annotations

from glancetx.errors.base import GlanceError


class RegistryUnavailable(GlanceError):
    def __init__(self) -> None:
        super().__init__("The image registry is unavailable. Try again later.")
