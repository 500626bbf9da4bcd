"""Images as files below a directory, all file work in bounded threads."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import ParamSpec, TypeVar

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.description import number
from glancetx.errors import (
    NoSuchData,
    RangeOutside,
    StoreError,
    StoreForbids,
    StoreFull,
    StoreUnavailable,
)
from glancetx.holding import Holding
from glancetx.interfaces import IByteStream, IListedStore, IProbed
from glancetx.stores.file_listing import holdings_of, look_up, page_of
from glancetx.stores.file_partial import Partial, drop, sweep
from glancetx.stores.file_tree import Tree, key_of
from glancetx.streams import chunks
from glancetx.streams.span import FileSpan, FileStream
from glancetx.threads import NotRunning, Threads

P = ParamSpec("P")
T = TypeVar("T")

#: Threads for what is quick or syncs, so that it never queues behind reading and writing.
SMALL_THREADS = 4

#: What is given, by the option sendfile.
_STREAMS = {"on": FileSpan, "off": FileStream}

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}

_log = Logger()


@implementer(IListedStore, IService, IProbed)
class FileStore(MultiService):
    """
    Keeps each image in a file of its own below ``directory``.

    The file system must know hard links and locks, as local ones and NFS do.
    Several daemons, also on several hosts, may share the directory.
    A directory that cannot be written when the store starts makes it a read-only store.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        directory: str,
        threads: str = "8",
        sendfile: str = "on",
    ) -> None:
        super().__init__()
        if not directory:
            raise ValueError("the directory is missing")
        if sendfile not in _STREAMS:
            raise ValueError("sendfile must be on or off")
        self._stream = _STREAMS[sendfile]
        # Absolute, because a daemon changes its working directory.
        self._tree = Tree(os.path.abspath(directory))
        self._bulk = Threads(reactor, "file-bulk", number("threads", threads))
        self._small = Threads(reactor, "file-small", SMALL_THREADS)
        self.addService(self._bulk)
        self.addService(self._small)

    def startService(self) -> Deferred[None]:
        """Fires when the directory is prepared, for those who want that to be over."""
        super().startService()
        return self._small.run(self._start).addErrback(
            lambda failure: _log.failure("Preparing {root}", failure, root=self._tree.root)
        )

    def _start(self) -> None:
        self._tree.prepare()
        if not self._tree.is_read_only:
            sweep(self._tree)

    async def sweep(self) -> int:
        """Remove what writers left who died, in this or another daemon; how many files."""
        return await self._run(self._small, sweep, self._tree)

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        """
        As every store.

        The stream has the file open from now on: a deletion does not touch it.
        One that is never poured closes the file when it is forgotten.
        """
        file, size = await self._run(self._small, self._tree.open, key)
        if offset > size:
            file.close()
            raise RangeOutside(size)
        end = size if length is None else min(offset + length, size)
        run = partial(self._run, self._bulk)
        return self._stream(file, offset, end - offset, run)

    async def add(self, image_id: str, data: IByteStream) -> str:
        file = Partial(self._tree, image_id)
        try:
            await self._run(self._small, file.create)
            async with aclosing(chunks(data, ahead=False)) as incoming:
                async for chunk in incoming:
                    await self._run(self._bulk, file.write, chunk)
                    # What is written need not stay until the next one comes.
                    del chunk
            await self._run(self._small, file.commit)
        except BaseException:
            await self._abandon(file)
            raise
        return file.key

    async def _abandon(self, file: Partial) -> None:
        # Errors are logged already, what is left is swept, and what came first matters more.
        with suppress(StoreError, NoSuchData):
            await self._run(self._small, file.abandon)

    async def delete(self, key: str) -> None:
        await self._run(self._small, self._tree.remove, key)

    async def discard(self, image_id: str) -> None:
        await self._run(self._small, self._discard, image_id)

    async def listing(self) -> AsyncGenerator[Holding, None]:
        holdings = holdings_of(self._tree)
        while page := await self._run(self._bulk, page_of, holdings):
            for holding in page:
                yield holding

    async def look_up(self, key: str) -> Holding | None:
        return await self._run(self._small, look_up, self._tree, key)

    async def drop_unfinished(self, key: str) -> None:
        await self._run(self._small, drop, self._tree, key)

    async def free_space(self) -> int | None:
        return await self._run(self._small, self._tree.free_space)

    def _discard(self, image_id: str) -> None:
        sweep(self._tree, image_id)
        with suppress(NoSuchData):
            self._tree.remove(key_of(image_id))

    async def check_ready(self) -> None:
        """As every store that can tell; one that is only read need not be writable."""
        await self._run(self._small, self._tree.check_ready)

    async def _run(
        self, threads: Threads, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the job returns, in one of the threads; what the system says, as ours."""
        try:
            return await threads.run(job, *args, **kwargs)
        except OSError as error:
            raise _as_ours(error) from error
        except NotRunning:
            raise StoreUnavailable() from None


def _as_ours(error: OSError) -> StoreError:
    """
    The error of ours that says as much, and nothing of paths.

    A missing file is not among them: where one is expected it is noticed at once.
    """
    name = errno.errorcode.get(error.errno or 0, "unknown")
    _log.error("The file system says {code}: {reason}", code=name, reason=error.strerror)
    if error.errno in _FULL:
        return StoreFull()
    if error.errno in _FORBIDDEN:
        return StoreForbids()
    return StoreUnavailable()
