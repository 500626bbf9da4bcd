"""
Files that are being written, and what is left of them when their writer dies.

A partial file lies in ``.partial`` of the same file system, under a name that begins with the
digits of its image: ``<digits>.<image id>.<random digits>``; former versions left out the id.
Its writer holds a lock on it, so whoever can take that lock knows that the writer is dead.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress

from twisted.logger import Logger

from glancetx.errors import DataExists, DataInUse, NoSuchData
from glancetx.files import Descriptor, closing_number, write_all
from glancetx.stores.file_tree import (
    FILE_FLAGS,
    FILE_MODE,
    PARTIALS,
    Tree,
    digits_of,
    is_regular,
    key_of,
)
from glancetx.stores.file_writeback import Writeback

_log = Logger()


class Partial:
    """
    The bytes of one image until they are complete; all methods block.

    First `create`, then `write`, at last `commit`; `abandon` undoes all of it at any point.
    """

    def __init__(self, tree: Tree, image_id: str) -> None:
        self.key = key_of(image_id)
        self._tree = tree
        self._image_id = image_id
        self._name: str | None = None
        self._file = Descriptor(-1)
        self._is_committed = False
        self._writeback = Writeback()

    def create(self) -> None:
        """
        Make the file, empty and locked.

        :raises StoreReadOnly: when the root cannot be written.
        :raises DataExists: when the image is complete already.
        """
        self._tree.check_new(self._image_id)
        with self._tree.partials(create=True) as partials:
            while True:
                self._name = _new_name(self._image_id)
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | FILE_FLAGS
                self._file = Descriptor(os.open(self._name, flags, FILE_MODE, dir_fd=partials))
                fcntl.flock(self._file.number, fcntl.LOCK_EX)
                if os.fstat(self._file.number).st_nlink:
                    break
                # A sweeper found it before we had locked it.
                self._file.close()
        os.fchmod(self._file.number, FILE_MODE)  # whatever the umask took away

    def write(self, chunk: bytes) -> None:
        """Append all of the chunk."""
        write_all(self._file, chunk)
        self._writeback.written(self._file.number, len(chunk))

    def commit(self) -> None:
        """
        Give the file its final name, durably.

        :raises DataExists: when another writer of this image was quicker.
        """
        os.fsync(self._file.number)
        name = self._existing_name()
        with (
            self._tree.partials() as partials,
            self._tree.directories_of(self._image_id) as (top, middle, leaf),
        ):
            try:
                # Unlike rename(), link() never replaces what is there.
                os.link(
                    name,
                    self._image_id,
                    src_dir_fd=partials,
                    dst_dir_fd=leaf,
                    follow_symlinks=False,
                )
            except FileExistsError:
                raise DataExists(self._image_id) from None
            self._is_committed = True
            # All three: another writer may have made a directory and not have synced it yet.
            for directory in (leaf, middle, top):
                os.fsync(directory)
            # Not synced: a partial name that comes back after a power cut is swept.
            os.unlink(name, dir_fd=partials)
        self._name = None
        self._file.close()

    def abandon(self) -> None:
        """Remove whatever there is of it, also after `commit`."""
        try:
            if self._name is not None:
                with suppress(FileNotFoundError), self._tree.partials() as partials:
                    os.unlink(self._name, dir_fd=partials)
            if self._is_committed:
                self._tree.remove(self.key)
        finally:
            self._file.close()

    def _existing_name(self) -> str:
        if self._name is None:
            raise ValueError("this partial file was not created")
        return self._name


def sweep(tree: Tree, image_id: str | None = None) -> int:
    """Remove the partial files, or those of one image, whose writers are dead; how many."""
    beginning = "" if image_id is None else f"{digits_of(image_id)}."
    swept = 0
    with suppress(FileNotFoundError), tree.partials() as partials:
        for name in os.listdir(partials):
            if name.startswith(beginning) and _remove_abandoned(name, partials):
                swept += 1
    if swept:
        _log.info("Removed {count} partial files of writers that are gone", count=swept)
    return swept


def drop(tree: Tree, key: str) -> None:
    """
    Remove one partial file, by its path below the root.

    :raises NoSuchData: when there is none.
    :raises DataInUse: when its writer lives.
    """
    directory, _, name = key.partition("/")
    if directory != PARTIALS or image_id_of_partial(name) is None:
        raise NoSuchData()
    try:
        with tree.partials() as partials:
            if not is_regular(name, partials):
                raise NoSuchData()
            if not _remove_abandoned(name, partials):
                raise DataInUse()
    except FileNotFoundError:
        raise NoSuchData() from None


def image_id_of_partial(name: str) -> str | None:
    """The image that a partial file is of, or None when its name does not tell."""
    digits, _, rest = name.partition(".")
    image_id, _, random = rest.partition(".")
    try:
        is_ours = bool(random) and key_of(image_id) and digits_of(image_id) == digits
    except ValueError:
        return None
    return image_id if is_ours else None


def _new_name(image_id: str) -> str:
    return f"{digits_of(image_id)}.{image_id}.{secrets.token_hex(8)}"


def _remove_abandoned(name: str, partials: int) -> bool:
    """Remove a partial file unless its writer lives."""
    if not is_regular(name, partials):
        return False
    with suppress(FileNotFoundError):
        with closing_number(os.open(name, os.O_RDWR | FILE_FLAGS, dir_fd=partials)) as number:
            with suppress(BlockingIOError):
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=partials)
                return True
    return False
