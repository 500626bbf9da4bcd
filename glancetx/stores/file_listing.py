"""
What lies below the root of a file store, a page at a time: the part that blocks.

Nothing is followed that is no directory of ours: a strange one is told as one thing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

from glancetx.errors import NoSuchData
from glancetx.holding import Holding
from glancetx.stores.file_partial import image_id_of_partial
from glancetx.stores.file_tree import PARTIALS, Tree, image_id_of

#: How many files are looked at in one go.
PAGE = 500

_DIGITS = re.compile(r"[0-9a-f]{2}")


def page_of(holdings: Iterator[Holding]) -> list[Holding]:
    """The next page; blocks."""
    return list(islice(holdings, PAGE))


def holdings_of(tree: Tree) -> Iterator[Holding]:
    """All files below the root, which must be there; every step of it blocks."""
    tree.prepare()
    yield from _partials(tree)
    for top in sorted(os.listdir(tree.root)):
        if top != PARTIALS:
            yield from _below(tree.root, top)


def look_up(tree: Tree, key: str) -> Holding | None:
    """The image at a key, or None when there is none."""
    try:
        file, _ = tree.open(key)
    except NoSuchData:
        return None
    try:
        return _holding(key, _image_id_in(key), os.fstat(file.number))
    finally:
        file.close()


def _partials(tree: Tree) -> Iterator[Holding]:
    for name in _names(f"{tree.root}/{PARTIALS}"):
        found = _look(tree.root, f"{PARTIALS}/{name}", image_id_of_partial(name))
        if found is not None:
            yield found


def _below(root: str, top: str) -> Iterator[Holding]:
    """What is at ``ab``, ``ab/cd`` and ``ab/cd/*``; no step down but where it looks like ours."""
    if not _is_ours(root, top):
        yield from _one(root, top)
        return
    for middle in _names(f"{root}/{top}"):
        path = f"{top}/{middle}"
        if not _is_ours(root, path):
            yield from _one(root, path)
            continue
        for name in _names(f"{root}/{path}"):
            yield from _one(root, f"{path}/{name}")


def _names(directory: str) -> list[str]:
    """What is in a directory; nothing when it has gone meanwhile."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(root: str, path: str) -> bool:
    """Whether this is a directory that is named as we name them."""
    if not _DIGITS.fullmatch(os.path.basename(path)):
        return False
    try:
        return stat.S_ISDIR(os.lstat(f"{root}/{path}").st_mode)
    except FileNotFoundError:
        return False


def _one(root: str, path: str) -> Iterator[Holding]:
    found = _look(root, path, _image_id_in(path))
    if found is not None:
        yield found


def _image_id_in(key: str) -> str | None:
    """Whose bytes have this key; None when it is not one of ours, as what a Glance has left."""
    with suppress(NoSuchData, UnicodeEncodeError):
        return image_id_of(key)
    return None


def _look(root: str, path: str, image_id: str | None) -> Holding | None:
    """What is at a path; None when it has gone meanwhile."""
    try:
        status = os.lstat(f"{root}/{path}")
    except FileNotFoundError:
        return None
    is_regular = stat.S_ISREG(status.st_mode)
    is_finished = not path.startswith(f"{PARTIALS}/")
    return _holding(path, image_id if is_regular else None, status, is_finished)


def _holding(
    key: str, image_id: str | None, status: os.stat_result, is_finished: bool = True
) -> Holding:
    # A link changes the time of the file's entry, and not of its bytes: the later one counts.
    moment = datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC)
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Holding(
        key=key, image_id=image_id, size=size, changed_at=moment, is_finished=is_finished
    )
