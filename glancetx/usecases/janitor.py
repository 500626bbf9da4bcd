"""Clears up after daemons that died or could not clear up themselves, and scrubs what is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from glancetx.change import Change, move
from glancetx.clocks import time_of_day
from glancetx.errors import DeletedMeanwhile, GlanceError, StatusConflict, StoreReadOnly
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.shelf import Shelf
from glancetx.usecases.delete import Deletions

#: For how many seconds nobody else gets an image that was taken, unless leases are longer.
HOLD = 60.0

#: The longest time, in seconds, until an image that could not be cleared up is tried again.
LONGEST_WAIT = 3600.0

#: The states of what has not come in yet, and why it is killed when nobody answers for it.
UNFINISHED: Mapping[Status, str] = {
    Status.QUEUED: "The daemon that was to copy the image went away.",
    Status.SAVING: "The daemon that received the image went away.",
}

#: The states in which bytes that a store may have belong to nobody.
ABANDONED = frozenset({*UNFINISHED, Status.KILLED, Status.DELETED})

#: The state of those that were deleted and still have their bytes.
GOING = frozenset({Status.PENDING_DELETE})


@frozen
class Cleared:
    """What came of one image; ``trouble`` is why it is left for later, or None."""

    image_id: str
    trouble: str | None = None


class Janitor(Service):
    """
    Looks every ``interval`` seconds for images whose lease has run out.

    With ``wakeup_time``, deleted images that still have their bytes are looked for in rounds of
    their own, with so many seconds between them.
    Any number of janitors may share one registry: each image goes to one of them.
    What cannot be cleared up now is tried again, when it has been due for twice as long.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        registry: IRegistry,
        shelf: Shelf,
        deletions: Deletions,
        interval: float = 10.0,
        wakeup_time: float | None = None,
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._shelf = shelf
        self._deletions = deletions
        #: How many images were cleared up, and how often one was left for later.
        self.cleared = self.failed = 0
        # Longer than whoever lives needs to renew his lease, for it may begin anew with this.
        self._hold = max(HOLD, 3 * interval)
        self._done: Deferred[Any] | None = None
        self._is_stopping = False
        if wakeup_time is None:
            self._loops = [(self._loop(ABANDONED | GOING), interval)]
        else:
            self._loops = [(self._loop(ABANDONED), interval), (self._loop(GOING), wakeup_time)]

    def startService(self) -> None:
        super().startService()
        self._is_stopping = False
        self._done = gatherResults([loop.start(often) for loop, often in self._loops])

    def stopService(self) -> Deferred[Any] | None:
        """Fires when a round that is under way has ended."""
        super().stopService()
        self._is_stopping = True
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()
        return self._done

    async def clean(self) -> int:
        """Clear up whatever is overdue now; how many images that were."""
        return len(await self.clear(ABANDONED | GOING))

    async def clear(self, states: Collection[Status]) -> list[Cleared]:
        """Clear up what is overdue now and in one of these states, until it is told to stop."""
        cleared = []
        # One by one, so that none waits while its lease runs out.
        while not self._is_stopping:
            images = await self._registry.take_overdue(self._hold, 1, states)
            if not images:
                break
            cleared.append(await self._clear_up(images[0]))
            self._count(cleared[-1])
        return cleared

    def _count(self, cleared: Cleared) -> None:
        if cleared.trouble is None:
            self.cleared += 1
        else:
            self.failed += 1

    def _loop(self, states: Collection[Status]) -> LoopingCall:
        loop = LoopingCall(lambda: ensureDeferred(self._round(states)))
        loop.clock = self._clock
        return loop

    async def _round(self, states: Collection[Status]) -> None:
        try:
            await self.clear(states)
        except GlanceError as error:
            self._log.warn("the janitor comes again later: {error}", error=error)
        except Exception:  # noqa: BLE001 - one bad round must not be the last
            self._log.failure("the janitor failed and comes again later")

    async def _clear_up(self, image: Image) -> Cleared:
        try:
            if image.status is Status.PENDING_DELETE:
                await self._deletions.remove_bytes(image)
            else:
                await self._discard(image)
        except (StatusConflict, DeletedMeanwhile):
            self._log.info("image {image_id} moved on by itself", image_id=image.image_id)
        except GlanceError as error:
            self._log.warn(
                "image {image_id} is left for a later round: {error}",
                image_id=image.image_id,
                error=error,
            )
            return await self._put_off(image, str(error))
        except CancelledError:
            # The image is handed out again when its hold is over.
            raise
        except Exception:  # noqa: BLE001 - the other images must not wait for this one
            self._log.failure("image {image_id} cannot be cleared up", image_id=image.image_id)
            return await self._put_off(image, "Internal error")
        return Cleared(image.image_id)

    async def _put_off(self, image: Image, trouble: str) -> Cleared:
        """Let the image be tried again later; if that cannot be said now, when its hold is over."""
        since = time_of_day(self._clock) - self._deletions.due(image).timestamp()
        wait = min(max(self._hold, since), LONGEST_WAIT)
        status = Status.KILLED if image.status in UNFINISHED else image.status
        try:
            await self._registry.renew(image.image_id, status, wait)
        except GlanceError as error:
            self._log.info(
                "image {image_id} keeps its lease: {error}", image_id=image.image_id, error=error
            )
        return Cleared(image.image_id, trouble)

    async def _discard(self, image: Image) -> None:
        status = image.status
        if status in UNFINISHED:
            killed = move(Status.KILLED, status_reason=UNFINISHED[status])
            await self._registry.update(image.image_id, killed, expect={status})
            status = Status.KILLED
            self._log.info("image {image_id} was abandoned: killed", image_id=image.image_id)
        for shelved in self._shelf:
            try:
                store = shelved.writable
            except StoreReadOnly:
                continue
            await store.discard(image.image_id)
        await self._registry.update(image.image_id, Change(lease=None), expect={status})
