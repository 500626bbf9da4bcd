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


class _Patient(Deferred[T]):
    """Notes that it was cancelled, and fires only when it is fired."""

    was_cancelled = False

    def cancel(self) -> None:
        self.was_cancelled = True
        if self.called:
            # The work is done; what is cancelled is a callback's own waiting.
            super().cancel()


def finish_first(awaitable: Awaitable[T]) -> Deferred[T]:
    """
    Its result as a Deferred that lets the work end before it tells of a cancellation.

    For threads, database transactions and cleanups: they cannot stop half way, and what they hold
    must not be used by others before they are done.
    A cancelled one fails with CancelledError once the work is done, whatever came of it.
    """
    outer: _Patient[T] = _Patient()

    def pass_on(result: Any) -> None:
        outer.callback(Failure(CancelledError()) if outer.was_cancelled else result)

    as_deferred(awaitable).addBoth(pass_on)
    return outer


def shield(awaitable: Awaitable[T]) -> Deferred[T]:
    """
    Its result as a Deferred that may be cancelled at once while the work goes on unseen.

    What comes of work that nobody waits for any more is dropped, failures too.
    """
    outer: Deferred[T] = Deferred()
    as_deferred(awaitable).addBoth(outer.callback)
    return outer


def cancellable(work: Deferred[T]) -> Deferred[T]:
    """
    As the work, but cancelling tells CancelledError, of which some work makes something else.

    The work ends first, as it does when it is cancelled.
    """
    was_cancelled = False

    def cancel(_: Deferred[T]) -> None:
        nonlocal was_cancelled
        was_cancelled = True
        work.cancel()

    def pass_on(result: Any) -> None:
        outer.callback(Failure(CancelledError()) if was_cancelled else result)

    outer: Deferred[T] = Deferred(cancel)
    work.addBoth(pass_on)
    return outer
