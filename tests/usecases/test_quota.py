"""Whatever happens in whatever order, an owner never takes more than his quota."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    DataInUse,
    DeletedMeanwhile,
    QuotaExceeded,
    RegistryUnavailable,
    TooLarge,
)
from glancetx.image import Image, Status
from glancetx.limits import Limits
from glancetx.streams import Metering
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import END, HANG, ScriptedStream
from glancetx.testing.threads import InlineThreads
from glancetx.usecases import ration
from glancetx.usecases.delete import Deletions
from glancetx.usecases.upload import Uploads
from tests.usecases.world import Daemon, FaultyRegistry, GatedRegistry, World

QUOTA = 100


def give_quota(daemon: Daemon, registry: Any, quota: int = QUOTA, cap: int = 1000) -> Daemon:
    """The daemon, which keeps a quota from now on."""
    limits = Limits(user_storage_quota=quota, image_size_cap=cap)
    metering = Metering(InlineThreads())
    daemon.uploads = Uploads(registry, daemon.transfers, metering, limits)
    return daemon


class HeldRegistry(GatedRegistry):
    """Shuts its gate when more is asked for the first time."""

    calls = 0

    async def reserve(self, *args: Any) -> Any:
        self.calls += 1
        if self.calls == 2:
            self.is_open = False
        return await self.intercept(lambda: self._registry.reserve(*args))


class GrowthTests(SynchronousTestCase):
    """An upload of unknown size asks for more as its bytes come."""

    def setUp(self):
        self.patch(ration, "FIRST_STEP", 8)
        self.patch(ration, "LARGEST_STEP", 16)
        self.use()

    def use(self, registry=None, **limits):
        self.world = World(registry=registry)
        give_quota(self.world.here, self.world.registry, **limits)

    def upload(self, parts, length=None):
        self.source = ScriptedStream(parts, length=length)
        return self.world.here.upload(self.world.reserve(), self.source)

    def test_steps(self):
        """It asks for twice what it needs, at most for a step more; not for every chunk."""
        reserved = []

        def parts():
            for _ in range(50):
                reserved.append(self.world.fetch().reserved)
                yield b"x"

        self.successResultOf(self.upload(parts()))
        self.assertEqual(sorted(set(reserved)), [8, 18, 35, 52])
        image = self.world.fetch()
        self.assertEqual((image.status, image.size, image.reserved), (Status.ACTIVE, 50, 0))

    def test_source_waits(self):
        """A source that goes on for ever is held while more is asked for, and cut at the quota."""
        self.use(HeldRegistry)
        upload = self.upload(iter(lambda: bytes(4), None))
        self.assertNoResult(upload)
        self.assertTrue(self.source.is_paused)
        self.assertLessEqual(self.source.written, 8 + 2 * 4)
        self.world.registry.open()
        self.failureResultOf(upload, QuotaExceeded)
        self.assertTrue(self.source.has_ended or self.source.was_stopped)
        self.assertLessEqual(self.source.written, QUOTA + 2 * 4)
        self.assertEqual(self.world.fetch().reserved, 0)
        self.assertEqual(self.world.kept._images, {})

    def test_deleted_while_it_asks(self):
        """Who asks for more for an image that was deleted learns that."""
        parts = [bytes(8), bytes(8)]

        def deleting():
            yield parts[0]
            self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
            yield parts[1]

        self.failureResultOf(self.upload(deleting()), DeletedMeanwhile)
        self.assertEqual(self.world.fetch().reserved, 0)
        self.assertEqual(self.world.faults(), [])

    def test_registry_away(self):
        """When nobody can be asked the upload fails, and is cleared up."""
        self.use(FaultyRegistry)

        def parts():
            yield bytes(8)
            self.world.registry.fails_at = self.world.registry.calls
            yield bytes(8)

        self.failureResultOf(self.upload(parts()), RegistryUnavailable)
        self.assertEqual(self.world.fetch().reserved, 0)
        self.assertEqual(self.world.faults(), [])

    def test_cap_comes_first(self):
        """Beyond the cap nothing is asked for, and the cap is what is named."""
        self.use(cap=30)
        upload = self.upload([bytes(10)] * 4)
        error = self.failureResultOf(upload, TooLarge).value
        self.assertIn("larger than 30 bytes", str(error))

    def test_lying_source(self):
        """A source that brings more than it announced gets no more than that."""
        self.failureResultOf(self.upload([bytes(5), bytes(5)], length=7), TooLarge)
        self.assertEqual(self.world.fetch().status, Status.KILLED)
        self.assertEqual(self.world.kept._images, {})

    def test_no_quota(self):
        """Without a quota nothing is asked for."""
        world = World()

        async def reserve(*args):
            raise ZeroDivisionError()

        world.truth.reserve = reserve  # type: ignore[method-assign]
        self.successResultOf(world.here.upload(world.reserve(), ScriptedStream([bytes(5)])))


class Lives(RuleBasedStateMachine):
    """
    Two daemons, up to six images of one owner, and everything that may happen to them.

    What is in the store and what may still come into it never passes the quota.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failing: list[FailingStore] = []
        self.world = World(store=self.make_store, registry=GatedRegistry)
        self.registries = [self.world.registry, GatedRegistry(self.world.truth)]
        there = Daemon(self.world.clock, self.registries[1], self.world.store)
        self.daemons = [self.world.here, there]
        for daemon, registry in zip(self.daemons, self.registries, strict=True):
            give_quota(daemon, registry, cap=120)
            daemon.deletions = Deletions(registry, daemon.janitor._shelf, daemon.transfers, 100.0)
            daemon.janitor._deletions = daemon.deletions
        self.images: list[Image] = []
        self.sources: list[ScriptedStream] = []
        self.work: list[Deferred[Any]] = []

    def make_store(self, kept: Any) -> SlowStore:
        self.failing.append(FailingStore(kept, DataInUse(), on=()))
        return SlowStore(self.failing[0], on=())

    def begin(self, work: Any) -> None:
        self.work.append(as_deferred(work).addErrback(lambda failure: None))

    @precondition(lambda self: len(self.images) < 6)
    @rule(
        daemon=st.sampled_from([0, 1]),
        parts=st.lists(st.integers(0, 45), max_size=5),
        known=st.sampled_from(["no", "length", "claim", "lie", "wrong"]),
        lie=st.integers(1, 60),
        ends=st.booleans(),
    )
    def upload(self, daemon: int, parts: list[int], known: str, lie: int, ends: bool) -> None:
        size = sum(parts)
        claim = {"claim": size, "wrong": size + 1}.get(known, 0)
        length = {"length": size, "lie": lie}.get(known)
        image = self.world.reserve(f"i{len(self.images)}", size=claim)
        source = ScriptedStream(map(bytes, parts), then=END if ends else HANG, length=length)
        self.images.append(image)
        self.sources.append(source)
        self.begin(self.daemons[daemon].upload(image, source))

    @precondition(lambda self: self.sources)
    @rule(data=st.data(), breaks=st.booleans())
    def end_source(self, data: Any, breaks: bool) -> None:
        source = data.draw(st.sampled_from(self.sources))
        if source.was_poured:
            source.finish(BodyCutShort() if breaks else END)

    @precondition(lambda self: self.work)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        data.draw(st.sampled_from(self.work)).cancel()

    @precondition(lambda self: self.images)
    @rule(data=st.data(), daemon=st.sampled_from([0, 1]))
    def delete(self, data: Any, daemon: int) -> None:
        image = data.draw(st.sampled_from(self.images))
        self.begin(self.daemons[daemon].deletions.delete(OPERATOR, image.image_id))

    @rule(daemon=st.sampled_from([0, 1]))
    def clean(self, daemon: int) -> None:
        self.begin(self.daemons[daemon].janitor.clean())

    @rule(seconds=st.sampled_from([1, 10, 25, 110]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(daemon=st.sampled_from([0, 1]))
    def shut_or_open_the_registry(self, daemon: int) -> None:
        if self.registries[daemon].is_open:
            self.registries[daemon].is_open = False
        else:
            self.registries[daemon].open()

    @precondition(lambda self: any(registry.waiting for registry in self.registries))
    @rule(data=st.data())
    def registry_goes_on(self, data: Any) -> None:
        gates = [(r, n) for r in self.registries for n in range(len(r.waiting))]
        registry, number = data.draw(st.sampled_from(gates))
        registry.pass_one(number)

    @rule()
    def store_begins_or_ceases_to_refuse(self) -> None:
        store = self.failing[0]
        store.on = frozenset() if store.on else frozenset({"delete"})

    def counted(self) -> int:
        return sum(record.image.counted for record in self.world.truth._records.values())

    def stored(self) -> int:
        return sum(len(data) for data in self.world.kept._images.values())

    @invariant()
    def within_the_quota(self) -> None:
        assert self.stored() <= self.counted() <= QUOTA

    def teardown(self) -> None:
        """Everything comes to rest, and then exactly what is stored counts."""
        self.failing[0].on = frozenset()
        for registry in self.registries:
            registry.open()
        for source in self.sources:
            if source.was_poured:
                source.finish(BodyCutShort())
        self.world.clear_up()
        for work in self.work:
            assert work.called
        assert self.counted() == self.stored()
        assert not any(r.image.reserved for r in self.world.truth._records.values())


class LivesTests(SynchronousTestCase):
    """The model above, many times."""

    def test_all_interleavings(self):
        """At no moment more is stored, or may come, than the quota; in the end the sums agree."""
        self.patch(ration, "FIRST_STEP", 8)
        self.patch(ration, "LARGEST_STEP", 16)
        bounds = settings(max_examples=250, stateful_step_count=30, deadline=None, database=None)
        run_state_machine_as_test(Lives, settings=bounds)
