"""What the workers know, put together."""

from __future__ import annotations

from typing import Any, cast

from attrs import asdict
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.identity.everybody import Everybody
from glancetx.interfaces import IProbed
from glancetx.metrics.book import Book
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.usecases.readiness import Readiness
from glancetx.workers.monitor import METRICS, STANDINGS, CrewMonitor

REQUESTS = "glancetx_http_requests_total"
HELD = "glancetx_leases_held"
GET = ("/v1/images", "GET", "200")

READY = {"is_needed": True, "trouble": None}
AWAY = {"is_needed": True, "trouble": "It gives no answer."}


class FakeWorker:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def tell(self, *message: Any) -> None:
        self.told.append(message)


@implementer(IProbed)
class Hangs:
    """Never says whether it is ready."""

    def check_ready(self) -> Deferred[None]:
        return Deferred()


def numbers(requests: int, held: int = 0) -> Any:
    """What a worker says that has answered so many requests, and holds so many leases."""
    book = Book()
    book.add(REQUESTS, requests, *GET)
    book.add(HELD, held)
    return book.to_json()


class CrewMonitorTests(SynchronousTestCase):
    """Two workers."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.first, self.second = self.workers = [FakeWorker(), FakeWorker()]
        self.monitor = CrewMonitor(self.clock, lambda: self.workers)

    def measuring(self) -> Deferred[Book]:
        return ensureDeferred(self.monitor.measure())

    def measured(self, *said: Any) -> Any:
        """What is told when they say this; None is nothing."""
        measuring = self.measuring()
        for worker, each in zip(self.workers, said, strict=True):
            if each is not None:
                self.monitor.answered(worker, METRICS, each)
        if None in said:
            self.clock.advance(2)
        return self.successResultOf(measuring).values

    def end(self, worker: FakeWorker) -> None:
        self.workers.remove(worker)
        self.monitor.gone(worker)

    def test_adds_up(self) -> None:
        """Their numbers are added."""
        found = self.measured(numbers(2, 1), numbers(3, 1))
        self.assertEqual((found[REQUESTS], found[HELD]), ({GET: 5}, {(): 2}))
        self.assertEqual(found["glancetx_workers"], {("serving",): 2, ("silent",): 0})
        self.assertIn(("supervisor",), found["process_open_fds"])
        self.assertEqual(list(found["glancetx_build_info"].values()), [1])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dies(self) -> None:
        """What it has counted stays counted, and nothing is in its hands any more."""
        self.measured(numbers(2, 1), numbers(3, 1))
        self.end(self.first)
        found = self.measured(numbers(3, 1))
        self.assertEqual((found[REQUESTS], found[HELD]), ({GET: 5}, {(): 1}))
        self.workers.append(FakeWorker())
        found = self.measured(numbers(3, 1), numbers(1))
        self.assertEqual(found[REQUESTS], {GET: 6})

    def test_dies_while_it_is_asked(self) -> None:
        """The others' answers are enough."""
        measuring = self.measuring()
        self.monitor.answered(self.second, METRICS, numbers(3))
        self.assertNoResult(measuring)
        self.end(self.first)
        found = self.successResultOf(measuring).values
        self.assertEqual(found[REQUESTS], {GET: 3})
        self.assertEqual(found["glancetx_workers"], {("serving",): 1, ("silent",): 0})

    def test_last_words(self) -> None:
        """What it says before it ends counts, unasked."""
        self.monitor.answered(self.first, METRICS, numbers(7))
        self.end(self.first)
        self.assertEqual(self.measured(numbers(1))[REQUESTS], {GET: 8})

    def test_hangs(self) -> None:
        """It is waited for a moment; what it said last is told, and it is asked no second time."""
        self.measured(numbers(2), numbers(3))
        for _ in range(3):
            found = self.measured(None, numbers(4))
            self.assertEqual(found[REQUESTS], {GET: 6})
            self.assertEqual(found["glancetx_workers"], {("serving",): 1, ("silent",): 1})
        self.assertEqual(len(self.first.told), 2)
        # It wakes up.
        self.monitor.answered(self.first, METRICS, numbers(9))
        self.assertEqual(self.measured(numbers(9), numbers(4))[REQUESTS], {GET: 13})
        self.assertEqual(len(self.first.told), 3)

    def test_cannot_tell(self) -> None:
        """Whoever cannot tell now is asked again, and what he said before is told."""
        self.measured(numbers(2), numbers(3))
        measuring = self.measuring()
        self.monitor.answered(self.first, METRICS, None)
        self.monitor.answered(self.second, METRICS, numbers(3))
        self.assertEqual(self.successResultOf(measuring).values[REQUESTS], {GET: 5})
        self.assertEqual(self.measured(numbers(4), numbers(3))[REQUESTS], {GET: 7})

    def test_several_ask(self) -> None:
        """Those who ask together get the same answer."""
        both = [self.measuring(), self.measuring()]
        for worker in self.workers:
            self.monitor.answered(worker, METRICS, numbers(1))
            self.assertEqual(worker.told, [("ask", METRICS)])
        for measuring in both:
            self.assertEqual(self.successResultOf(measuring).values[REQUESTS], {GET: 2})

    def standings(self, *said: Any) -> Any:
        asking = ensureDeferred(self.monitor.standings())
        for worker, each in zip(self.workers, said, strict=True):
            if each is not None:
                self.monitor.answered(worker, STANDINGS, each)
        self.clock.advance(2)
        return self.successResultOf(asking)

    def test_standings(self) -> None:
        """What one of them cannot use is not ready, and whoever is silent has no word."""
        both = {"registry": READY, "store near": READY}
        found = self.standings(both, {"registry": AWAY, "store near": READY})
        self.assertEqual(found, {"workers": READY, "registry": AWAY, "store near": READY})
        self.assertEqual(self.standings(None, both), {"workers": READY, **both})

    def test_store_that_hangs(self) -> None:
        """What workers say of a store that gives no answer comes in time, and they are ready."""
        shelf = Shelf(
            [ShelvedStore("near", MemoryStore(self.clock)), ShelvedStore("far", cast(Any, Hangs()))]
        )
        asking = ensureDeferred(self.monitor.standings())
        for worker in self.workers:
            readiness = Readiness(self.clock, MemoryRegistry(self.clock), Everybody(), shelf)

            def say(found: Any, worker: FakeWorker) -> None:
                said = {name: asdict(standing) for name, standing in found.items()}
                self.monitor.answered(worker, STANDINGS, said)

            ensureDeferred(readiness.standings()).addCallback(say, worker)
        self.clock.pump([0.25] * 8)
        found = self.successResultOf(asking)
        self.assertEqual(found["store far"], {**AWAY, "is_needed": False})
        self.assertEqual((found["workers"], found["store near"]), (READY, READY))

    def test_nobody_answers(self) -> None:
        """Then the daemon is not ready, nor when all of them retire."""
        answers: Any = (None, {})
        for said in answers:
            found = self.standings(said, said)
            self.assertEqual(list(found), ["workers"])
            self.assertIsNotNone(found["workers"]["trouble"])
