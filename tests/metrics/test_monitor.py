"""What one process knows of itself."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.copies import CachedImage
from glancetx.image import Image, Location, Status
from glancetx.metrics.book import Book
from glancetx.metrics.monitor import Monitor
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.usecases.readiness import Readiness


class Frozen(MemoryRegistry):
    """A registry that does not answer."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked: list[Deferred[Any]] = []

    def totals(self) -> Any:
        self.asked.append(Deferred())
        return self.asked[-1]


class TwoCopies:
    """A cache that has two."""

    async def entries(self) -> list[CachedImage]:
        details: Any = {"hits": 0, "last_accessed": 0.0, "last_modified": 0.0}
        return [CachedImage(image_id=name, size=5, **details) for name in "ab"]


class MonitorTests(SynchronousTestCase):
    """All numbers of a process."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.monitor = Monitor(self.clock, "worker 3")

    def measured(self) -> Any:
        return self.successResultOf(ensureDeferred(self.monitor.measure())).values

    def test_parts(self) -> None:
        """What counts by itself is asked each time."""
        held = [1]

        def tell(book: Book) -> None:
            book.add("glancetx_leases_held", held[0])

        self.monitor.watch(tell)
        self.assertEqual(self.measured()["glancetx_leases_held"], {(): 1})
        held[0] = 4
        self.assertEqual(self.measured()["glancetx_leases_held"], {(): 4})

    def test_process(self) -> None:
        """The process is told by its name, and what it is built of."""
        found = self.measured()
        self.assertGreater(found["process_resident_memory_bytes"]["worker 3",], 1 << 20)
        self.assertEqual(list(found["glancetx_build_info"].values()), [1])

    def test_sums(self) -> None:
        """Images and copies are counted once a minute."""
        registry: Any = MemoryRegistry(self.clock)
        cache: Any = TwoCopies()
        self.successResultOf(ensureDeferred(registry.insert(Image(image_id="a"))))
        self.monitor.sum_up(registry, cache)
        self.assertEqual(self.measured()["glancetx_images"], {("queued",): 1})
        lying = (Location("near", "b"), Location("far", "b"))
        active = Image(image_id="b", status=Status.ACTIVE, size=6, locations=lying)
        self.successResultOf(ensureDeferred(registry.insert(active)))
        self.assertEqual(self.measured()["glancetx_images"], {("queued",): 1})
        self.clock.advance(60)
        found = self.measured()
        self.assertEqual(found["glancetx_images"], {("queued",): 1, ("active",): 1})
        self.assertEqual(found["glancetx_image_bytes"], {("queued",): 0, ("active",): 12})
        self.assertEqual(found["glancetx_cache_images"], {(): 2})
        self.assertEqual(found["glancetx_cache_bytes"], {(): 10})

    def test_registry_is_frozen(self) -> None:
        """The rest is told all the same, after a moment, and it is asked once."""
        registry: Any = Frozen(self.clock)
        self.monitor.sum_up(registry, None)
        for _ in range(3):
            measuring = ensureDeferred(self.monitor.measure())
            self.clock.advance(1)
            self.assertEqual(self.successResultOf(measuring).values["glancetx_images"], {})
        self.assertEqual(len(registry.asked), 1)
        self.monitor.retire()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_registry_fails(self) -> None:
        """Whatever comes of it, the rest is told; it goes into the log."""
        registry: Any = Frozen(self.clock)
        self.monitor.sum_up(registry, None)
        measuring = ensureDeferred(self.monitor.measure())
        registry.asked[0].errback(ZeroDivisionError())
        self.successResultOf(measuring)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_retires(self) -> None:
        """Whoever retires leaves to others what is the same for all."""
        registry: Any = MemoryRegistry(self.clock)
        shelf = Shelf([ShelvedStore("near", MemoryStore(self.clock))])
        self.monitor.sum_up(registry, None)
        self.monitor.depend(Readiness(self.clock, registry, None, shelf))  # type: ignore[arg-type]
        standings = self.successResultOf(ensureDeferred(self.monitor.standings()))
        self.assertEqual(standings["store near"], {"is_needed": True, "trouble": None})
        self.monitor.retire()
        self.assertEqual(self.successResultOf(ensureDeferred(self.monitor.standings())), {})
        self.measured()
