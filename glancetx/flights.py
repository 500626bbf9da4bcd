"""Work that many ask for at the same time, and that is done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from glancetx.deferreds import as_deferred

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Flights(Generic[K, V]):
    """
    For each key at most one piece of work under way.

    Whoever asks meanwhile gets its result, or its error, too.
    Whoever gives up does not stop it for the others: the work has to end by itself.
    """

    def __init__(self) -> None:
        self._waiting: dict[K, list[Deferred[V]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, key: K, start: Callable[[], Awaitable[V]]) -> Deferred[V]:
        """The result of the work for this key, which is started unless it is under way."""
        seat: Deferred[V] = Deferred()
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(seat)
            return seat
        self._waiting[key] = [seat]
        as_deferred(start()).addBoth(self._land, key)
        return seat

    def _land(self, result: Any, key: K) -> None:
        for seat in self._waiting.pop(key):
            if isinstance(result, Failure):
                # One error for all of them: none is to see where it has been with the others.
                error: Any = result.value
                seat.errback(Failure(error.with_traceback(None)))
            else:
                seat.callback(result)
