"""The suite for stores that can be listed is itself tested."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.interfaces import IStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.store_contract import StoreContract
from glancetx.testing.store_listings import ListingContract
from tests.testing.suites import failures, tests_of


class _Listed(MemoryStore):
    """What `told` makes of each holding is what it tells."""

    def told(self, holding):
        return [holding]

    async def listing(self):
        async with aclosing(super().listing()) as listing:
            async for holding in listing:
                for each in self.told(holding):
                    yield each


class TellsTwice(_Listed):
    def told(self, holding):
        return [holding, holding]


class TellsNoIds(_Listed):
    def told(self, holding):
        return [evolve(holding, image_id=None)]


class TellsNoSizes(_Listed):
    def told(self, holding):
        return [evolve(holding, size=0)]


class TellsNothingFinished(_Listed):
    def told(self, holding):
        return [evolve(holding, is_finished=False)]


class FindsEverything(MemoryStore):
    async def look_up(self, key):
        self._images.setdefault(key, bytearray())
        try:
            return await super().look_up(key)
        finally:
            if not self._images[key]:
                del self._images[key]


class DropsWhatIsFinished(MemoryStore):
    async def drop_unfinished(self, key):
        await self.delete(key)


class DropsNothingQuietly(MemoryStore):
    async def drop_unfinished(self, key):
        pass


class OwesSpace(MemoryStore):
    async def free_space(self):
        return -1


BROKEN = {
    TellsTwice: {"listing_of_images", "listing_of_unfinished"},
    TellsNoIds: {"listing_of_images", "listing_of_unfinished"},
    TellsNoSizes: {"listing_of_images", "listing_of_unfinished"},
    TellsNothingFinished: {"listing_of_images", "listing_of_unfinished"},
    FindsEverything: {"look_up"},
    DropsWhatIsFinished: {"drop_unfinished_drops_nothing_else"},
    DropsNothingQuietly: {"drop_unfinished_drops_nothing_else"},
    OwesSpace: {"free_space"},
}


def failures_of(kind: type[MemoryStore]) -> set[str]:
    """The tests about listings that a store of this kind does not pass."""

    class Suite(StoreContract, TestCase):
        def make_store(self) -> IStore:
            return kind(None)

        def leftovers(self) -> Iterable[object]:
            return ()

    return failures(Suite, tests_of(ListingContract))


class SuiteTests(SynchronousTestCase):
    """What the suite notices."""

    def test_sound(self):
        """A store that keeps all promises passes."""
        self.assertEqual(failures_of(MemoryStore), set())

    def test_broken(self):
        """Each that breaks one fails by the tests of just that one."""
        for kind, expected in BROKEN.items():
            self.assertEqual(failures_of(kind), expected, kind.__name__)
