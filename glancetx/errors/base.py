"""What all errors have in common."""

from __future__ import annotations


class GlanceError(Exception):
    """What glancetx raises on purpose."""
