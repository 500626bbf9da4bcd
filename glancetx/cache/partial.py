"""
A copy that is being made, as its maker and as others see it; everything here blocks.

What its maker found out is told by the mode of the file, which whoever has it open sees, also
when the file has been renamed or removed since.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from enum import Enum

from attrs import frozen

from glancetx.files import Descriptor, write_all


class Standing(Enum):
    """What a copy is; the values are modes of its file, but for that of one nobody works on."""

    GROWING = 0o600
    RIGHT = 0o400
    WRONG = 0o500
    LOST = -1


class NoRoom(OSError):
    """There is no room in the cache for another copy."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "no room in the cache")


@frozen
class Kept:
    """A finished copy."""

    file: Descriptor


@frozen
class Growing:
    """A copy that another process makes."""

    file: Descriptor
    _changing: Callable[[], AbstractContextManager[None]]

    def look(self) -> tuple[int, Standing]:
        """How many bytes it has now, and what has become of it."""
        is_left = self._is_left()
        # In this order, since its maker says what it is before he leaves it.
        status = os.fstat(self.file.number)
        standing = Standing(status.st_mode & 0o700)
        if standing is Standing.GROWING and is_left:
            standing = Standing.LOST
        return status.st_size, standing

    def _is_left(self) -> bool:
        # Whoever tries a lock has it for a moment: under this one nobody is misled by that.
        with self._changing():
            return is_free(self.file.number)


class Partial:
    """
    A copy that we make: first `write`, then `approve` and `commit`, or `condemn`.

    `close` ends it in any case.
    ``evicted`` are the images whose copies had to go for it.
    """

    def __init__(
        self,
        file: Descriptor,
        path: str,
        final: str,
        changing: Callable[[], AbstractContextManager[None]],
        evicted: Sequence[str],
    ) -> None:
        self.file = file
        self.evicted = tuple(evicted)
        self._path = path
        self._final = final
        self._changing = changing

    def write(self, data: bytes) -> None:
        """Append all of the data."""
        write_all(self.file, data)

    def approve(self) -> None:
        """Tell those who follow that it is as it should be."""
        os.fchmod(self.file.number, Standing.RIGHT.value)

    def condemn(self) -> None:
        """Tell them that it is not."""
        os.fchmod(self.file.number, Standing.WRONG.value)

    def commit(self) -> None:
        """
        Keep it, safe on the disk, unless somebody has dropped it meanwhile.

        A name that is lost with the power is no harm: it is a cache.
        """
        os.fsync(self.file.number)
        with self._changing():
            if self._is_named():
                os.rename(self._path, self._final)

    def close(self) -> None:
        """Remove it unless it is kept, and leave it; whoever has it open may read on."""
        with self._changing():
            if self._is_named():
                os.unlink(self._path)
            fcntl.flock(self.file.number, fcntl.LOCK_UN)

    def _is_named(self) -> bool:
        """Whether the name of the partial file is still ours."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.stat(self._path), os.fstat(self.file.number))
        return False


def is_free(number: int) -> bool:
    """Whether nobody has a lock on an open file."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(number, fcntl.LOCK_UN)
    return True
