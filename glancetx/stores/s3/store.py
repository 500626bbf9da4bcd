"""The store that keeps images in a bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from attrs import frozen
from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.errors import DataExists, GlanceError, NoSuchData, StoreFull, StoreUnavailable
from glancetx.holding import Holding
from glancetx.httpclient import Backoff, Server
from glancetx.httpclient.ranges import Asked
from glancetx.interfaces import IByteStream, IListedStore, IProbed, IReloadable
from glancetx.stores.s3.adding import Adding, abort_all
from glancetx.stores.s3.addressing import Place
from glancetx.stores.s3.bucket import Bucket
from glancetx.stores.s3.listing import drop_upload, holdings, look_up
from glancetx.stores.s3.providers import Provider
from glancetx.stores.s3.reading import open_object
from glancetx.stores.s3.refusals import as_ours
from glancetx.stores.s3.schedule import LARGEST_OBJECT, schedule_for
from glancetx.stores.s3.sweeping import sweep
from glancetx.stores.s3.turns import Turns
from glancetx.streams import parts
from glancetx.threads import Threads

#: Seconds between two looks for what was abandoned.
LOOK_EVERY = 86_400.0

_log = Logger()


@frozen
class Habits:
    """
    How a store works.

    ``part_size`` is in bytes; an upload to which nothing has come for ``stale`` seconds is
    abandoned, and with 0 nobody looks for any.
    """

    part_size: int
    stale: float


@implementer(IListedStore, IService, IReloadable, IProbed)
class S3Store(MultiService):
    """
    Keeps each image as an object, named by a prefix and its id; the key is the id.

    Several daemons may share a bucket and a prefix.
    It starts also when the server is away, and then tells the log.
    """

    def __init__(
        self,
        clock: Any,
        server: Server,
        place: Place,
        bucket: Bucket,
        provider: Provider,
        threads: Threads,
        backoff: Backoff,
        habits: Habits,
    ) -> None:
        super().__init__()
        self._server = server
        self._place = place
        self._bucket = bucket
        self._provider = provider
        self._threads = threads
        self._backoff = backoff
        self._habits = habits
        self._turns = Turns()
        self._looking: Deferred[None] | None = None
        self.addService(threads)
        timer = TimerService(LOOK_EVERY, self._look)
        timer.clock = clock
        self.addService(timer)

    def stopService(self) -> Deferred[None]:
        if self._looking is not None:
            self._looking.cancel()
        return ensureDeferred(self._stop(maybeDeferred(super().stopService)))

    async def _stop(self, stopping: Deferred[Any]) -> None:
        await stopping
        await self._server.close()

    async def reload(self) -> None:
        """Read the credentials again."""
        await self._provider.reload()

    # -- the store

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        """As every store; a connection that breaks in the middle is made again."""
        name = self._place.name_of(key)
        with as_ours():
            return await open_object(self._bucket, self._backoff, name, Asked(offset, length))

    async def add(self, image_id: str, data: IByteStream) -> str:
        """
        As every store.

        What fits into one part is sent in one go, and everything else in parts, each of which is
        in memory from its first byte until the server has it.

        :raises StoreUnavailable: also when it failed or was cancelled, and something may be left.
        """
        name = self._place.name_of(image_id)
        if data.length is not None and data.length > LARGEST_OBJECT:
            raise StoreFull()
        try:
            with as_ours():
                if await self._bucket.find(name) is not None:
                    raise DataExists(image_id)
                adding = Adding(
                    self._bucket, self._turns, self._threads, self._backoff, image_id, name
                )
                schedule = schedule_for(data.length, self._habits.part_size)
                await adding.keep(parts(data, schedule))
        except NoSuchData:
            # The bucket is not there, or somebody has aborted the upload.
            raise StoreUnavailable() from None
        return image_id

    async def delete(self, key: str) -> None:
        """As every store. S3 does not tell whether there was anything, so it is asked before."""
        name = self._place.name_of(key)
        with as_ours():
            if await self._bucket.find(name) is None:
                if not await self._bucket.is_there():
                    raise StoreUnavailable()
                raise NoSuchData()
            await self._bucket.delete(name)

    async def discard(self, image_id: str) -> None:
        """As every store: the object, and all uploads that would become it."""
        name = self._place.name_of(image_id)
        with as_ours():
            await abort_all(self._bucket, self._backoff, name)
            if not await self._bucket.delete(name) and not await self._bucket.is_there():
                raise StoreUnavailable()

    async def check_ready(self) -> None:
        """As every store that can tell: whether the bucket is there."""
        with as_ours():
            if not await self._bucket.is_there():
                raise StoreUnavailable()

    async def listing(self) -> AsyncGenerator[Holding, None]:
        with as_ours():
            async with aclosing(holdings(self._bucket, self._place)) as found:
                async for holding in found:
                    yield holding

    async def look_up(self, key: str) -> Holding | None:
        with as_ours():
            return await look_up(self._bucket, self._place, key)

    async def drop_unfinished(self, key: str) -> None:
        with as_ours():
            await drop_upload(self._bucket, self._place, self._backoff, key)

    async def free_space(self) -> int | None:
        """Nobody knows; but it is asked whether the bucket is there."""
        await self.check_ready()
        return None

    async def sweep(self) -> int:
        """Abort uploads that were abandoned, by this or another daemon; how many."""
        with as_ours():
            return await sweep(self._bucket, self._place, self._backoff, self._habits.stale)

    # -- now and then

    def _look(self) -> Deferred[None]:
        self._looking = ensureDeferred(self._look_around())
        return self._looking

    async def _look_around(self) -> None:
        """See whether all is well; never fails, for that would be the last look."""
        try:
            with as_ours():
                is_there = await self._bucket.is_there()
            if not is_there:
                _log.warn("There is no bucket {name!r}", name=self._place.bucket)
            elif self._habits.stale:
                await self.sweep()
        except CancelledError:
            pass
        except GlanceError as error:
            _log.warn(
                "The bucket {name!r} cannot be looked after: {error}",
                name=self._place.bucket,
                error=str(error),
            )
        except Exception:  # noqa: BLE001 - the next look may do
            _log.failure("The bucket {name!r} cannot be looked after", name=self._place.bucket)
        finally:
            self._looking = None
