"""A copy that is being made, as those in this process see it who follow its making."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from glancetx.copies import Original
from glancetx.errors import StoreUnavailable
from glancetx.files import Descriptor

#: Bytes at the end that nobody gets before the copy has been verified.
HELD_BACK = 64 * 1024


class CopyLost(Exception):
    """The copy can be followed no more: go on from the source."""


class _State(Enum):
    STARTING = auto()
    GROWING = auto()
    RIGHT = auto()
    LOST = auto()
    FAILED = auto()

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet what becomes of it."""
        return self in (_State.STARTING, _State.GROWING)


class Flight:
    """
    Where those meet who want the same copy: one makes it, and any number follow.

    Its maker calls `begin`, `reach`, and at last one of `land`, `lose` and `fail`; ``cancel``
    stops him.
    Readers `join` and `leave`: when the last one has left before it landed, the maker is stopped.
    So he is when nothing has come for ``stall_time`` seconds; 0 waits for ever.
    """

    def __init__(
        self,
        clock: IReactorTime,
        original: Original,
        stall_time: float,
        cancel: Callable[[], None],
    ) -> None:
        self.original = original
        self._clock = clock
        self._stall_time = stall_time
        self._cancel = cancel
        self._state = _State.STARTING
        self._file: Descriptor | None = None
        self._size = 0
        self._readers = 0
        self._error: Exception | None = None
        self._waiting: dict[Deferred[None], None] = {}
        self._is_over = False
        self._watch: IDelayedCall | None = None
        self._start_watching()

    # -- its maker

    def begin(self, file: Descriptor) -> None:
        """The copy grows in this file, from its first byte on."""
        if self._state.is_open:
            self._state, self._file, self._size = _State.GROWING, file, 0
            self._progress()

    def reach(self, size: int) -> None:
        """The file has so many bytes now."""
        if size > self._size:
            self._size = size
            self._progress()

    def land(self, file: Descriptor | None = None) -> None:
        """The copy is complete and as it should be, in this file or the one in which it grew."""
        self._file = file or self._file
        self._size = self.original.size
        self._end(_State.RIGHT)

    def lose(self) -> None:
        """The copy cannot be kept: those who follow go on from the source."""
        self._end(_State.LOST)

    def fail(self, error: Exception) -> None:
        """There is nothing to go on from: those who follow get this error."""
        if self._state.is_open:
            self._error = error
        self._end(_State.FAILED)

    def over(self) -> None:
        """Its maker has cleared up; whatever he left open is lost."""
        self._end(_State.LOST)
        self._is_over = True
        self._wake()

    # -- those who follow

    @property
    def landed(self) -> Descriptor | None:
        """The complete copy, once it is as it should be."""
        return self._file if self._state is _State.RIGHT else None

    @property
    def is_under_way(self) -> bool:
        """Whether following it leads to a copy, as far as is known now."""
        return self._state.is_open

    def join(self) -> None:
        """Somebody follows."""
        self._readers += 1

    def leave(self) -> None:
        """Somebody follows no more."""
        self._readers -= 1
        if not self._readers and self._state.is_open:
            # Later, since we may be inside the maker's own call; perhaps somebody joins till then.
            self._clock.callLater(0, self._check_readers)

    async def until_begun(self) -> bool:
        """
        Whether there is something to follow, once that is known.

        :raises GlanceError: when the source refuses.
        """
        while self._state is _State.STARTING:
            await self._changed()
        self.check_failed()
        return self._state is not _State.LOST

    async def until_more(self, position: int) -> tuple[Descriptor, int]:
        """
        The file, and how many bytes of it may be read now, which is more than ``position``.

        :raises CopyLost: when there will not be more.
        :raises GlanceError: when the source broke, or gave other bytes than those of the original.
        """
        while True:
            self.check_failed()
            if self._file is None or self._state is _State.LOST:
                raise CopyLost()
            if position < (readable := self._readable()):
                return self._file, readable
            await self._changed()

    async def until_over(self) -> None:
        """Wait until its maker has cleared up."""
        while not self._is_over:
            await self._changed()

    def check_failed(self) -> None:
        """
        :raises GlanceError: when the source refused or broke, or the maker was stopped.
        """
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """
        Stop the maker, unless the copy has landed; those who follow get `StoreUnavailable`.

        They are told at once: he may be waiting for a disk that has gone.
        """
        if self._state.is_open:
            self.fail(StoreUnavailable())
            self._cancel()

    # -- between

    def _readable(self) -> int:
        if self._state is _State.RIGHT:
            return self.original.size
        return min(self._size, self.original.size - HELD_BACK)

    def _end(self, state: _State) -> None:
        if self._state.is_open:
            self._state = state
            self._stop_watching()
            self._wake()

    def _progress(self) -> None:
        self._progressed_at = self._clock.seconds()
        self._wake()

    def _changed(self) -> Deferred[None]:
        changed: Deferred[None] = Deferred(lambda gone: self._waiting.pop(gone, None))
        self._waiting[changed] = None
        return changed

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for changed in waiting:
            if not changed.called:  # one of them may make another leave
                changed.callback(None)

    def _check_readers(self) -> None:
        if not self._readers:
            self.stop()

    def _start_watching(self) -> None:
        self._progressed_at = self._clock.seconds()
        if self._stall_time:
            self._watch = self._clock.callLater(self._stall_time, self._look)

    def _look(self) -> None:
        left = self._progressed_at + self._stall_time - self._clock.seconds()
        if left > 0:
            self._watch = self._clock.callLater(left, self._look)
        else:
            self._watch = None
            self.stop()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()
