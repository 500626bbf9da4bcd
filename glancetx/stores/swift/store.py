"""The store: images as objects of one container, and their segments in another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from zope.interface import implementer

from glancetx.deferreds import finish_first
from glancetx.errors import DataExists, NoSuchData, StoreError, StoreUnavailable
from glancetx.holding import Holding
from glancetx.httpclient.ranges import Asked
from glancetx.interfaces import IByteStream, IListedStore, IProbed, IReloadable
from glancetx.stores.swift.access import Login
from glancetx.stores.swift.account import Account
from glancetx.stores.swift.holdings import Holdings
from glancetx.stores.swift.names import Names, path_of
from glancetx.stores.swift.reading import read
from glancetx.stores.swift.removal import Removal
from glancetx.stores.swift.sizes import Sizes
from glancetx.stores.swift.upload import Upload
from glancetx.streams import Metering
from glancetx.threads import Threads

_log = Logger()


@implementer(IListedStore, IService, IReloadable, IProbed)
class SwiftStore(MultiService):
    """
    Keeps images in a container of Swift; the key is the image's id.

    ``reread`` reads the file of credentials, in a thread, and returns what makes a `Login` of them;
    it raises ValueError when they make no sense.
    Several daemons may share the container.
    """

    def __init__(
        self,
        account: Account,
        names: Names,
        sizes: Sizes,
        threads: Threads,
        reread: Callable[[], Callable[[], Login]],
    ) -> None:
        super().__init__()
        self._account = account
        self._names = names
        self._sizes = sizes
        self._threads = threads
        self._reread = reread
        self._metering = Metering(threads, ("md5",))
        self._removal = Removal(account, names)
        self._holdings = Holdings(account, names, self._removal)
        #: Swift compares names when a PUT begins: two that begin together would both be taken.
        self._coming_in: set[str] = set()
        self.addService(threads)

    def stopService(self) -> Deferred[Any]:
        return ensureDeferred(self._stop(super().stopService()))

    async def _stop(self, stopping: Any) -> None:
        await self._account.close()
        await stopping

    async def reload(self) -> None:
        """Read the file of credentials again; what is under way goes on with the old ones."""
        try:
            log_in = await self._threads.run(self._reread)
        except ValueError as error:
            _log.error("The credentials for Swift stay as they were: {error}", error=str(error))
        else:
            await self._account.use(log_in())

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        return await read(self._account, self._names.image(key), Asked(offset, length))

    async def add(self, image_id: str, data: IByteStream) -> str:
        image = self._names.image(image_id)
        if image_id in self._coming_in:
            raise DataExists(image_id)
        upload = Upload(self._account, self._names, self._sizes, self._metering, image)
        self._coming_in.add(image_id)
        try:
            await upload.run(data)
        except BaseException:
            await self._undo(upload)
            raise
        finally:
            self._coming_in.discard(image_id)
        return image_id

    async def _undo(self, upload: Upload) -> None:
        """
        Leave nothing of an upload that failed.

        :raises StoreUnavailable: when something may be left, so that the janitor will come for it.
        """
        try:
            await finish_first(upload.undo())
        except StoreError:
            raise StoreUnavailable() from None

    async def delete(self, key: str) -> None:
        if not await self._removal.remove(self._names.image(key)):
            raise NoSuchData()

    async def check_ready(self) -> None:
        """As every store that can tell: the container is there, or will be made when it is used."""
        await self._account.tell("HEAD", path_of(self._names.container), expect={200, 204, 404})

    async def discard(self, image_id: str) -> None:
        await self._removal.remove(self._names.image(image_id))
        await self._removal.sweep(image_id)

    def listing(self) -> AsyncGenerator[Holding, None]:
        return self._holdings.listing()

    async def look_up(self, key: str) -> Holding | None:
        return await self._holdings.look_up(key)

    async def drop_unfinished(self, key: str) -> None:
        await self._holdings.drop_unfinished(key)

    async def free_space(self) -> int | None:
        """Nobody knows; but it is asked whether Swift answers."""
        await self.check_ready()
        return None
