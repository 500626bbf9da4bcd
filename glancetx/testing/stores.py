"""Stores that fail or wait, for tests: wrappers round any store."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Literal

from twisted.internet.defer import Deferred
from zope.interface import alsoProvides, implementer

from glancetx.holding import Holding
from glancetx.interfaces import IByteStream, IListedStore, IStore
from glancetx.streams import chunks, from_chunks

#: What can be made to fail or to wait.  ``read`` is a stream that open returned, after its first
#: chunk; ``write`` is an add that has taken the first chunk of its data.
Moment = Literal["open", "read", "add", "write", "delete", "discard"]


class _Wrapped:
    """A store whose `_pass` is asked at each moment named ``on``."""

    def __init__(self, store: IStore, on: Collection[Moment]) -> None:
        self._store = store
        self.on = frozenset(on)
        if IListedStore.providedBy(store):
            alsoProvides(self, IListedStore)

    async def _pass(self) -> None:
        raise NotImplementedError()

    async def _at(self, moment: Moment) -> None:
        if moment in self.on:
            await self._pass()

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        await self._at("open")
        stream = await self._store.open(key, offset, length)
        return self._interrupted(stream, "read") if "read" in self.on else stream

    async def add(self, image_id: str, data: IByteStream) -> str:
        await self._at("add")
        if "write" in self.on:
            data = self._interrupted(data, "write")
        return await self._store.add(image_id, data)

    async def delete(self, key: str) -> None:
        await self._at("delete")
        await self._store.delete(key)

    async def discard(self, image_id: str) -> None:
        await self._at("discard")
        await self._store.discard(image_id)

    # What the wrapped store may tell of itself always comes through.

    def listing(self) -> AsyncGenerator[Holding, None]:
        return IListedStore(self._store).listing()

    async def look_up(self, key: str) -> Holding | None:
        return await IListedStore(self._store).look_up(key)

    async def drop_unfinished(self, key: str) -> None:
        await IListedStore(self._store).drop_unfinished(key)

    async def free_space(self) -> int | None:
        return await IListedStore(self._store).free_space()

    def _interrupted(self, stream: IByteStream, moment: Moment) -> IByteStream:
        async def interrupted() -> AsyncGenerator[bytes, None]:
            is_first = True
            async with aclosing(chunks(stream)) as incoming:
                async for chunk in incoming:
                    yield chunk
                    if is_first:
                        is_first = False
                        await self._at(moment)

        return from_chunks(interrupted(), stream.length)


@implementer(IStore)
class FailingStore(_Wrapped):
    """
    A store that raises ``error`` at the moments named ``on``, and else does as the wrapped one.

    ``on`` may be changed at any time: ``store.on = frozenset()`` heals it.
    """

    def __init__(
        self, store: IStore, error: BaseException, on: Collection[Moment] = ("open", "add")
    ) -> None:
        super().__init__(store, on)
        self.error = error

    async def _pass(self) -> None:
        raise self.error


@implementer(IStore)
class SlowStore(_Wrapped):
    """
    A store with a gate: whoever comes at one of the moments ``on`` waits until it is opened.

    ``waiting`` says how many are at the gate now; those who are cancelled leave it.
    """

    def __init__(self, store: IStore, on: Collection[Moment] = ("open", "add")) -> None:
        super().__init__(store, on)
        self._queue: deque[Deferred[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def let_one_pass(self) -> None:
        """Let the one pass who has waited longest."""
        self._queue.popleft().callback(None)

    def open_gate(self) -> None:
        """Let everybody pass, from now on."""
        self.on = frozenset()
        while self._queue:
            self.let_one_pass()

    async def _pass(self) -> None:
        place: Deferred[None] = Deferred(self._queue.remove)
        self._queue.append(place)
        await place
