"""Bytes that lie in an open file: poured as a stream, or sent by the kernel."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from twisted.internet.interfaces import IConsumer
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.deferreds import as_deferred, shield
from glancetx.errors import StoreUnavailable
from glancetx.files import Descriptor, read_at
from glancetx.interfaces import IByteStream, IFileSpan
from glancetx.streams.chunks import from_chunks

#: How many bytes are read at once when they are poured.
READ_SIZE = 256 * 1024

#: Of so many bytes one is asked for, to find out whether all of them are in memory.
STRIDE = 512 * 1024

#: Runs a job that blocks; what the system says comes as StoreError.
Run = Callable[..., Awaitable[Any]]

_log = Logger()


@implementer(IByteStream)
class FileStream:
    """
    ``length`` bytes from ``start`` on of an open file, which belongs to the stream from now on.

    ``run`` does in threads what would block.
    """

    def __init__(self, file: Descriptor, start: int, length: int, run: Run) -> None:
        self.start = start
        self.length = length
        self._file = file
        self._run = run

    async def flow_to(self, consumer: IConsumer) -> None:
        await from_chunks(self._read(), self.length).flow_to(consumer)

    async def _read(self) -> AsyncGenerator[bytes, None]:
        start, end = self.start, self.start + self.length
        try:
            while start < end:
                size = min(READ_SIZE, end - start)
                chunk = await self._run(read_at, self._file, size, start)
                if not chunk:
                    _log.error("A file was cut short while it was read")
                    raise StoreUnavailable()
                start += len(chunk)
                yield chunk
        finally:
            self._file.close()


@implementer(IFileSpan)
class FileSpan(FileStream):
    """The same bytes, which the kernel may send by itself."""

    _fetching = 0
    _is_closed = False

    @property
    def number(self) -> int:
        return self._file.number

    def is_at_hand(self, start: int, size: int) -> bool:
        probe = [bytearray(1)]
        last = start + size - 1
        try:
            for position in (*range(start, last, STRIDE), last):
                os.preadv(self.number, probe, position, os.RWF_NOWAIT)
        except OSError:
            # Not in memory, or on a file system that cannot tell.
            return False
        return True

    def fetch(self, start: int, size: int) -> Awaitable[None]:
        self._fetching += 1
        fetching = as_deferred(self._run(_load, self.number, start, size))
        return shield(fetching.addBoth(self._fetched))

    def close(self, sent: int, error: BaseException | None = None) -> None:
        self._is_closed = True
        self._close_unused()

    def _fetched(self, result: Any) -> Any:
        self._fetching -= 1
        self._close_unused()
        return result

    def _close_unused(self) -> None:
        # A thread that reads must never find another file under our number.
        if self._is_closed and not self._fetching:
            self._file.close()


def _load(number: int, start: int, size: int) -> None:
    """Read a part of a file, and have the medium go on with as much behind it."""
    os.posix_fadvise(number, start + size, size, os.POSIX_FADV_WILLNEED)
    buffer, end = bytearray(READ_SIZE), start + size
    while start < end and (read := os.preadv(number, [buffer], start)):
        start += read
