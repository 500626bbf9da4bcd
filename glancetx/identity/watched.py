"""A file that an operator may change at any time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import frozen
from twisted.application.internet import TimerService
from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.interfaces import IReloadable
from glancetx.threads import Threads

T = TypeVar("T")

#: Seconds between two looks at the file.
INTERVAL = 1.0

#: What tells one content of a file from the next, or None when there is no file.
Stamp = tuple[int, int, int] | None


@frozen
class _Reading(Generic[T]):
    """What came of reading: a value, or a sentence about what is wrong."""

    stamp: Stamp
    value: T | None = None
    trouble: str | None = None


@implementer(IReloadable)
class WatchedFile(Service, Generic[T]):
    """
    ``value`` is what ``parse`` made of the file's content.

    While the service runs it is read again when the file has changed, and by `reload`; in a thread,
    for the file may lie on a slow disk.
    A file that ``parse`` refuses, by a ValueError, changes nothing and is told of in the log.
    One that was changed is not read before it has stayed the same from one look to the next: it
    may be half written.
    """

    value: T
    _log = Logger()

    def __init__(
        self, reactor: Any, path: Path, parse: Callable[[bytes], T], threads: Threads
    ) -> None:
        """
        Reads the file; this blocks.

        :raises ValueError: when the file cannot be read, or ``parse`` refuses it.
        """
        # Absolute, for a daemon may change its directory.
        self._path = path.absolute()
        self._parse = parse
        self._threads = threads
        self._timer = TimerService(INTERVAL, self._look)
        self._timer.clock = reactor
        first = self._read()
        if first.value is None:
            raise ValueError(first.trouble)
        self.value = first.value
        self._known = self._seen = first.stamp

    def startService(self) -> None:
        super().startService()
        self._threads.startService()
        self._timer.startService()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        looked = maybeDeferred(self._timer.stopService)
        await maybeDeferred(self._threads.stopService)
        await looked

    async def reload(self) -> None:
        """Read the file now."""
        reading = await self._threads.run(self._read)
        self._known = self._seen = reading.stamp
        if reading.value is None:
            self._log.error(
                "{trouble}; what was read before stays in force", trouble=reading.trouble
            )
            return
        self.value = reading.value
        self._log.info("{path} was read", path=str(self._path))

    async def _look(self) -> None:
        stamp = await self._threads.run(_stamp_of, self._path)
        is_settled, self._seen = stamp == self._seen, stamp
        if is_settled and stamp != self._known:
            await self.reload()

    def _read(self) -> _Reading[T]:
        stamp: Stamp = None
        try:
            with self._path.open("rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))
                return _Reading(stamp, self._parse(file.read()))
        except OSError as error:
            return _Reading(stamp, trouble=f"{self._path} cannot be read: {error.strerror}")
        except (ValueError, RecursionError) as error:
            return _Reading(stamp, trouble=f"{self._path} is refused: {error}")


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stamp_of(path: Path) -> Stamp:
    try:
        return _stamp(path.stat())
    except OSError:
        return None
