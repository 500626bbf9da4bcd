"""The cache of one process: hits, misses, and one flight for each image that is being copied."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.cache.directory import Directory
from glancetx.cache.flight import Flight
from glancetx.cache.index import Index, Use
from glancetx.cache.maker import Maker, metering_by_digest
from glancetx.cache.pools import Pools, attempt, make_pools, run
from glancetx.cache.streams import FollowingStream, KeptStream
from glancetx.clocks import time_of_day
from glancetx.copies import CachedImage, Original
from glancetx.deferreds import as_deferred
from glancetx.errors import RangeOutside
from glancetx.files import Descriptor, read_at
from glancetx.interfaces import IByteStream, IImageCache, Source
from glancetx.threads import Threads

#: Seconds that copies which are given up get to be cleared up, when a disk has gone for one.
PATIENCE = 10.0

_log = Logger()


@implementer(IImageCache, IService)
class ImageCache(MultiService):
    """
    Copies of images below ``directory``, together at most ``max_size`` bytes.

    A copy of which nothing comes for ``stall_time`` seconds is given up; 0 waits for ever.
    ``hashing`` are the threads that verify; they belong to somebody else.
    """

    def __init__(
        self,
        reactor: Any,
        directory: str,
        max_size: int,
        stall_time: float,
        hashing: Threads,
        pools: Pools | None = None,
    ) -> None:
        super().__init__()
        self.hits = self.joins = self.misses = self.bytes_given = 0
        self._clock = reactor
        self._stall_time = stall_time
        self._pools = make_pools(reactor) if pools is None else pools
        # Absolute, because a daemon changes its working directory.
        self._directory = Directory(os.path.abspath(directory), max_size)
        self._index = Index(os.path.join(self._directory.root, "index.sqlite"))
        self.maker = Maker(
            reactor, self._directory, self._index, self._pools, metering_by_digest(hashing)
        )
        self._flights: dict[str, Flight] = {}
        for pool in self._pools.all:
            self.addService(pool)

    # -- its life

    def startService(self) -> None:
        super().startService()
        ensureDeferred(self._prepare())

    def stopService(self) -> Deferred[None]:
        """Give up what is being made, and fire when nothing of it is left."""
        self.running = False
        return ensureDeferred(self._stop())

    async def _prepare(self) -> None:
        if await attempt(self._pools.small, self._directory.set_up) is not None:
            entries = await attempt(self._pools.small, self._directory.entries)
            if entries is not None:
                await attempt(self._pools.index, self._index.keep_only, entries)

    async def _stop(self) -> None:
        flights = list(self._flights.values())
        for flight in flights:
            flight.stop()
        ends = [as_deferred(flight.until_over()) for flight in flights]
        all_over = gatherResults(ends, consumeErrors=True)
        all_over.addTimeout(PATIENCE, self._clock)
        await all_over.addErrback(lambda _: _log.warn("copies are left to whoever comes next"))
        # Done before its thread ends, which is waited for.
        ensureDeferred(attempt(self._pools.index, self._index.close))
        await maybeDeferred(super().stopService)

    # -- downloads

    async def open(
        self, original: Original, source: Source, offset: int = 0, length: int | None = None
    ) -> IByteStream:
        if offset > original.size:
            raise RangeOutside(original.size)
        end = original.size if length is None else min(offset + length, original.size)
        is_whole = offset == 0 and end == original.size
        flight = self._flights.get(original.image_id)
        if is_whole and flight is not None and flight.is_under_way:
            return await self._follow(original, source)
        file = await self._find(original)
        if file is not None and (own := _shared(file)) is not None:
            return self._give(original.image_id, own, offset, end)
        if is_whole and self.running and self.can_hold(original):
            return await self._follow(original, source)
        self.misses += 1
        return await source(offset, length)

    async def fill(self, original: Original, source: Source) -> bool:
        if not self.running or not self.can_hold(original):
            return False
        if await self._find(original) is not None:
            return True
        flight, _ = await self._flight(original, source)
        flight.join()
        try:
            await flight.until_over()
            flight.check_failed()
        finally:
            flight.leave()
        return await self._find(original) is not None

    def can_hold(self, original: Original) -> bool:
        return original.size <= self._directory.max_size

    async def holds(self, original: Original) -> bool:
        return await self._find(original) is not None

    async def _find(self, original: Original) -> Descriptor | None:
        flight = self._flights.get(original.image_id)
        if flight is not None and flight.landed is not None:
            return flight.landed
        find = self._directory.find
        return await attempt(self._pools.small, find, original.image_id, original.size)

    def _give(self, image_id: str, file: Descriptor, start: int, end: int) -> IByteStream:
        def given() -> None:
            self.bytes_given += end - start
            # Nobody waits for it.
            now = time_of_day(self._clock)
            ensureDeferred(attempt(self._pools.index, self._index.given, image_id, now))

        def failed() -> None:
            _log.error("The copy of {image_id} cannot be read: it goes", image_id=image_id)
            ensureDeferred(attempt(self._pools.small, self._directory.drop, image_id))

        self.hits += 1
        read = partial(attempt, self._pools.read)
        return KeptStream(file, start, end - start, read, given, failed)

    async def _read(self, file: Descriptor, size: int, position: int) -> bytes | None:
        return await attempt(self._pools.read, read_at, file, size, position)

    # -- copies that are being made

    async def _follow(self, original: Original, source: Source) -> IByteStream:
        flight, is_new = await self._flight(original, source)
        if is_new:
            self.misses += 1
        else:
            self.joins += 1
        stream = FollowingStream(flight, source, self._read)
        try:
            if await flight.until_begun():
                return stream
        except BaseException:
            flight.leave()
            raise
        flight.leave()
        return await source(0, None)

    async def _flight(self, original: Original, source: Source) -> tuple[Flight, bool]:
        """The flight that leads to a copy, and whether it has just been begun."""
        while (flight := self._flights.get(original.image_id)) is not None:
            if flight.is_under_way or flight.landed is not None:
                return flight, False
            # Whoever makes it clears up first.
            await flight.until_over()
        flight = Flight(self._clock, original, self._stall_time, lambda: making.cancel())
        self._flights[original.image_id] = flight
        making = ensureDeferred(self._make(flight, source))
        return flight, True

    async def _make(self, flight: Flight, source: Source) -> None:
        try:
            await self.maker.make(flight, source)
        finally:
            del self._flights[flight.original.image_id]
            flight.over()

    # -- management

    async def entries(self) -> list[CachedImage]:
        files = await run(self._pools.small, self._directory.entries)
        uses = await attempt(self._pools.index, self._index.uses) or {}
        found = []
        for image_id, file in sorted(files.items()):
            use = uses.get(image_id, Use(0, file.modified))
            copy = CachedImage(
                image_id=image_id,
                size=file.size,
                hits=use.hits,
                last_accessed=use.last_accessed,
                last_modified=file.modified,
            )
            found.append(copy)
        return found

    async def drop(self, image_id: str) -> bool:
        was_there = await run(self._pools.small, self._directory.drop, image_id)
        await attempt(self._pools.index, self._index.removed, [image_id])
        return was_there

    async def drop_all(self) -> int:
        dropped = await run(self._pools.small, self._directory.drop_all)
        await attempt(self._pools.index, self._index.removed, dropped)
        return len(dropped)

    async def queue(self, image_id: str) -> None:
        if not await run(self._pools.small, self._directory.has, image_id):
            await run(self._pools.index, self._index.queue, image_id)

    async def queued(self) -> list[str]:
        return await run(self._pools.index, self._index.queued)

    async def unqueue(self, image_id: str) -> bool:
        return await run(self._pools.index, self._index.unqueue, image_id)

    async def unqueue_all(self) -> int:
        return await run(self._pools.index, self._index.unqueue_all)


def _shared(file: Descriptor) -> Descriptor | None:
    """
    The file for a stream, which closes it: that of a copy which has just landed is given to others.

    None when we have as many files open as we may.
    """
    try:
        return Descriptor(os.dup(file.number))
    except OSError as error:
        _log.error("A copy cannot be given: {reason}", reason=error.strerror)
        return None
