"""Threads without threads, for tests that await nothing real."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

from glancetx.deferreds import finish_first
from glancetx.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")


class InlineThreads(Threads):
    """Does each job at once, in the thread of the caller."""

    def __init__(self, size: int = 1) -> None:
        super().__init__(None, "inline", size)  # type: ignore[arg-type]

    def startService(self) -> None:
        self.running = True

    def stopService(self) -> None:
        self.running = False

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return finish_first(maybeDeferred(job, *args, **kwargs))

    def tell(self, call: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        call(*args, **kwargs)


class HeldThreads(InlineThreads):
    """Holds each job until the test says `do_one` or `do_all`."""

    def __init__(self, size: int = 1) -> None:
        super().__init__(size)
        self._held: deque[Deferred[None]] = deque()

    @property
    def are_wanted(self) -> bool:
        """Always, so that each job of a strand is held by itself."""
        return True

    @property
    def held(self) -> int:
        """How many jobs wait."""
        return len(self._held)

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        turn: Deferred[None] = Deferred()
        self._held.append(turn)
        return finish_first(turn.addCallback(lambda _: job(*args, **kwargs)))

    def do_one(self) -> None:
        """Do the job that has waited longest."""
        self._held.popleft().callback(None)

    def refuse_one(self, error: Exception) -> None:
        """Let the job that has waited longest fail without having begun."""
        self._held.popleft().errback(error)

    def do_all(self) -> None:
        """Do what waits, also what is added meanwhile."""
        while self._held:
            self.do_one()
