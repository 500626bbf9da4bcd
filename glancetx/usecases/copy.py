"""Bytes come in from elsewhere, while nobody waits: the background of a daemon."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from attrs import evolve
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    TimeoutError,
    ensureDeferred,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from glancetx.deferreds import finish_first, shield
from glancetx.errors import (
    GlanceError,
    NoSuchData,
    NotQueued,
    Overloaded,
    RemoteBroken,
    RemoteRefused,
    SourceNotFound,
    StoreError,
    StoreUnavailable,
    TooLarge,
)
from glancetx.image import Image, Status
from glancetx.interfaces import IByteStream
from glancetx.limits import Limits
from glancetx.shelf import ShelvedStore
from glancetx.usecases.copied import CopyFailed, CopyStopped, GuardedSource
from glancetx.usecases.sources import Source
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.upload import Uploads

T = TypeVar("T")

#: How often a source is asked again that may be there a little later.
RETRIES = 3

#: Before the n-th time up to so many seconds · 2ⁿ⁻¹ pass.
FIRST_PAUSE = 2.0


class Turns(Protocol):
    """How many copies run at the same time; a `DeferredSemaphore`, or something like it."""

    def acquire(self) -> Deferred[Any]:
        """Fires when it is one's turn; may be cancelled until then."""

    def release(self) -> None:
        """One's turn is over."""


class Copies:
    """
    Copies images from where users say, each when it has its turn.

    From its record's first instant on until the copy has ended somebody answers for the image: it
    is queued under a lease, which is renewed here, and then `Uploads` takes over.
    A daemon that dies leaves nothing but leases, and a janitor kills what is under them.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        uploads: Uploads,
        transfers: Transfers,
        limits: Limits,
        turns: Turns,
        jitter: Callable[[], float] = random.random,
        most: int = 0,
    ) -> None:
        """``most`` is how many may run or wait at the same time; 0 is no limit."""
        self._clock = clock
        self._uploads = uploads
        self._transfers = transfers
        self._limits = limits
        self._jitter = jitter
        self._turns = turns
        self._most = most
        #: Those that run or wait for their turn, and whose they are.
        self.running: dict[Deferred[None], str] = {}
        self._is_stopping = False

    @property
    def lease(self) -> float:
        """For how many seconds the image must be leased when its copy is started."""
        return self._transfers.lease

    def check_room(self) -> None:
        """
        :raises Overloaded: when there are as many copies already as there may be.
        """
        if 0 < self._most <= len(self.running):
            raise Overloaded()

    def start(self, image: Image, source: Source, shelved: ShelvedStore) -> None:
        """
        Begin to copy into a queued image, whose lease has just begun, and return at once.

        However it ends, the image's record tells: active, or killed with a reason.
        """
        copy = ensureDeferred(self._copy(image, source, shelved))
        self.running[copy] = image.image_id
        copy.addErrback(self._failed, image.image_id)
        copy.addBoth(lambda _: self.running.pop(copy, None))

    async def drain(self, seconds: float | None) -> None:
        """
        Let copies run for so many seconds; then those that have not ended are ended.

        With None they may run for as long as they take.
        """
        ended = shield(DeferredList(list(self.running)))
        if seconds is not None:
            ended.addTimeout(seconds, self._clock)
        with suppress(TimeoutError):
            await ended
        self.cut()

    def cut(self) -> None:
        """End what has not ended, and begin nothing more."""
        self._is_stopping = True
        for image_id in list(self.running.values()):
            self._transfers.end(image_id, CopyStopped())

    async def _copy(self, image: Image, source: Source, shelved: ShelvedStore) -> None:
        with self._transfers.busy():
            await self._while_queued(image, self._turns.acquire())
            try:
                stream = await self._while_queued(image, self._open(source, shelved))
                if stream.length is not None:
                    image = evolve(image, size=stream.length)
                await self._uploads.upload(
                    image, GuardedSource(stream, self.check_goes_on), shelved
                )
            finally:
                self._turns.release()

    async def _while_queued(self, image: Image, work: Awaitable[T]) -> T:
        """The work's result; when it fails the image is killed, as far as it is ours to kill."""
        try:
            return await self._transfers.run(image.image_id, work, Status.QUEUED)
        except BaseException as error:
            await finish_first(self._kill(image, error))
            raise

    async def _kill(self, image: Image, error: BaseException) -> None:
        reason = error if isinstance(error, GlanceError) else CopyFailed("Internal error")
        try:
            await self._uploads.fail(image, reason)
        except NotQueued:
            pass  # it was deleted, or somebody else brought its bytes or cleared up
        except GlanceError as failure:
            self._log.warn(
                "image {image_id} is left to the janitor: {failure}",
                image_id=image.image_id,
                failure=failure,
            )

    async def _open(self, source: Source, shelved: ShelvedStore) -> IByteStream:
        """
        :raises StoreReadOnly: when the bytes have nowhere to go.
        :raises SourceNotFound: when the source has nothing.
        :raises TooLarge: when it says that it has too much.
        :raises StoreError: when it does not answer as it should, also after some time.
        """
        self.check_goes_on()
        shelved.writable  # noqa: B018 - asked before the source is
        stream = await self._patiently(source.open)
        cap = self._limits.image_size_cap
        if stream.length is not None and stream.length > cap:
            raise TooLarge(f"Denying attempt to upload image larger than {cap} bytes.")
        return stream

    async def _patiently(self, ask: Callable[[], Awaitable[IByteStream]]) -> IByteStream:
        for attempt in range(RETRIES + 1):
            try:
                return await ask()
            except NoSuchData:
                raise SourceNotFound() from None
            except StoreError as error:
                if attempt == RETRIES or not _may_pass(error):
                    raise
            await deferLater(self._clock, self._jitter() * FIRST_PAUSE * 2**attempt)
        raise AssertionError("unreachable")

    def check_goes_on(self) -> None:
        """
        :raises CopyStopped: when the daemon ends.
        """
        if self._is_stopping:
            raise CopyStopped()

    def _failed(self, failure: Failure, image_id: str) -> None:
        self._uploads.observer.failed(failure.value)
        if failure.check(GlanceError, CancelledError):
            self._log.info(
                "image {image_id} was not copied: {error}", image_id=image_id, error=failure.value
            )
        else:
            self._log.failure("image {image_id} was not copied", failure, image_id=image_id)


def _may_pass(error: StoreError) -> bool:
    """Whether the source may give what it refuses now, if it is asked again."""
    if isinstance(error, RemoteRefused):
        return error.status >= 500
    return isinstance(error, StoreUnavailable | RemoteBroken)
