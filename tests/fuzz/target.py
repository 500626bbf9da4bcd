"""What a target is."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class Target:
    """
    A codec to be fed.

    ``check`` takes any bytes, and raises when the codec raised anything but what it documents, or
    a property of it does not hold.
    ``seeds`` are inputs to begin with.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def text(data: bytes) -> str:
    """Any bytes as a text that could have come from outside: half characters stay out."""
    return data.decode("utf-8", "replace")


def claim(holds: bool, what: str, *about: object) -> None:
    """
    :raises AssertionError: unless it holds.
    """
    if not holds:
        raise AssertionError(f"{what}: {about!r}")
