"""The transfers that run in this daemon, each under a lease that others can see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from glancetx.deferreds import as_deferred
from glancetx.errors import DeletedMeanwhile, GlanceError, StatusConflict
from glancetx.image import Status
from glancetx.interfaces import IRegistry

T = TypeVar("T")


class Transfers:
    """
    Runs the work of transfers, and ends it when its image is no longer ours to save.

    While work runs, its lease (seconds) is renewed three times in its length.
    If this daemon dies, the lease runs out and any other daemon clears up.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, registry: IRegistry, lease: float = 30.0) -> None:
        self.lease = lease
        self._clock = clock
        self._registry = registry
        self._running: dict[str, _Transfer] = {}
        self._busy = 0
        self._idle: list[Deferred[None]] = []

    async def run(self, image_id: str, work: Awaitable[T]) -> T:
        """
        The result of the work, while the image stays in ``SAVING``.

        :raises DeletedMeanwhile: when the image was deleted; the work has been cancelled.
        :raises StatusConflict: when another daemon declared the transfer dead.
        """
        deferred = as_deferred(work)
        transfer = _Transfer(deferred.cancel)
        self._running[image_id] = transfer
        heartbeat = LoopingCall(lambda: ensureDeferred(self._renew(image_id, transfer)))
        heartbeat.clock = self._clock
        heartbeat.start(self.lease / 3, now=False)
        try:
            return await deferred
        except CancelledError:
            if transfer.lost is not None:
                raise transfer.lost from None
            raise
        finally:
            heartbeat.stop()
            del self._running[image_id]

    def image_deleted(self, image_id: str) -> None:
        """End the transfer of this image, if one runs here."""
        if image_id in self._running:
            self._running[image_id].end(DeletedMeanwhile(image_id))

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Marks work, clearing up included, that `idle` must wait for."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                waiting, self._idle = self._idle, []
                for deferred in waiting:
                    deferred.callback(None)

    def idle(self) -> Deferred[None]:
        """Fires when no transfer is running or being cleared up."""
        deferred: Deferred[None] = Deferred()
        if self._busy:
            self._idle.append(deferred)
        else:
            deferred.callback(None)
        return deferred

    async def _renew(self, image_id: str, transfer: _Transfer) -> None:
        try:
            await self._registry.renew(image_id, Status.SAVING, self.lease)
        except StatusConflict as conflict:
            transfer.end(DeletedMeanwhile(image_id) if conflict.found.is_gone else conflict)
        except GlanceError as error:
            self._log.warn(
                "could not renew the lease of image {image_id}: {error}",
                image_id=image_id,
                error=error,
            )


class _Transfer:
    """Work that may lose its reason to go on."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self.lost: GlanceError | None = None

    def end(self, why: GlanceError) -> None:
        if self.lost is None:
            self.lost = why
            self._cancel()
