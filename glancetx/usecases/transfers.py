"""The work on bytes that runs in this daemon, each under a lease that others can see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from glancetx.deferreds import as_deferred, finish_first
from glancetx.errors import DeletedMeanwhile, GlanceError, RegistryUnavailable, StatusConflict
from glancetx.image import Status
from glancetx.interfaces import IRegistry

T = TypeVar("T")


class Transfers:
    """
    Runs work on the bytes of images, and ends it when the image is no longer ours to work on.

    While work runs, its lease (seconds) is renewed three times in its length.
    If this daemon dies, the lease runs out and any other daemon clears up.
    If it cannot renew a lease, it ends the work before the lease runs out: whoever clears up then
    must not meet us still writing.
    ``tell_deleted`` is given the id of each image whose deletion ends work, for others of this
    daemon's processes: without being told they notice at their next renewal.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        registry: IRegistry,
        lease: float = 30.0,
        tell_deleted: Callable[[str], None] = lambda image_id: None,
    ) -> None:
        self.lease = lease
        #: How many leases have been renewed, and how many were lost.
        self.renewed = self.lost = 0
        self._tell_deleted = tell_deleted
        self._clock = clock
        self._registry = registry
        self._running: set[_Transfer] = set()
        self._insisting: set[Deferred[None]] = set()
        self._busy = 0
        self._idle: list[Deferred[None]] = []

    @property
    def held(self) -> int:
        """How many leases are held now."""
        return len(self._running)

    async def run(
        self,
        image_id: str,
        work: Awaitable[T],
        status: Status = Status.SAVING,
        progress: Callable[[], int] | None = None,
        undo: Callable[[T], Awaitable[None]] | None = None,
    ) -> T:
        """
        The result of the work, while the image stays in ``status``, whose lease has just begun.

        ``progress`` tells how many bytes have come so far; each renewal records it.
        ``undo`` is given the result of work that ended after its lease, when the image may not be
        ours any more: whoever cleared up behind us has not seen it.
        How cancelled work ended is the cause of the error that is raised instead.

        :raises DeletedMeanwhile: when the image was deleted; the work has been cancelled.
        :raises StatusConflict: when another daemon declared the work dead.
        :raises RegistryUnavailable: when the lease could not be renewed; others clear up.
        """
        deferred = as_deferred(work)
        lease_until = self._clock.seconds() + self.lease
        transfer = _Transfer(image_id, status, deferred.cancel, lease_until, progress)
        self._running.add(transfer)
        # What is logged of a renewal belongs to whoever began the work.
        heartbeat = LoopingCall(copy_context().run, lambda: ensureDeferred(self._renew(transfer)))
        heartbeat.clock = self._clock
        heartbeat.start(self.lease / 3, now=False)
        try:
            result = await deferred
            if undo is not None and self._clock.seconds() >= transfer.lease_until:
                try:
                    await self._registry.renew(image_id, status, self.lease)
                except BaseException as error:
                    transfer.end(_lost_by(error))
                    await finish_first(undo(result))
                    raise
            return result
        except BaseException as error:
            # Work that is cancelled may put it in its own words.
            self._check_lease(transfer)
            if transfer.lost is None or transfer.lost is error:
                raise
            raise transfer.lost from error
        finally:
            heartbeat.stop()
            self._running.remove(transfer)
            self.lost += isinstance(transfer.lost, StatusConflict | RegistryUnavailable)

    def image_deleted(self, image_id: str) -> None:
        """An image was deleted here: end whatever runs for it."""
        self.deleted_elsewhere(image_id)
        self._tell_deleted(image_id)

    def deleted_elsewhere(self, image_id: str) -> None:
        """Another process deleted an image: end whatever runs here for it."""
        self.end(image_id, DeletedMeanwhile(image_id))

    def end(self, image_id: str, why: GlanceError) -> None:
        """
        End whatever runs here for this image: its `run` raises ``why``.

        That may be more than one: after a lost lease our own janitor may be at work on the image,
        and while a copy waits for its turn a client may bring the bytes.
        """
        for transfer in [each for each in self._running if each.image_id == image_id]:
            transfer.end(why)

    def insist(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work once the registry answers again, trying once in each lease's length."""
        insisting = ensureDeferred(self._insist(work))
        self._insisting.add(insisting)
        insisting.addBoth(lambda _: self._insisting.discard(insisting))

    def abandon(self) -> None:
        """Leave undone what was put off: this process ends."""
        for insisting in list(self._insisting):
            insisting.cancel()

    async def _insist(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await deferLater(self._clock, self.lease, lambda: None)
            try:
                await work()
            except RegistryUnavailable:
                continue
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 - nobody waits for it
                self._log.failure("what was put off has failed")
            return

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

    async def _renew(self, transfer: _Transfer) -> None:
        image_id, asked_at = transfer.image_id, self._clock.seconds()
        self._check_lease(transfer)
        if transfer.lost is not None:
            return
        try:
            progress = None if transfer.progress is None else transfer.progress()
            await self._registry.renew(image_id, transfer.status, self.lease, progress)
        except StatusConflict as conflict:
            transfer.end(_lost_by(conflict))
        except Exception as error:  # noqa: BLE001 - else this would be the last beat
            self._log.warn(
                "could not renew the lease of image {image_id}: {error}",
                image_id=image_id,
                error=error,
            )
            self._check_lease(transfer, beat=self.lease / 3)
        else:
            transfer.lease_until = asked_at + self.lease
            self.renewed += 1

    def _check_lease(self, transfer: _Transfer, beat: float = 0.0) -> None:
        """
        End work whose lease has run out, or will before the next beat.

        A daemon may have slept: others may be clearing up, although the state is as it was.
        """
        if self._clock.seconds() + beat >= transfer.lease_until:
            transfer.end(RegistryUnavailable())


def _lost_by(error: BaseException) -> GlanceError:
    """What somebody is told whose lease could not be renewed for this reason."""
    if isinstance(error, StatusConflict):
        return DeletedMeanwhile(error.image_id) if error.found.is_gone else error
    return RegistryUnavailable()


class _Transfer:
    """Work that may lose its reason to go on; ``lease_until`` is in the clock's seconds."""

    def __init__(
        self,
        image_id: str,
        status: Status,
        cancel: Callable[[], None],
        lease_until: float,
        progress: Callable[[], int] | None,
    ) -> None:
        self.image_id = image_id
        self.status = status
        self.lease_until = lease_until
        self.progress = progress
        self.lost: GlanceError | None = None
        self._cancel = cancel

    def end(self, why: GlanceError) -> None:
        if self.lost is None:
            self.lost = why
            self._cancel()
