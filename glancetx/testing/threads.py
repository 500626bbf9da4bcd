"""Threads for tests that have no reactor: the work is done on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads

from glancetx.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")


class InlineThreads(Threads):
    """Runs each job at once, in the caller's thread; needs neither a reactor nor a start."""

    def __init__(self) -> None:
        super().__init__(_NO_REACTOR, "inline", 1)

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return maybeDeferred(job, *args, **kwargs)


_NO_REACTOR: IReactorFromThreads = None  # type: ignore[assignment]
