"""Answers that cost something: asked for now and then, and remembered meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from glancetx.deferreds import as_deferred

T = TypeVar("T")


class Remembered(Generic[T]):
    """
    What ``ask`` answers; it is asked again when the answer is ``lifetime`` seconds old.

    Nobody waits for longer than ``patience`` seconds, and no two questions are under way together.
    ``last`` is the last answer, however old it is, or None when there never was one.
    """

    def __init__(
        self,
        clock: IReactorTime,
        ask: Callable[[], Awaitable[T]],
        lifetime: float,
        patience: float,
    ) -> None:
        self.last: T | None = None
        self._clock = clock
        self._ask = ask
        self._lifetime = lifetime
        self._patience = patience
        self._answered_at: float | None = None
        self._asking: Deferred[T] | None = None
        self._waiting: list[Deferred[None]] = []
        self._failure: Failure | None = None

    async def get(self) -> T | None:
        """
        An answer that is young enough.

        :raises TimeoutError: when it does not come in time; the question goes on.
        :raises Exception: what came instead of an answer, until that is as old.
        """
        if not self._is_young():
            if self._asking is None:
                asking = self._asking = as_deferred(self._ask())
                asking.addCallbacks(self._answered, self._failed)
            if self._asking is not None:
                await self._wait()
        if self._failure is not None:
            self._failure.raiseException()
        return self.last

    def stop(self) -> None:
        """Call off what is under way: nobody will ask again."""
        if self._asking is not None:
            self._asking.cancel()

    def _is_young(self) -> bool:
        if self._answered_at is None:
            return False
        return self._clock.seconds() - self._answered_at < self._lifetime

    async def _wait(self) -> None:
        # Each waits by himself, so that the patience of one does not end the question.
        waiting: Deferred[None] = Deferred(lambda gone: self._waiting.remove(gone))
        self._waiting.append(waiting)
        await waiting.addTimeout(self._patience, self._clock)

    def _answered(self, answer: T) -> None:
        self.last, self._failure = answer, None
        self._over()

    def _failed(self, failure: Failure) -> None:
        # What was called off gave no answer in time, either.
        self._failure = Failure(TimeoutError()) if failure.check(CancelledError) else failure
        self._over()

    def _over(self) -> None:
        self._asking = None
        self._answered_at = self._clock.seconds()
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)
