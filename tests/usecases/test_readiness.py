"""Whether what a daemon depends on would serve."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.errors import StoreUnavailable
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import IProbed
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.usecases.readiness import Readiness, Standing


@implementer(IProbed)
class Probed:
    """Answers what a test gives it, and counts how often it was asked."""

    def __init__(self, *answers: Deferred[None]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def check_ready(self) -> Deferred[None]:
        self.asked += 1
        return self._answers.pop(0) if self._answers else succeed(None)


class ReadinessTests(SynchronousTestCase):
    """One by one."""

    def setUp(self) -> None:
        self.clock = Clock()

    def readiness(self, default: Any = None, second: Any = None) -> Readiness:
        stores = [ShelvedStore("near", default or MemoryStore(self.clock))]
        if second is not None:
            stores.append(ShelvedStore("far", second))
        registry = MemoryRegistry(self.clock)
        return Readiness(self.clock, registry, Everybody(), Shelf(stores))

    def asking(self, readiness: Readiness) -> Deferred[Mapping[str, Standing]]:
        return ensureDeferred(readiness.standings())

    def test_nothing_to_ask(self) -> None:
        """Whatever cannot be asked counts as ready."""
        found = self.successResultOf(self.asking(self.readiness(second=MemoryStore(self.clock))))
        expected = {
            "registry": Standing(True),
            "identity": Standing(True),
            "store near": Standing(True),
            "store far": Standing(False),
        }
        self.assertEqual(found, expected)

    def test_trouble(self) -> None:
        """What one of them says is told, and remembered for some seconds."""
        store = Probed(fail(StoreUnavailable()))
        readiness = self.readiness(store)
        for _ in range(2):
            found = self.successResultOf(self.asking(readiness))
            self.assertEqual(found["store near"], Standing(True, str(StoreUnavailable())))
        self.assertEqual(store.asked, 1)
        self.clock.advance(2)
        found = self.successResultOf(self.asking(readiness))
        self.assertEqual((found["store near"], store.asked), (Standing(True), 2))

    def test_hangs(self) -> None:
        """A store that hangs keeps nobody waiting, is asked once, and the others are told."""
        store = Probed(Deferred())
        readiness = self.readiness(store)
        for _ in range(3):
            asking = self.asking(readiness)
            self.assertNoResult(asking)
            self.clock.advance(2)
            found = self.successResultOf(asking)
            self.assertEqual(found["store near"].trouble, "It gives no answer.")
            self.assertIsNone(found["registry"].trouble)
        self.assertEqual(store.asked, 1)
        readiness.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobody_waits_any_more(self) -> None:
        """Whoever leaves before the answer leaves nothing in the log."""
        readiness = self.readiness(Probed(Deferred()), Probed(Deferred()))
        asking = self.asking(readiness)
        asking.cancel()
        self.failureResultOf(asking)
        readiness.stop()
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_anything_may_happen(self) -> None:
        """What a store raises that is none of ours goes into the log, and not to who asks."""
        readiness = self.readiness(second=Probed(fail(ValueError("sesame"))))
        found = self.successResultOf(self.asking(readiness))
        self.assertEqual(found["store far"], Standing(False, "It cannot be asked."))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
