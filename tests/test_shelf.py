"""The open stores: which is written to, and which holds a location."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.errors import NoSuchStore, SourceNotSupported, StoreReadOnly, StoreUnavailable
from glancetx.image import Location
from glancetx.interfaces import IByteStream, IForeignStore, IReadableStore
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore


@implementer(IReadableStore)
class OnlyGives:
    """A store that takes nothing."""

    async def open(self, key: str, offset: int = 0, length: int | None = None) -> IByteStream:
        raise NotImplementedError()


@implementer(IForeignStore)
class ReadsElsewhere(OnlyGives):
    """A store that reads whatever it is told to."""

    def check(self, location: str) -> None:
        """Nothing is wrong with it."""

    async def probe(self, location: str) -> int | None:
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


#: What a user may write in the hope that somebody takes it for something else (R10).
TRICKS = (
    "",
    "http",
    "//host/image",
    "HTTP://host/image",
    "Http://host/image",
    " http://host/image",
    "http ://host/image",
    "http\t://host/image",
    "\nhttp://host/image",
    "\x00http://host/image",
    "http\x00://host/image",
    "%68ttp://host/image",
    "http%3a//host/image",
    "\uff48\uff54\uff54\uff50://host/image",
    "http\u200b://host/image",
    "url:http://host/image",
    "jar:http://host/image",
    "http+unix://host/image",
    "httpx://host/image",
    "ftp://host/image",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "File:///etc/passwd",
    "filesystem:///etc/passwd",
    "swift+config://ref1/container/image",
    "swift://account:key@host/container/image",
    "rbd://pool/image",
    "cinder://volume",
    "fast:ab/cd/key",
    "web:ab/cd/key",
    "/etc/passwd",
)


class ForeignTests(SynchronousTestCase):
    """Which store may read what a user names."""

    def setUp(self) -> None:
        self.web = ShelvedStore("web", ReadsElsewhere(), frozenset({"http", "https"}), True)
        self.shelf = Shelf([shelved("fast", "file", "filesystem"), self.web])

    def test_exact_scheme(self) -> None:
        """The schemes of a foreign store are what users may name."""
        for location in "http://host/image", "https://host/image":
            self.assertIs(self.shelf.foreign(location), self.web)

    def test_tricks(self) -> None:
        """Everything else is refused, however it is spelt (R10)."""
        for location in TRICKS:
            with self.assertRaises(SourceNotSupported, msg=location):
                self.shelf.foreign(location)

    def test_not_declared_foreign(self) -> None:
        """It is not enough that a store could: its maker has to say so (R10)."""
        shelf = Shelf([ShelvedStore("web", ReadsElsewhere(), frozenset({"http"}))])
        self.assertRaises(SourceNotSupported, shelf.foreign, "http://host/image")

    def test_declared_foreign_by_mistake(self) -> None:
        """Nor that a maker says so of a store that cannot check what users write."""
        store = ShelvedStore("file", MemoryStore(None), frozenset({"file"}), True)
        self.assertRaises(SourceNotSupported, Shelf([store]).foreign, "file:///etc/passwd")

    def test_first_one_that_may(self) -> None:
        """Another store of the same scheme that users may not name does not stand in the way."""
        closed = ShelvedStore("closed", ReadsElsewhere(), frozenset({"http"}))
        self.assertIs(Shelf([closed, self.web]).foreign("http://host/image"), self.web)
