"""What tests need to know of a store and of the real server behind it."""

from __future__ import annotations

from typing import Protocol


class Backend(Protocol):
    """
    A store, set up for a server that runs, in a bucket or container of its own.

    All of it may block.
    """

    @property
    def url(self) -> str:
        """Where the server is, without a path."""

    @property
    def memory(self) -> int:
        """How many bytes more than an idle daemon one has that moves one image."""

    def store(self, url: str) -> str:
        """The value of ``--store`` for a daemon that finds the server at this address."""

    def names(self) -> list[str]:
        """Of all that lies there, finished or not: objects, segments, uploads under way."""

    def remove(self) -> None:
        """Remove the bucket or container, with all that lies there."""
