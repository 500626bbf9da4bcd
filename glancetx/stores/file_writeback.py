"""Writing to the medium begins while bytes still come, so that a sync at the end is short."""

from __future__ import annotations

import ctypes
from typing import Any

#: After so many bytes the system is told to write them.
STRETCH = 8 << 20

#: <fcntl.h>: begin to write, and wait for nothing.
_WRITE = 2


def _system_call() -> Any:
    """sync_file_range(2), which Python does not have; None where the system has not."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call


_sync_file_range = _system_call()


class Writeback:
    """
    Counts what is written to one file, and has the system begin with each stretch of it.

    This makes nothing durable: errors of the medium are told by the sync at the end.
    """

    def __init__(self) -> None:
        self._begun = 0
        self._written = 0

    def written(self, number: int, size: int) -> None:
        """So many bytes more were appended to this file; may block while the medium is busy."""
        self._written += size
        if self._written - self._begun >= STRETCH:
            begin_writing(number, self._begun, self._written - self._begun)
            self._begun = self._written


def begin_writing(number: int, start: int, size: int) -> None:
    """Have the system write a part of a file, without waiting until it is there."""
    if _sync_file_range is not None:
        _sync_file_range(number, start, size, _WRITE)
