"""An image with several locations is given as long as one of them has it."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    ConsumerGone,
    NoSuchData,
    RangeOutside,
    RemoteUnavailable,
    StoreFailed,
    StoreForbids,
    StoreUnavailable,
)
from glancetx.image import Image, Location, Status
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import READ_SIZE, MemoryStore
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import RecordingConsumer, ScriptedStream
from glancetx.usecases.download import Downloads
from tests.elsewhere import Elsewhere

#: Three reads of a store in memory, of which one that breaks gives the first.
BYTES = bytes(range(256)) * (READ_SIZE // 256 * 2) + b"and a half"
SIZE = len(BYTES)
ANYWHERE = "http://user:secret@example.org/image"


class ReplicaCase(SynchronousTestCase):
    """An image in three stores of our own, and a source elsewhere."""

    def setUp(self) -> None:
        self.kept = {name: MemoryStore(None) for name in ("one", "two", "three")}
        self.stores = {
            name: FailingStore(store, StoreUnavailable(), on=())
            for name, store in self.kept.items()
        }
        self.elsewhere = Elsewhere({ANYWHERE: BYTES})
        for store in self.kept.values():
            self.successResultOf(as_deferred(store.add("i", ScriptedStream([BYTES]))))
        self.image = self.lying_in("one", "two", "three")
        self.events: list[dict[str, Any]] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def lying_in(self, *names: str) -> Image:
        places = {"http": Location("http", ANYWHERE)}
        locations = tuple(places.get(name, Location(name, "i")) for name in names)
        return Image(image_id="image-1", status=Status.ACTIVE, size=SIZE, locations=locations)

    @property
    def downloads(self) -> Downloads:
        shelf = [ShelvedStore(name, store) for name, store in self.stores.items()]
        return Downloads(Shelf([*shelf, self.elsewhere.shelved]))

    def breaks(self, name: str, *moments: Any, error: Exception | None = None) -> None:
        self.stores[name].on = frozenset(moments)
        if error is not None:
            self.stores[name].error = error

    def open(self, *span: int | None) -> Any:
        return self.successResultOf(as_deferred(self.downloads.open(self.image, *span)))  # type: ignore[arg-type]

    def read(self, *span: int | None) -> bytes:
        stream, consumer = self.open(*span), RecordingConsumer()
        self.successResultOf(as_deferred(stream.flow_to(consumer)))
        self.assertEqual(stream.length, consumer.size)
        return consumer.data

    def failure_of_open(self, error: type[Exception]) -> None:
        self.failureResultOf(as_deferred(self.downloads.open(self.image)), error)

    @property
    def blamed(self) -> list[str]:
        """The stores that the log tells of."""
        return [event["store"] for event in self.events if "store" in event]


class OpenTests(ReplicaCase):
    """A location that cannot be opened."""

    def test_first(self) -> None:
        """As long as the first one gives the bytes nothing is said of the others."""
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.events, [])

    def test_next(self) -> None:
        """The next one is opened, whatever is wrong with those before it."""
        for error in StoreUnavailable(), StoreForbids(), NoSuchData(), RangeOutside(1):
            self.breaks("one", "open", error=error)
            self.assertEqual(self.read(), BYTES)
        self.breaks("two", "open")
        self.assertEqual(self.read(5, 7), BYTES[5:12])

    def test_store_not_here(self) -> None:
        """A store that this daemon was started without is passed over."""
        self.image = self.lying_in("attic", "two")
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.blamed, ["attic"])

    def test_elsewhere(self) -> None:
        """What a user named is opened in its turn, and then nothing else is."""
        self.image = self.lying_in("one", "http", "two")
        self.breaks("one", "open")
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.elsewhere.asked, [("GET", ANYWHERE)])

    def test_elsewhere_away(self) -> None:
        """Our own copy is opened when what a user named cannot be."""
        self.image = self.lying_in("http", "one")
        self.elsewhere.statuses[ANYWHERE] = 0
        self.assertEqual(self.read(), BYTES)

    def test_other_size(self) -> None:
        """A copy that has not as many bytes as the record is none; its stream is ended."""
        for wrong in BYTES[:-1], BYTES + b"x", b"":
            self.kept["one"]._images["i"] = bytearray(wrong)
            self.assertEqual(self.read(), BYTES)
            self.assertEqual(self.read(SIZE - 3), BYTES[-3:])
        self.kept["one"]._images["i"] = bytearray(BYTES[:-1])
        self.image = self.lying_in("one", "attic")
        self.failure_of_open(StoreFailed)

    def test_other_size_is_left(self) -> None:
        """The stream of a copy that is none is ended, so that its store lets go."""
        opened = ScriptedStream([b"x"], length=1)

        class Short(MemoryStore):
            async def open(self, key: str, offset: int = 0, length: int | None = None) -> Any:
                return opened

        self.stores["one"] = Short(None)  # type: ignore[assignment]
        self.assertEqual(self.read(), BYTES)
        self.assertTrue(opened.was_stopped)

    def test_unknown_size(self) -> None:
        """When nobody knows the size, as of what a user named, what is opened is not judged."""
        self.image = evolve(self.lying_in("one", "http"), size=0)
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.elsewhere.asked, [])

    def test_all_fail(self) -> None:
        """When all fail, what the first one said is told."""
        self.breaks("one", "open", error=StoreForbids())
        self.breaks("two", "open", error=NoSuchData())
        self.breaks("three", "open")
        self.failure_of_open(StoreForbids)
        self.assertEqual(self.blamed, ["one", "two", "three"])

    def test_bug(self) -> None:
        """What is no word of a store is not hidden by another one."""
        self.breaks("one", "open", error=ZeroDivisionError())
        self.failure_of_open(ZeroDivisionError)

    def test_cancelled(self) -> None:
        """Who is cancelled while the first is opened does not open the next."""
        slow = SlowStore(self.kept["one"], on={"open"})
        self.stores["one"] = slow  # type: ignore[assignment]
        self.breaks("two", "open", error=ZeroDivisionError())
        opening = as_deferred(self.downloads.open(self.image))
        opening.cancel()
        self.failureResultOf(opening, CancelledError)
        self.assertEqual(slow.waiting, 0)
        self.assertEqual(self.events, [])

    def test_cancellation_taken_for_failure(self) -> None:
        """Also when the store makes a failure of the cancellation."""
        opening: Deferred[Any] = Deferred(lambda opening: opening.errback(StoreUnavailable()))

        class Sulking(MemoryStore):
            async def open(self, key: str, offset: int = 0, length: int | None = None) -> Any:
                return await opening

        self.stores["one"] = Sulking(None)  # type: ignore[assignment]
        flow = as_deferred(self.downloads.open(self.image))
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertEqual(self.events, [])


class SizeTests(ReplicaCase):
    """What is said of an image before it is opened."""

    def size_now(self) -> Any:
        return self.successResultOf(as_deferred(self.downloads.size_now(self.image)))

    def test_ours_first(self) -> None:
        """What is opened first counts: of our own the record is right, and nobody is asked."""
        self.image = self.lying_in("one", "http")
        self.elsewhere.things[ANYWHERE] += b"more"
        self.assertEqual(self.size_now(), SIZE)
        self.assertEqual(self.elsewhere.asked, [])

    def test_elsewhere_first(self) -> None:
        """What a user named is asked; when it does not answer, the record counts."""
        self.image = self.lying_in("http", "one")
        self.elsewhere.things[ANYWHERE] += b"more"
        self.assertEqual(self.size_now(), SIZE + 4)
        self.elsewhere.statuses[ANYWHERE] = 404
        self.assertEqual(self.size_now(), SIZE)

    def test_is_elsewhere(self) -> None:
        """One location that others may change is enough; a store that is not here is none."""
        for names, expected in (
            (("one", "two"), False),
            (("one", "http"), True),
            (("attic", "one"), False),
            (("attic", "http"), True),
        ):
            self.image = self.lying_in(*names)
            self.assertIs(self.downloads.is_elsewhere(self.image), expected, names)


class BreakTests(ReplicaCase):
    """A location that breaks while it gives."""

    def test_goes_on(self) -> None:
        """The next one goes on at the same byte."""
        self.breaks("one", "read")
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.blamed, ["one"])

    def test_goes_on_twice(self) -> None:
        """And the one after that."""
        self.breaks("one", "read")
        self.breaks("two", "read", error=NoSuchData())
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.blamed, ["one", "two"])

    def test_passes_over(self) -> None:
        """One that cannot be opened then, or has another size, is passed over."""
        self.breaks("one", "read")
        self.breaks("two", "open")
        self.assertEqual(self.read(), BYTES)
        self.breaks("two")
        self.kept["two"]._images["i"] += b"x"
        self.assertEqual(self.read(), BYTES)

    def test_ranges(self) -> None:
        """Also within a range."""
        self.breaks("one", "read")
        for span in (100,), (0, SIZE), (7, READ_SIZE + 9), (7, SIZE), (SIZE - READ_SIZE - 1,):
            self.events.clear()
            end = SIZE if len(span) == 1 else sum(span)
            self.assertEqual(self.read(*span), BYTES[span[0] : end], span)
            self.assertEqual(self.blamed, ["one"], span)
        for span in (5, 0), (SIZE,):
            self.assertEqual(self.read(*span), b"", span)

    def test_every_store_breaks(self) -> None:
        """When the last one breaks too, the flow breaks; no byte came twice."""
        self.image = self.lying_in("one", "two")
        self.breaks("one", "read", error=StoreForbids())
        self.breaks("two", "read")
        stream, consumer = self.open(), RecordingConsumer()
        self.failureResultOf(as_deferred(stream.flow_to(consumer)), StoreUnavailable)
        self.assertEqual(consumer.data, BYTES[: 2 * READ_SIZE])

    def test_nobody_left(self) -> None:
        """When no other can be opened, what the first one said is told."""
        self.image = self.lying_in("one", "two")
        self.breaks("one", "read", error=StoreForbids())
        self.breaks("two", "open", error=NoSuchData())
        flow = as_deferred(self.open().flow_to(RecordingConsumer()))
        self.failureResultOf(flow, StoreForbids)

    def test_never_mixed(self) -> None:
        """Nothing follows what a user named, and what a user named follows nothing."""
        self.image = self.lying_in("one", "http")
        self.breaks("one", "read")
        consumer = RecordingConsumer()
        self.failureResultOf(as_deferred(self.open().flow_to(consumer)), StoreUnavailable)
        self.assertEqual(consumer.data, BYTES[:READ_SIZE])
        self.assertEqual(self.elsewhere.asked, [])
        self.image = self.lying_in("http", "two")
        self.elsewhere.then = RemoteUnavailable()
        self.elsewhere.lies_by = 1
        flow = as_deferred(self.open().flow_to(RecordingConsumer()))
        self.failureResultOf(flow, RemoteUnavailable)

    def test_elsewhere_is_passed_over(self) -> None:
        """Between two of our own it is left out."""
        self.image = self.lying_in("one", "http", "attic", "two")
        self.breaks("one", "read")
        self.assertEqual(self.read(), BYTES)
        self.assertEqual(self.elsewhere.asked, [])

    def test_client_leaves(self) -> None:
        """A client who leaves is no reason to ask another store."""
        stream = self.open()
        flow = as_deferred(stream.flow_to(RecordingConsumer(stop_after=1)))
        self.failureResultOf(flow, ConsumerGone)
        self.assertEqual(self.events, [])

    def test_log(self) -> None:
        """The log names store and image, and no key."""
        self.kept["one"]._images["secret"] = self.kept["one"]._images["i"]
        locations = (Location("one", "secret"), Location("two", "i"))
        self.image = evolve(self.image, locations=locations)
        self.breaks("one", "read")
        self.read()
        (event,) = self.events
        self.assertEqual((event["store"], event["image_id"]), ("one", "image-1"))
        self.assertNotIn("secret", repr(event))


class OwnStreamTests(ReplicaCase):
    """With nowhere else to go, nothing stands between a store and its reader."""

    def test_own_stream(self) -> None:
        """The stream is the one that the store has made."""
        made: list[object] = []

        class Watched(MemoryStore):
            async def open(self, key: str, offset: int = 0, length: int | None = None) -> Any:
                made.append(await super().open(key, offset, length))
                return made[-1]

        watched = Watched(None)
        watched._images = self.kept["one"]._images
        self.stores["one"] = watched  # type: ignore[assignment]
        for names in ("one",), ("attic", "one"), ("one", "attic"), ("two", "one"):
            self.breaks("two", "open")
            self.image = self.lying_in(*names)
            self.assertIs(self.open(), made[-1], names)
        self.assertEqual(len(made), 4)

    def test_single_errors(self) -> None:
        """A store that stands alone says what is wrong by itself, and only so."""
        self.image = self.lying_in("one")
        self.failureResultOf(as_deferred(self.downloads.open(self.image, SIZE + 1)), RangeOutside)
        self.kept["one"]._images["i"] = bytearray(b"short")
        self.assertEqual(self.read(), b"short")
        self.assertEqual(self.events, [])
