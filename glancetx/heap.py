"""The memory of the C library: what batches of an image leave is kept for the next ones."""

from __future__ import annotations

import ctypes

#: Parameters of mallopt(3), <malloc.h>, and what they are set to.
_SETTINGS = (
    # Blocks that are smaller come from the heap (bytes; it takes no more).
    (-3, 32 << 20),  # M_MMAP_THRESHOLD
    # The heap gives back what is free at its end only beyond this (bytes): else each batch is taken
    # from the system anew, at 140,000 page faults for a GiB (measured).
    (-1, 48 << 20),  # M_TRIM_THRESHOLD
    # One heap for all threads, so that this holds for the process: few work on it at a time anyway.
    (-8, 1),  # M_ARENA_MAX
)


def keep_freed_memory() -> None:
    """Let the process hold on to some tens of MiB once it has used them, where mallopt(3) can."""
    # Only the GNU C library has it.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in _SETTINGS:
            mallopt(parameter, value)
