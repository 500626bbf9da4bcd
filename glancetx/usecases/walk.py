"""A walk over many things in order, several of them at a time, that can go on where it ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, DeferredList, DeferredLock, FirstError, gatherResults

from glancetx.deferreds import as_deferred

T = TypeVar("T")


class Walk(Generic[T]):
    """
    Does something for each of what comes, ``jobs`` at a time.

    ``behind`` is the last one before which all, and itself, are done: whoever goes on begins after
    it.  It is None as long as there is none; ``passed`` counts those up to it.
    """

    def __init__(self, jobs: int, do: Callable[[T], Awaitable[None]]) -> None:
        self._jobs = jobs
        self._do = do
        self._lock = DeferredLock()
        #: Those that were begun, in their order, and whether they are done.
        self._begun: OrderedDict[int, tuple[T, bool]] = OrderedDict()
        self._count = 0
        self.behind: T | None = None
        self.passed = 0

    async def over(self, source: AsyncGenerator[T, None]) -> None:
        """
        Walk to the end.

        The first error ends the walk for all; when it is raised nothing runs any more.
        """
        working = [as_deferred(self._work(source)) for _ in range(self._jobs)]
        try:
            await gatherResults(working, consumeErrors=True)
        except FirstError as first:
            await self._end(working)
            first.subFailure.raiseException()
        finally:
            await source.aclose()

    async def _work(self, source: AsyncGenerator[T, None]) -> None:
        while True:
            await self._lock.acquire()
            try:
                item = await anext(source)
            except StopAsyncIteration:
                return
            finally:
                self._lock.release()
            number, self._count = self._count, self._count + 1
            self._begun[number] = (item, False)
            await self._do(item)
            self._begun[number] = (item, True)
            self._advance()

    def _advance(self) -> None:
        while self._begun:
            number, (item, is_done) = next(iter(self._begun.items()))
            if not is_done:
                return
            del self._begun[number]
            self.behind = item
            self.passed += 1

    async def _end(self, working: list[Deferred[None]]) -> None:
        for each in working:
            each.cancel()
        await DeferredList(working, consumeErrors=True)
