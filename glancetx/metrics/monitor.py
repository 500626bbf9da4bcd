"""What one process knows of itself: asked by its own listener, or by its supervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from attrs import asdict
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.copies import CachedImage
from glancetx.deferreds import as_deferred
from glancetx.errors import GlanceError
from glancetx.interfaces import IImageCache, IRegistry, ISurveyedRegistry
from glancetx.metrics.book import Book
from glancetx.metrics.process import add_process
from glancetx.metrics.recorder import Recorder
from glancetx.remembered import Remembered
from glancetx.survey import Total
from glancetx.usecases.readiness import Readiness

T = TypeVar("T")

#: Seconds for which sums are remembered, and for which one waits for new ones.
LIFETIME = 60.0
PATIENCE = 1.0

#: How a daemon stands: what it depends on → whether that is needed, and what is wrong with it.
Standings = dict[str, dict[str, Any]]

_log = Logger()


class Monitoring(Protocol):
    """What a listener asks: a `Monitor`, or whoever asks those of several processes."""

    async def measure(self) -> Book:
        """All numbers of the daemon. Takes a few seconds at most."""

    async def standings(self) -> Standings:
        """How it stands. Takes a few seconds at most."""


class Monitor:
    """
    The `Monitoring` of one process, called ``name`` among its daemon's.

    ``recorder`` is for those who tell what happens; what counts by itself is `watch`\\ ed.
    """

    def __init__(self, clock: IReactorTime, name: str) -> None:
        self.recorder = Recorder()
        self._clock = clock
        self._name = name
        self._parts: list[Callable[[Book], None]] = []
        self._totals: Remembered[list[Total]] | None = None
        self._copies: Remembered[list[CachedImage]] | None = None
        self._readiness: Readiness | None = None

    # -- what there is to see

    def watch(self, *parts: Callable[[Book], None]) -> None:
        """Each writes into a book how things stand with it, and waits for nothing."""
        self._parts.extend(parts)

    def depend(self, readiness: Readiness) -> None:
        """From now on it can be told whether the daemon is ready."""
        self._readiness = readiness

    def sum_up(self, registry: IRegistry, cache: IImageCache | None) -> None:
        """Also tell what is the same for all processes: images, and copies in the cache."""
        if ISurveyedRegistry.providedBy(registry):
            self._totals = _summed(self._clock, ISurveyedRegistry(registry).totals)
        if cache is not None:
            self._copies = _summed(self._clock, cache.entries)

    def retire(self) -> None:
        """Somebody else tells what is the same for all, and whether the daemon is ready."""
        for each in self._totals, self._copies, self._readiness:
            if each is not None:
                each.stop()
        self._totals = self._copies = self._readiness = None

    # -- what is asked

    def book(self) -> Book:
        """What can be told at once."""
        book = self.recorder.book()
        for part in self._parts:
            part(book)
        add_process(book, self._name)
        return book

    async def measure(self) -> Book:
        asked = [as_deferred(_young(each)) for each in (self._totals, self._copies)]
        totals, copies = await gatherResults(asked, consumeErrors=True)
        book = self.book()
        for total in totals or ():
            book.add("glancetx_images", total.count, total.status.value)
            book.add("glancetx_image_bytes", total.size, total.status.value)
        if copies is not None:
            book.add("glancetx_cache_images", len(copies))
            book.add("glancetx_cache_bytes", sum(each.size for each in copies))
        return book

    async def standings(self) -> Standings:
        if self._readiness is None:
            return {}
        found = await self._readiness.standings()
        return {name: asdict(standing) for name, standing in found.items()}


async def _young(remembered: Remembered[Any] | None) -> Any:
    """The last answer, a new one if it comes in time."""
    if remembered is None:
        return None
    try:
        await remembered.get()
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001, S110 - it is known, and the other numbers are to be told
        pass
    return remembered.last


def _summed(clock: Any, ask: Callable[[], Awaitable[T]]) -> Remembered[T]:
    """What is asked for now and then; what nobody has expected to fail is logged when it does."""

    async def told() -> T:
        try:
            return await ask()
        except (GlanceError, CancelledError):
            raise  # whoever needs it says so
        except Exception:
            _log.failure("something cannot be summed up")
            raise

    return Remembered(clock, told, LIFETIME, PATIENCE)
