"""The open stores: which is written to, and which holds a location."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.errors import NoSuchStore, StoreReadOnly, StoreUnavailable
from glancetx.image import Location
from glancetx.interfaces import IByteStream, IReadableStore
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore


@implementer(IReadableStore)
class OnlyGives:
    """A store that takes nothing."""

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        raise NotImplementedError()


def shelved(name: str, *schemes: str) -> ShelvedStore:
    return ShelvedStore(name, MemoryStore(None), frozenset(schemes))


class ShelfTests(SynchronousTestCase):
    """Stores by name, by scheme and by location."""

    def setUp(self) -> None:
        self.first, self.second = shelved("fast", "file"), shelved("slow", "file", "filesystem")
        self.shelf = Shelf([self.first, self.second])

    def test_default(self) -> None:
        """The first store is the default; all come in order."""
        self.assertIs(self.shelf.default, self.first)
        self.assertEqual(list(self.shelf), [self.first, self.second])

    def test_named(self) -> None:
        """A name comes before a scheme, and of a scheme the first one counts."""
        self.assertIs(self.shelf.named("slow"), self.second)
        self.assertIs(self.shelf.named("file"), self.first)
        self.assertIs(self.shelf.named("filesystem"), self.second)
        named_as_scheme = shelved("file")
        shelf = Shelf([self.first, named_as_scheme])
        self.assertIs(shelf.named("file"), named_as_scheme)

    def test_unknown_name(self) -> None:
        """A name that nobody has is the caller's mistake."""
        error = self.assertRaises(NoSuchStore, self.shelf.named, "tape")
        self.assertEqual(error.name, "tape")

    def test_holding(self) -> None:
        """A location tells its store by name, never by scheme."""
        self.assertIs(self.shelf.holding(Location("slow", "key")), self.second)
        for name in ("file", "tape"):
            self.assertRaises(StoreUnavailable, self.shelf.holding, Location(name, "key"))

    def test_nonsense(self) -> None:
        """No store, or two of one name, is refused."""
        self.assertRaises(ValueError, Shelf, [])
        self.assertRaises(ValueError, Shelf, [shelved("a"), shelved("a")])

    def test_writable(self) -> None:
        """A store that only gives cannot be written to."""
        self.assertIs(self.first.writable, self.first.store)
        with self.assertRaises(StoreReadOnly):
            ShelvedStore("web", OnlyGives()).writable  # noqa: B018
