"""Stores that fail or wait, and otherwise are the store that they wrap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import NoSuchData, StoreFull, StoreUnavailable
from glancetx.interfaces import IStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.readable_store_contract import MIB
from glancetx.testing.store_contract import StoreContract
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import RecordingConsumer, ScriptedStream


class WrappedContractTests(StoreContract, TestCase):
    """A wrapper that does nothing keeps every promise, also with its streams wrapped."""

    allocation_bound = 160 * MIB

    def make_store(self) -> IStore:
        slow = SlowStore(MemoryStore(None), on=["read", "write"])
        slow._pass = self.pass_at_once  # type: ignore[method-assign]
        return FailingStore(slow, StoreFull(), on=())

    async def pass_at_once(self) -> None:
        pass

    def leftovers(self) -> Iterable[object]:
        return ()


class FailingStoreTests(SynchronousTestCase):
    """A store that fails when it is told to."""

    def setUp(self) -> None:
        self.inner = MemoryStore(None)
        self.store = FailingStore(self.inner, StoreUnavailable())
        self.source = ScriptedStream([b"one", b"two"])
        self.key = self.successResultOf(
            as_deferred(self.inner.add("kept", ScriptedStream([b"x" * 999_999])))
        )

    def assert_fails(self, awaitable: Any) -> None:
        self.failureResultOf(as_deferred(awaitable), StoreUnavailable)

    def test_at_once(self) -> None:
        """It fails in the method that was named, and touches nothing."""
        self.store.on = frozenset({"open", "add", "delete", "discard"})
        self.assert_fails(self.store.open(self.key))
        self.assert_fails(self.store.add("new", self.source))
        self.assert_fails(self.store.delete(self.key))
        self.assert_fails(self.store.discard("kept"))
        self.assertFalse(self.source.was_poured)
        self.successResultOf(as_deferred(self.inner.open(self.key)))

    def test_heals(self) -> None:
        """It may be healed."""
        self.assert_fails(self.store.open(self.key))
        self.store.on = frozenset()
        self.successResultOf(as_deferred(self.store.open(self.key)))

    def test_read(self) -> None:
        """A stream breaks after its first chunk."""
        self.store.on = frozenset({"read"})
        stream = self.successResultOf(as_deferred(self.store.open(self.key)))
        consumer = RecordingConsumer()
        self.assert_fails(stream.flow_to(consumer))
        self.assertEqual(stream.length, 999_999)
        self.assertEqual(len(consumer.writes), 1)

    def test_write(self) -> None:
        """An add breaks after the first chunk of its data, and keeps nothing."""
        self.store.on = frozenset({"write"})
        self.assert_fails(self.store.add("new", self.source))
        self.assertTrue(self.source.has_ended)
        self.failureResultOf(as_deferred(self.inner.open("new")), NoSuchData)


class SlowStoreTests(SynchronousTestCase):
    """A store with a gate."""

    def test_gate(self) -> None:
        """Everybody waits, one is let pass, and then all."""
        store = SlowStore(MemoryStore(None), on=["add"])
        adds = [as_deferred(store.add(name, ScriptedStream())) for name in "abc"]
        self.assertEqual(store.waiting, 3)
        store.let_one_pass()
        self.successResultOf(adds[0])
        self.assertNoResult(adds[1])
        store.open_gate()
        self.successResultOf(adds[1])
        self.successResultOf(adds[2])
        self.successResultOf(as_deferred(store.add("d", ScriptedStream())))

    def test_cancelled(self) -> None:
        """Who is cancelled leaves the gate."""
        store = SlowStore(MemoryStore(None))
        adding = as_deferred(store.add("a", ScriptedStream()))
        adding.cancel()
        self.failureResultOf(adding, CancelledError)
        self.assertEqual(store.waiting, 0)
