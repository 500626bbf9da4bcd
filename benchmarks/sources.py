"""Where everything lies that a run needs, and what is uploaded."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from benchmarks.targets import CHUNKED

MIB = 1 << 20

#: Bytes of one chunk of a chunked body, as python-glanceclient sends them.
CHUNK = 64 * 1024


class NoRoom(Exception):
    """There is too little of disk or memory."""


@contextmanager
def workplace(above: Path | None, needed: int) -> Iterator[Path]:
    """
    A directory with room for so many bytes, which is removed in the end.

    :raises NoRoom: when there is less room than that.
    """
    base = above or Path(os.environ.get("TMPDIR", "/var/tmp"))
    free = shutil.disk_usage(base).free
    if free < needed:
        raise NoRoom(f"{base} has {free // MIB} MiB free, and {needed // MIB} are needed")
    place = Path(tempfile.mkdtemp(prefix="glancetx-benchmarks-", dir=base))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@define
class Sources:
    """Files that are uploaded, made when they are first asked for."""

    _directory: Path
    _files: dict[tuple[int, bool], Path] = field(factory=dict, init=False)

    def file(self, size: int, framing: str) -> tuple[Path, int]:
        """A file that holds a body of this size, as it is on the wire, and the file's own size."""
        is_chunked = framing == CHUNKED
        path = self._files.get((size, is_chunked))
        if path is None:
            path = self._directory / f"source-{size}{'-chunked' if is_chunked else ''}"
            _write(path, size, is_chunked)
            self._files[size, is_chunked] = path
        return path, path.stat().st_size


def _write(path: Path, size: int, is_chunked: bool) -> None:
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for offset in range(0, size, CHUNK):
            begin = offset % MIB
            piece = block[begin : begin + min(CHUNK, size - offset)]
            file.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_chunked:
            file.write(b"0\r\n\r\n")
