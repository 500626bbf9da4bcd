"""Keeps images in the attic: each in a file of one flat directory."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from twisted.application.service import IService, MultiService
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from glancetx.description import number
from glancetx.errors import DataExists, NoSuchData, RangeOutside, StoreFull, StoreUnavailable
from glancetx.interfaces import IByteStream, IStore
from glancetx.streams import chunks, from_chunks
from glancetx.threads import NotRunning, Threads

T = TypeVar("T")


@implementer(IStore, IService)
class AtticStore(MultiService):
    """The key of an image is its id; a file that is not finished ends in ``.partial``."""

    def __init__(self, reactor: IReactorFromThreads, root: str, threads: str = "4") -> None:
        super().__init__()
        self.root = Path(root).absolute()
        self._threads = Threads(reactor, "attic", number("threads", threads))
        self._threads.setServiceParent(self)

    async def add(self, image_id: str, data: IByteStream) -> str:
        writing = _Writing(self.root / image_id)
        try:
            await self._run(writing.begin)
            async with aclosing(chunks(data)) as incoming:
                async for chunk in incoming:
                    await self._run(writing.append, chunk)
            await self._run(writing.finish)
        except BaseException:
            await self._run(writing.undo)
            raise
        return image_id

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        path = self._path(key)
        size = (await self._run(path.stat)).st_size
        if offset > size:
            raise RangeOutside(size)
        end = size if length is None else min(size, offset + length)
        return from_chunks(self._read(path, offset, end), end - offset)

    async def _read(self, path: Path, start: int, end: int) -> AsyncGenerator[bytes, None]:
        while start < end and (chunk := await self._run(_part, path, start, end)):
            start += len(chunk)
            yield chunk

    async def delete(self, key: str) -> None:
        await self._run(self._path(key).unlink)

    async def discard(self, image_id: str) -> None:
        await self._run(_remove, self.root, image_id)

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", key):
            raise NoSuchData()
        return self.root / key

    async def _run(self, job: Callable[..., T], *arguments: Any) -> T:
        """What the job returns, from a thread; what the system says, as an error of glancetx."""
        try:
            return await self._threads.run(job, *arguments)
        except FileNotFoundError:
            raise NoSuchData() from None
        except NotRunning:
            raise StoreUnavailable() from None
        except OSError as error:
            raise (StoreFull if error.errno == errno.ENOSPC else StoreUnavailable)() from None


class _Writing:
    """A file on its way; all of it runs in threads."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.partial = final.with_name(f"{final.name}.{token_hex(8)}.partial")
        self.is_finished = False

    def begin(self) -> None:
        if self.final.exists():
            raise DataExists(self.final.name)
        self.final.parent.mkdir(parents=True, exist_ok=True)
        self.partial.touch()

    def append(self, chunk: bytes) -> None:
        with self.partial.open("r+b") as file:  # which makes none anew that was discarded
            file.seek(0, os.SEEK_END)
            file.write(chunk)

    def finish(self) -> None:
        with self.partial.open("rb") as file:
            os.fsync(file.fileno())
        try:
            os.link(self.partial, self.final)  # which, unlike a rename, overwrites nothing
        except FileExistsError:
            raise DataExists(self.final.name) from None
        self.is_finished = True
        self.partial.unlink()

    def undo(self) -> None:
        self.partial.unlink(missing_ok=True)
        if self.is_finished:  # and was cancelled in that moment
            self.final.unlink(missing_ok=True)


def _part(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(min(256 * 1024, end - start))


def _remove(root: Path, image_id: str) -> None:
    for left in (root / image_id, *root.glob(f"{image_id}.*.partial")):
        left.unlink(missing_ok=True)
