"""Memory that the host of a virtual machine has given already."""

from __future__ import annotations

import mmap


class Warmth:
    """
    So many bytes of memory, touched, and given back step by step as others need them.

    What the host has taken of a virtual machine's memory costs ten times as much when it is first
    touched, which would be charged to whoever writes next.
    A host takes whatever was free for half a second, in pieces as large as a file's cache is made
    of: so these are what is touched, and none of them is free before it is wanted.
    """

    def __init__(self, size: int) -> None:
        self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._given = 0
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        for offset in range(0, size, mmap.PAGESIZE):
            self._memory[offset] = 1

    def give(self, size: int) -> None:
        """Give back so many bytes more; a multiple of the size of a page."""
        size = min(size, len(self._memory) - self._given)
        if size > 0:
            self._memory.madvise(mmap.MADV_DONTNEED, self._given, size)
            self._given += size

    def close(self) -> None:
        """Give back the rest."""
        self._memory.close()
