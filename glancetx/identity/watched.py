"""Files that an operator may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

#: What tells one content of each file from the next, or None when there is no file.
Stamps = tuple[tuple[int, int, int] | None, ...]


@frozen
class _Reading(Generic[T]):
    """What came of reading: a value, or a sentence about what is wrong."""

    stamps: Stamps
    value: T | None = None
    trouble: str | None = None


@implementer(IReloadable)
class WatchedFiles(Service, Generic[T]):
    """
    ``value`` is what ``parse`` made of the files' contents, which it is given in their order.

    While the service runs they are read again when one has changed, and by `reload`; in a thread,
    for they may lie on a slow disk.
    Files that ``parse`` refuses, by a ValueError, change nothing and are told of in the log.
    After a change they are not read before all have stayed the same from one look to the next: one
    may be half written, and another still be to come.
    """

    value: T
    _log = Logger()

    def __init__(
        self, reactor: Any, paths: Sequence[Path], parse: Callable[..., T], threads: Threads
    ) -> None:
        """
        Reads the files; this blocks.

        :raises ValueError: when one cannot be read, or ``parse`` refuses them.
        """
        # Absolute, for a daemon may change its directory.
        self._paths = [path.absolute() for path in paths]
        self._parse = parse
        self._threads = threads
        self._timer = TimerService(INTERVAL, self._look)
        self._timer.clock = reactor
        first = self._read()
        if first.value is None:
            raise ValueError(first.trouble)
        self.value = first.value
        self._known = self._seen = first.stamps

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
        """Read the files now."""
        reading = await self._threads.run(self._read)
        self._known = self._seen = reading.stamps
        if reading.value is None:
            self._log.error(
                "{trouble}; what was read before stays in force", trouble=reading.trouble
            )
            return
        self.value = reading.value
        self._log.info("{path} was read", path=self._names)

    async def _look(self) -> None:
        stamps = await self._threads.run(_stamps_of, self._paths)
        is_settled, self._seen = stamps == self._seen, stamps
        if is_settled and stamps != self._known:
            await self.reload()

    @property
    def _names(self) -> str:
        return " with ".join(map(str, self._paths))

    def _read(self) -> _Reading[T]:
        # Before they are read: what is written meanwhile is a change.
        stamps = _stamps_of(self._paths)
        try:
            contents = [path.read_bytes() for path in self._paths]
        except OSError as error:
            trouble = f"{error.filename} cannot be read: {error.strerror}"
            return _Reading(stamps, trouble=trouble)
        try:
            return _Reading(stamps, self._parse(*contents))
        except (ValueError, RecursionError) as error:
            return _Reading(stamps, trouble=f"{self._names} is refused: {error}")


class WatchedFile(WatchedFiles[T]):
    """A single file."""

    def __init__(
        self, reactor: Any, path: Path, parse: Callable[[bytes], T], threads: Threads
    ) -> None:
        """
        Reads the file; this blocks.

        :raises ValueError: when it cannot be read, or ``parse`` refuses it.
        """
        super().__init__(reactor, [path], parse, threads)


def _stamps_of(paths: Sequence[Path]) -> Stamps:
    return tuple(map(_stamp_of, paths))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
