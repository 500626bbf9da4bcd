"""How a copy is made: fetched, verified and kept, or watched while another process does it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from glancetx.cache.directory import Directory
from glancetx.cache.flight import Flight
from glancetx.cache.index import Index
from glancetx.cache.partial import Growing, Kept, Partial, Standing
from glancetx.cache.pools import Pools, attempt, run
from glancetx.clocks import time_of_day
from glancetx.copies import DIGESTS
from glancetx.deferreds import finish_first
from glancetx.errors import CacheUnavailable, DataCorrupted, TooLarge
from glancetx.interfaces import IByteStream, Source
from glancetx.streams import Metered, Metering, chunks, leave
from glancetx.threads import Threads

#: Seconds between two looks at a copy that another process makes.
INTERVAL = 0.025

#: How often a copy is begun that others begin and do not finish.
TRIES = 5

#: Bytes of memory for the batches of all copies that are being made, for each digest.
MEMORY = 24 << 20

#: Bytes that are counted and written at once: those who follow wait for them.
LARGEST_BATCH = 512 * 1024

_log = Logger()


def metering_by_digest(threads: Threads) -> dict[str, Metering]:
    """What counts and hashes copies, by the one digest that it computes."""
    return {name: Metering(threads, (name,), MEMORY, LARGEST_BATCH) for name in DIGESTS}


@define
class Made:
    """How many copies were made, and how many had to make room for others."""

    fills: int = 0
    evictions: int = 0


@frozen
class Maker:
    """Makes copies in a directory."""

    _clock: IReactorTime
    _directory: Directory
    _index: Index
    _pools: Pools
    _metering: Mapping[str, Metering]
    made: Made = field(factory=Made)

    @property
    def max_size(self) -> int:
        """How many bytes all copies may take together."""
        return self._directory.max_size

    async def make(self, flight: Flight, source: Source) -> None:
        """
        Make a copy, and let the flight know what becomes of it.

        Cancelling gives it up, unless it has landed. Never raises.
        """
        try:
            await self._make(flight, source)
        except CancelledError:
            pass  # by the flight itself, which has told everybody
        except CacheUnavailable:
            flight.lose()
        except Exception:  # noqa: BLE001 - those who follow must not wait for ever
            _log.failure("A copy of {image_id} cannot be made", image_id=flight.original.image_id)
            flight.lose()

    async def _make(self, flight: Flight, source: Source) -> None:
        for _ in range(TRIES):
            begun = await self._begin(flight)
            if isinstance(begun, Kept):
                flight.land(begun.file)
                return
            if isinstance(begun, Partial):
                await self._fill(flight, begun, source)
                return
            if await self._watch(flight, begun):
                return
        flight.lose()

    async def _begin(self, flight: Flight) -> Kept | Growing | Partial:
        uses = await attempt(self._pools.index, self._index.uses) or {}
        last_used = {image_id: use.last_accessed for image_id, use in uses.items()}
        begun: list[Kept | Growing | Partial] = []

        def begin() -> None:
            begun.append(self._directory.begin(flight.original, last_used))

        try:
            await run(self._pools.small, begin)
        except CancelledError:
            # The thread has ended first, and what it began is ours all the same.
            for each in begun:
                if isinstance(each, Partial):
                    await self._close(each)
            raise
        return begun[0]

    # -- in this process

    async def _fill(self, flight: Flight, partial: Partial, source: Source) -> None:
        try:
            if partial.evicted:
                self.made.evictions += len(partial.evicted)
                _log.info("Evicted {count} copies", count=len(partial.evicted))
                await attempt(self._pools.index, self._index.removed, partial.evicted)
            stream = await self._open(flight, source)
            if stream is not None:
                flight.begin(partial.file)
                if await self._pour(flight, partial, stream):
                    await self._keep(flight, partial)
        finally:
            await self._close(partial)

    async def _open(self, flight: Flight, source: Source) -> IByteStream | None:
        """The source, or None when there is nothing to copy."""
        try:
            stream = await source(0, None)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - it is for those who asked
            flight.fail(error)
            return None
        if stream.length not in (None, flight.original.size):
            # It lies elsewhere and has changed there: those who asked get what is there now.
            await leave(stream)
            flight.lose()
            return None
        return stream

    async def _pour(self, flight: Flight, partial: Partial, stream: IByteStream) -> bool:
        """Whether all of it is there and right."""
        metered = self._metering[flight.original.algorithm].meter(stream, flight.original.size)
        size = 0
        try:
            async with aclosing(chunks(metered)) as incoming:
                async for chunk in incoming:
                    await run(self._pools.write, partial.write, chunk)
                    size += len(chunk)
                    flight.reach(size)
        except (CancelledError, CacheUnavailable):
            raise
        except TooLarge:
            pass
        except Exception as error:  # noqa: BLE001 - it is for those who follow
            flight.fail(error)
            return False
        return await self._judge(flight, partial, metered)

    async def _judge(self, flight: Flight, partial: Partial, metered: Metered) -> bool:
        original = flight.original
        is_right = (
            metered.size == original.size and metered.digests[original.algorithm] == original.digest
        )
        await run(self._pools.small, partial.approve if is_right else partial.condemn)
        if is_right:
            flight.land()
        else:
            _log.error(
                "The store has other bytes than those of image {image_id}",
                image_id=original.image_id,
            )
            flight.fail(DataCorrupted())
        return is_right

    async def _keep(self, flight: Flight, partial: Partial) -> None:
        self.made.fills += 1
        # It has landed: those who follow wait for nothing any more.
        now = time_of_day(self._clock)
        await attempt(self._pools.index, self._index.added, flight.original.image_id, now)
        await run(self._pools.write, partial.commit)

    async def _close(self, partial: Partial) -> None:
        await finish_first(attempt(self._pools.small, partial.close))

    # -- in another process

    async def _watch(self, flight: Flight, growing: Growing) -> bool:
        """Whether it came to an end; if not, whoever made it has left it."""
        flight.begin(growing.file)
        while True:
            size, standing = await run(self._pools.small, growing.look)
            if standing is Standing.LOST:
                return False
            if standing is Standing.RIGHT:
                flight.land()
                return True
            if standing is Standing.WRONG:
                flight.fail(DataCorrupted())
                return True
            flight.reach(size)
            await deferLater(self._clock, INTERVAL)
