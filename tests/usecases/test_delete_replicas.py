"""Deleting an image that lies in several places."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.deferreds import as_deferred
from glancetx.errors import DataInUse, NotAllowed, StoreFailed, StoreForbids, StoreUnavailable
from glancetx.image import Image, Location, Status
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from glancetx.testing.streams import ScriptedStream
from glancetx.usecases.delete import Deletions
from glancetx.usecases.janitor import HOLD, Janitor
from glancetx.usecases.transfers import Transfers
from tests.elsewhere import HERE, Elsewhere

ONE, TWO, WEB = Location("one", "i"), Location("two", "i"), Location("http", HERE)


class PlacesCase(SynchronousTestCase):
    """An active image in two stores and on a web server."""

    scrub_time: float | None = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.kept = {name: MemoryStore(None) for name in ("one", "two")}
        self.stores = {
            name: FailingStore(kept, DataInUse(), ()) for name, kept in self.kept.items()
        }
        self.registry = MemoryRegistry(self.clock)
        self.make()
        for kept in self.kept.values():
            self.do(kept.add("i", ScriptedStream([b"hello"])))
        places = (ONE, WEB, TWO)
        self.do(
            self.registry.insert(
                Image(image_id="i", status=Status.ACTIVE, size=5, locations=places)
            )
        )

    def make(self, *left_out: str) -> None:
        """A daemon that has all stores but these."""
        shelf = Shelf(
            [
                *(
                    ShelvedStore(name, each)
                    for name, each in self.stores.items()
                    if name not in left_out
                ),
                Elsewhere().shelved,
            ]
        )
        transfers = Transfers(self.clock, self.registry)
        self.deletions = Deletions(self.registry, shelf, transfers, self.scrub_time)
        self.janitor = Janitor(self.clock, self.registry, shelf, self.deletions)

    def do(self, work: Any) -> Any:
        return self.successResultOf(as_deferred(work))

    def delete(self) -> Any:
        return as_deferred(self.deletions.delete(OPERATOR, "i"))

    @property
    def image(self) -> Image:
        image: Image = self.do(self.registry.fetch("i"))
        return image

    @property
    def left(self) -> list[str]:
        """The stores that still have bytes."""
        return [name for name, kept in self.kept.items() if kept._images]


class DeleteTests(PlacesCase):
    """At once."""

    def test_everywhere(self) -> None:
        """The bytes go from every store that takes some."""
        self.do(self.delete())
        self.assertEqual(self.left, [])
        self.assertEqual((self.image.status, self.image.locations), (Status.DELETED, ()))

    def test_lost(self) -> None:
        """What a store has lost already stops nothing."""
        self.do(self.kept["one"].delete("i"))
        self.do(self.delete())
        self.assertEqual(self.left, [])

    def test_one_fails(self) -> None:
        """When one store fails, the image stays, without what is gone; it can be deleted later."""
        for error, told in (
            (DataInUse(), DataInUse),
            (StoreForbids(), NotAllowed),
            (StoreUnavailable(), StoreFailed),
        ):
            self.setUp()
            self.stores["two"].on, self.stores["two"].error = frozenset({"delete"}), error
            self.failureResultOf(self.delete(), told)
            self.assertEqual((self.image.status, self.image.locations), (Status.ACTIVE, (WEB, TWO)))
            self.assertEqual(self.left, ["two"])
            self.stores["two"].on = frozenset()
            self.do(self.delete())
            self.assertEqual(self.left, [])

    def test_first_fails(self) -> None:
        """When the first one does, nothing has changed."""
        self.stores["one"].on = frozenset({"delete"})
        self.failureResultOf(self.delete(), DataInUse)
        self.assertEqual(self.image.locations, (ONE, WEB, TWO))
        self.assertEqual(self.left, ["one", "two"])

    def test_store_not_here(self) -> None:
        """A daemon that lacks one of the stores removes nothing."""
        self.make("two")
        self.failureResultOf(self.delete(), StoreFailed)
        self.assertEqual(self.image.locations, (ONE, WEB, TWO))
        self.assertEqual(self.left, ["one", "two"])


class DelayedTests(PlacesCase):
    """Later, by a janitor."""

    scrub_time = 10.0

    def test_everywhere(self) -> None:
        """The janitor removes what every store has, and comes again where one fails."""
        self.do(self.delete())
        self.assertEqual(self.left, ["one", "two"])
        self.stores["two"].on = frozenset({"delete"})
        self.clock.advance(self.scrub_time + 1)
        self.do(self.janitor.clean())
        self.assertEqual((self.left, self.image.status), (["two"], Status.PENDING_DELETE))
        self.stores["two"].on = frozenset()
        self.clock.advance(HOLD + 1)
        self.do(self.janitor.clean())
        self.assertEqual((self.left, self.image.status), ([], Status.DELETED))
