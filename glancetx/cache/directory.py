"""
The files of the cache; everything here blocks, and may be called from any thread.

A finished copy is ``images/<image id>``.
One that is being made is ``partial/<image id>.<size it will have>``; whoever makes it holds a lock
on it, so one whose lock is free has lost its maker.
Several processes share the directory: each change of it is made under the lock on ``lock``, which
is held for moments only.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from twisted.logger import Logger

from glancetx.cache.partial import Growing, Kept, NoRoom, Partial, is_free
from glancetx.cache.room import Entry, who_must_go
from glancetx.copies import Original
from glancetx.files import Descriptor, closing_number

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_PARTIAL = re.compile(rf"(?P<image_id>{_NAME.pattern})\.(?P<size>[0-9]+)")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

_log = Logger()


class Directory:
    """The files below ``root``, which together never have more than ``max_size`` bytes."""

    def __init__(self, root: str, max_size: int) -> None:
        self.root = root
        self.max_size = max_size
        self._images = os.path.join(root, "images")
        self._partials = os.path.join(root, "partial")

    def prepare(self) -> None:
        """Make the directories that are missing, for this user alone."""
        os.makedirs(self.root, 0o700, exist_ok=True)
        for directory in self._images, self._partials:
            with suppress(FileExistsError):
                os.mkdir(directory, 0o700)

    def set_up(self) -> int:
        """Make the directories, and remove what makers left who died; how many files."""
        self.prepare()
        with self.changing():
            return self._sweep()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone with the directory, among all threads of all processes."""
        path = os.path.join(self.root, "lock")
        with closing_number(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- finished copies

    def find(self, image_id: str, size: int) -> Descriptor | None:
        """The finished copy of an image, if there is one and it has the right size."""
        if not _NAME.fullmatch(image_id):
            return None
        try:
            file = Descriptor(os.open(os.path.join(self._images, image_id), _READ))
        except FileNotFoundError:
            return None
        status = os.fstat(file.number)
        return file if stat.S_ISREG(status.st_mode) and status.st_size == size else None

    def entries(self) -> dict[str, Entry]:
        """All finished copies, by image id."""
        found = {}
        for name, status in _files(self._images):
            if _NAME.fullmatch(name):
                found[name] = Entry(status.st_size, status.st_mtime)
        return found

    def has(self, image_id: str) -> bool:
        """Whether there is a copy of an image, or one is being made."""
        return image_id in self.entries() or image_id in self._promised()

    def drop(self, image_id: str) -> bool:
        """Remove a finished copy, and let one that is being made not be kept; whether there was."""
        if not _NAME.fullmatch(image_id):
            return False
        with self.changing():
            size = self._promised().get(image_id)
            _remove(self._partials, f"{image_id}.{size}")
            return _remove(self._images, image_id)

    def drop_all(self) -> list[str]:
        """As `drop`, for all; which were removed."""
        with self.changing():
            for name, _ in list(_files(self._partials)):
                _remove(self._partials, name)
            return [image_id for image_id in self.entries() if _remove(self._images, image_id)]

    # -- unfinished ones

    def begin(self, original: Original, last_used: Mapping[str, float]) -> Kept | Growing | Partial:
        """
        Begin to make a copy, having made room for it; or what others have, or make.

        ``last_used`` tells when copies were used last, in seconds of the epoch.

        :raises NoRoom: when it does not fit beside what is being made.
        """
        if not _NAME.fullmatch(original.image_id):
            raise NoRoom()
        self.prepare()
        final = os.path.join(self._images, original.image_id)
        path = os.path.join(self._partials, f"{original.image_id}.{original.size}")
        with self.changing():
            if kept := self.find(original.image_id, original.size):
                return Kept(kept)
            _remove(self._images, original.image_id)  # of another size: never one of ours
            self._sweep()
            with suppress(FileNotFoundError):
                return Growing(Descriptor(os.open(path, _READ)), self.changing)
            evicted = self._make_room(original.size, last_used)
            file = Descriptor(os.open(path, _CREATE, 0o600))
            fcntl.flock(file.number, fcntl.LOCK_EX)
        return Partial(file, path, final, self.changing, evicted)

    def _sweep(self) -> int:
        swept = 0
        for name, _ in list(_files(self._partials)):
            with suppress(FileNotFoundError):
                path = os.path.join(self._partials, name)
                with closing_number(os.open(path, _READ)) as number:
                    if is_free(number):
                        swept += _remove(self._partials, name)
        if swept:
            _log.info("Removed {count} unfinished copies of makers that are gone", count=swept)
        return swept

    def _promised(self) -> dict[str, int]:
        """The size that each copy will have that is being made, by image id."""
        matches = (_PARTIAL.fullmatch(name) for name, _ in _files(self._partials))
        return {match["image_id"]: int(match["size"]) for match in matches if match is not None}

    def _make_room(self, needed: int, last_used: Mapping[str, float]) -> list[str]:
        room = self.max_size - sum(self._promised().values())
        going = who_must_go(needed, room, self.entries(), last_used)
        if going is None:
            raise NoRoom()
        return [image_id for image_id in going if _remove(self._images, image_id)]


def _files(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """Name and status of each regular file of a directory that may be missing."""
    with suppress(FileNotFoundError), os.scandir(directory) as found:
        for each in found:
            with suppress(FileNotFoundError):
                status = each.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield each.name, status


def _remove(directory: str, name: str) -> bool:
    """Remove a file; whether there was one."""
    try:
        os.unlink(os.path.join(directory, name))
    except FileNotFoundError:
        return False
    return True
