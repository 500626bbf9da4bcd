"""Open files, by their numbers; everything here blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class Descriptor:
    """An open file's number, closed at the latest when nobody refers to it any more."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)

    __del__ = close


@contextmanager
def closing_number(number: int) -> Iterator[int]:
    """Close an open file by its number."""
    try:
        yield number
    finally:
        os.close(number)


def write_all(file: Descriptor, data: bytes) -> None:
    """Append all of the data, in as many pieces as the system likes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file.number, rest) :]


def free_space(path: str) -> int:
    """How many bytes we may still write on the file system of a path."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def read_at(file: Descriptor, size: int, position: int) -> bytes:
    """
    At most ``size`` bytes from a position on; none at the end.

    The file stays open meanwhile, whoever else lets go of it.
    """
    return os.pread(file.number, size, position)
