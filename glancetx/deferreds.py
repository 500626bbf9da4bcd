"""What cancellation means to work that cannot stop at once."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure

T = TypeVar("T")


def as_deferred(awaitable: Awaitable[T]) -> Deferred[T]:
    """Start what an interface's method returned, be it a coroutine or a Deferred already."""
    if isinstance(awaitable, Deferred):
        return awaitable
    if isinstance(awaitable, Coroutine):
        return ensureDeferred(awaitable)

    async def wait() -> T:
        return await awaitable

    return ensureDeferred(wait())


class Patient(Deferred[T]):
    """Notes that it was cancelled, passes it on if told to whom, and fires only when fired."""

    was_cancelled = False
    passes_on_to: Deferred[T] | None = None

    def cancel(self) -> None:
        self.was_cancelled = True
        if self.called:
            # The work is done; what is cancelled is a callback's own waiting.
            super().cancel()
        elif self.passes_on_to is not None:
            self.passes_on_to.cancel()

    def fire(self, result: Any) -> None:
        """The work has ended: with a result, or with a Failure."""
        self.callback(Failure(CancelledError()) if self.was_cancelled else result)

    def follow(self, work: Deferred[T]) -> None:
        work.addBoth(self.fire)


def finish_first(awaitable: Awaitable[T]) -> Deferred[T]:
    """
    Its result as a Deferred that lets the work end before it tells of a cancellation.

    For threads, database transactions and cleanups: they cannot stop half way, and what they hold
    must not be used by others before they are done.
    A cancelled one fails with CancelledError once the work is done, whatever came of it.
    """
    outer: Patient[T] = Patient()
    outer.follow(as_deferred(awaitable))
    return outer


def stop_first(awaitable: Awaitable[T]) -> Deferred[T]:
    """
    Its result as a Deferred that, when it is cancelled, stops the work before it tells of that.

    For those who do something else when the work fails: what the work makes of a cancellation
    may look like a failure, or like a success.
    A cancelled one fails with CancelledError once the work has ended, whatever came of it.
    """
    outer: Patient[T] = Patient()
    outer.passes_on_to = work = as_deferred(awaitable)
    outer.follow(work)
    return outer


def shield(awaitable: Awaitable[T]) -> Deferred[T]:
    """
    Its result as a Deferred that may be cancelled at once while the work goes on unseen.

    What comes of work that nobody waits for any more is dropped, failures too.
    """
    outer: Deferred[T] = Deferred()
    as_deferred(awaitable).addBoth(outer.callback)
    return outer
