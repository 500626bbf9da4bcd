"""
Images as files below one root directory: the part of the file store that blocks.

An image lies at ``ab/cd/<image id>``, where ``abcd…`` is the SHA-256 of its id; what is not
finished lies in ``.partial`` (see `glancetx.stores.file_partial`).
One that was taken over from Glance, which has all files in one directory, lies below the root.
Every path is walked from the root by directory descriptors that follow no symbolic link.
Everything here raises OSError as the system does; the store turns it into errors of ours.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

from twisted.logger import Logger

from glancetx.errors import DataExists, NoSuchData, StoreReadOnly
from glancetx.files import Descriptor, closing_number, free_space

PARTIALS = ".partial"
FILE_MODE = 0o640
DIRECTORY_MODE = 0o750

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_WALK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
#: How files are opened. Without O_NONBLOCK the opening of a FIFO would wait for its other end.
FILE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK
#: What the system says where no image of ours can be: no entry, a symbolic link, a file where a
#: directory should be.
_NOT_THERE = {errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}

_log = Logger()


def key_of(image_id: str) -> str:
    """
    Where an image lies, relative to the root.

    :raises ValueError: when the id cannot be the name of a file.
    """
    if not _NAME.fullmatch(image_id):
        raise ValueError("the image id cannot be the name of a file")
    digits = digits_of(image_id)
    return f"{digits[:2]}/{digits[2:4]}/{image_id}"


def image_id_of(key: str) -> str:
    """
    The image that lies at this key.

    :raises NoSuchData: when the key is not exactly one that `key_of` makes.
    """
    image_id = key[len("ab/cd/") :]
    if not _NAME.fullmatch(image_id) or key_of(image_id) != key:
        raise NoSuchData()
    return image_id


def digits_of(image_id: str) -> str:
    """What stands for the image in names of directories and partial files."""
    return hashlib.sha256(image_id.encode("ascii")).hexdigest()


class Tree:
    """The files below ``root``; all methods block, and may be called from any thread."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.is_read_only = False
        self._preparing = Lock()
        self._is_prepared = False

    def open(self, key: str) -> tuple[Descriptor, int]:
        """
        An image's file and its size in bytes.

        :raises NoSuchData: when there is none.
        """
        with self._place(key) as (leaf, name):
            try:
                file = Descriptor(os.open(name, os.O_RDONLY | FILE_FLAGS, dir_fd=leaf))
            except OSError as error:
                raise _no_such_data(error) from None
        status = os.fstat(file.number)
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise NoSuchData()
        return file, status.st_size

    def remove(self, key: str) -> None:
        """
        Remove an image, durably; whoever has it open may read on.

        :raises NoSuchData: when there is none.
        """
        with self._place(key) as (leaf, name):
            if not is_regular(name, leaf):
                raise NoSuchData()
            try:
                os.unlink(name, dir_fd=leaf)
            except FileNotFoundError:
                raise NoSuchData() from None
            os.fsync(leaf)

    def prepare(self) -> None:
        """
        Make sure of the root, once, and find out whether it can be written.

        Whoever comes while another thread is at it waits.
        """
        with self._preparing:
            if self._is_prepared:
                return
            try:
                self._make_root()
                self._try_to_write()
            except OSError as error:
                if error.errno not in _DENIED:
                    raise
                self.is_read_only = True
                _log.warn(
                    "{root} cannot be written ({code}): images are only read from it",
                    root=self.root,
                    code=errno.errorcode.get(error.errno or 0),
                )
            self._is_prepared = True

    def _make_root(self) -> None:
        if not os.path.isdir(self.root):
            os.makedirs(self.root, DIRECTORY_MODE, exist_ok=True)
            os.chmod(self.root, DIRECTORY_MODE)

    def _try_to_write(self) -> None:
        # Permission bits do not tell: not to root, nor on a read-only mount.
        name = f"probe.{secrets.token_hex(8)}"
        with self.partials(create=True) as partials:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL, FILE_MODE, dir_fd=partials))
            with suppress(FileNotFoundError):  # another daemon's sweep was quicker
                os.unlink(name, dir_fd=partials)

    def check_ready(self) -> None:
        """
        :raises OSError: when the root can neither be read, nor, if it could be before, written.
        """
        self.prepare()
        if self.is_read_only:
            with os.scandir(self.root) as found:
                next(found, None)
        else:
            self._try_to_write()

    def free_space(self) -> int:
        """How many bytes its file system has left for us."""
        self.prepare()
        return free_space(self.root)

    def check_new(self, image_id: str) -> None:
        """
        :raises StoreReadOnly: when the root cannot be written.
        :raises DataExists: when the image is here already.
        """
        self.prepare()
        if self.is_read_only:
            raise StoreReadOnly()
        with suppress(NoSuchData), self._leaf(image_id) as leaf, suppress(FileNotFoundError):
            os.stat(image_id, dir_fd=leaf, follow_symlinks=False)
            raise DataExists(image_id)

    @contextmanager
    def partials(self, create: bool = False) -> Iterator[int]:
        """The directory of the partial files, open."""
        with self._top() as top, _inside(PARTIALS, top, create) as partials:
            yield partials

    @contextmanager
    def directories_of(self, image_id: str) -> Iterator[tuple[int, int, int]]:
        """The directories above an image, from the root down, made where they are missing."""
        digits = digits_of(image_id)
        with (
            self._top() as top,
            _inside(digits[:2], top, True) as middle,
            _inside(digits[2:4], middle, True) as leaf,
        ):
            yield top, middle, leaf

    @contextmanager
    def _top(self) -> Iterator[int]:
        # The root itself may be a symbolic link: it is the operator's word, not a client's.
        with closing_number(os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)) as top:
            yield top

    @contextmanager
    def _place(self, key: str) -> Iterator[tuple[int, str]]:
        """The directory of what has this key, and its name there; NoSuchData when it has none."""
        self.prepare()
        if _NAME.fullmatch(key):
            with self._top() as top:
                yield top, key
        else:
            with self._leaf(image_id := image_id_of(key)) as leaf:
                yield leaf, image_id

    @contextmanager
    def _leaf(self, image_id: str) -> Iterator[int]:
        """The directory of an image, which is not made; NoSuchData when it is missing."""
        digits = digits_of(image_id)
        with self._top() as top:
            try:
                middle = os.open(digits[:2], _WALK, dir_fd=top)
                with closing_number(middle):
                    leaf = os.open(digits[2:4], _WALK, dir_fd=middle)
            except OSError as error:
                raise _no_such_data(error) from None
        with closing_number(leaf):
            yield leaf


@contextmanager
def _inside(name: str, above: int, create: bool) -> Iterator[int]:
    made = False
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, DIRECTORY_MODE, dir_fd=above)
            made = True
    with closing_number(os.open(name, _WALK, dir_fd=above)) as directory:
        if made:
            os.fchmod(directory, DIRECTORY_MODE)  # whatever the umask took away
        yield directory


def _no_such_data(error: OSError) -> Exception:
    return NoSuchData() if error.errno in _NOT_THERE else error


def is_regular(name: str, directory: int) -> bool:
    """Whether there is a file of this name, and neither a link nor anything stranger."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode)
