"""Whatever happens in whatever order, no bytes are left and none are lost (R12)."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort, DataInUse, RegistryUnavailable
from glancetx.image import Image
from glancetx.testing.stores import FailingStore, Moment, SlowStore
from glancetx.testing.streams import END, HANG, ScriptedStream
from glancetx.usecases.comparison import Comparison
from glancetx.usecases.orphans import Orphans
from glancetx.usecases.pace import Pace
from tests.elsewhere import HERE
from tests.usecases.world import Daemon, GatedRegistry, World, hanging

MOMENTS: list[Moment] = ["add", "write", "delete", "discard"]


class UnreliableRegistry(GatedRegistry):
    """A gated registry that may be out of reach, before or after a call takes effect."""

    is_away = False

    async def _gate(self) -> None:
        await super()._gate()
        if self.is_away:
            raise RegistryUnavailable()


class Life(RuleBasedStateMachine):
    """
    Two daemons, up to three images, and everything that may happen to them.

    While a gate is shut, calls of the registry or of the store wait until a rule lets them pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failing: list[FailingStore] = []
        self.world = World(store=self.make_store, registry=UnreliableRegistry)
        self.registry: UnreliableRegistry = self.world.registry
        self.other = UnreliableRegistry(self.world.truth)
        self.world.elsewhere.then = HANG
        there = Daemon(self.world.clock, self.other, self.world.store, self.world.elsewhere)
        self.daemons = [self.world.here, there]
        self.registries = [self.registry, self.other]
        self.images: list[Image] = []
        self.sources: list[ScriptedStream] = []
        self.work: list[Deferred[Any]] = []

    def make_store(self, kept: Any) -> SlowStore:
        self.failing.append(FailingStore(kept, DataInUse(), on=()))
        return SlowStore(self.failing[0], on=())

    def new_id(self) -> str:
        """The next one; only what looks like an id is ever removed by a comparison."""
        return f"{len(self.images):032x}"

    def begin(self, work: Any) -> None:
        self.work.append(as_deferred(work).addErrback(lambda failure: None))

    @precondition(lambda self: len(self.images) < 3)
    @rule(daemon=st.sampled_from([0, 1]))
    def upload(self, daemon: int) -> None:
        self.images.append(self.world.reserve(self.new_id()))
        self.upload_to(self.images[-1], daemon)

    @precondition(lambda self: self.images)
    @rule(data=st.data(), daemon=st.sampled_from([0, 1]))
    def upload_again(self, data: Any, daemon: int) -> None:
        self.upload_to(data.draw(st.sampled_from(self.images)), daemon)

    @precondition(lambda self: len(self.images) < 3)
    @rule(daemon=st.sampled_from([0, 1]))
    def copy(self, daemon: int) -> None:
        self.images.append(Image(image_id=self.new_id()))
        self.begin(self.daemons[daemon].copy(self.images[-1]))

    @precondition(lambda self: self.images)
    @rule(data=st.data(), daemon=st.sampled_from([0, 1]))
    def copy_to(self, data: Any, daemon: int) -> None:
        image = data.draw(st.sampled_from(self.images))
        self.begin(self.daemons[daemon].copy_to(image.image_id))

    @rule()
    def elsewhere_goes_away_or_comes_back(self) -> None:
        statuses = self.world.elsewhere.statuses
        if statuses.pop(HERE, None) is None:
            statuses[HERE] = 0

    @rule(daemon=st.sampled_from([0, 1]))
    def drain(self, daemon: int) -> None:
        self.begin(self.daemons[daemon].copies.drain(5))

    def upload_to(self, image: Image, daemon: int) -> None:
        self.sources.append(hanging())
        self.begin(self.daemons[daemon].upload(image, self.sources[-1]))

    @precondition(lambda self: self.sources or self.world.elsewhere.sources)
    @rule(data=st.data(), breaks=st.booleans())
    def end_source(self, data: Any, breaks: bool) -> None:
        source = data.draw(st.sampled_from(self.sources + self.world.elsewhere.sources))
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

    @rule(daemon=st.sampled_from([0, 1]))
    def compare(self, daemon: int) -> None:
        """Nothing is too young to be an orphan, so that nothing but the records protects it."""
        self.begin(self.sweep(self.registries[daemon]))

    async def sweep(self, registry: Any) -> None:
        comparison = Comparison(self.world.clock, registry, 0, Pace(self.world.clock))
        orphans = Orphans(comparison, registry)
        async with aclosing(orphans.sweep(self.world.here.shelved)) as swept:
            async for _ in swept:
                pass

    @rule(seconds=st.sampled_from([1, 10, 25, 70]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(seconds=st.sampled_from([20, 100]))
    def everybody_sleeps(self, seconds: int) -> None:
        self.world.clock.rightNow += seconds

    @rule(daemon=st.sampled_from([0, 1]))
    def shut_or_open_the_registry(self, daemon: int) -> None:
        if self.registries[daemon].is_open:
            self.registries[daemon].is_open = False
        else:
            self.registries[daemon].open()

    @rule(moments=st.sets(st.sampled_from(MOMENTS)))
    def shut_or_open_the_store(self, moments: set[Moment]) -> None:
        self.world.store.open_gate()
        self.world.store.on = frozenset(moments)

    @precondition(lambda self: any(registry.waiting for registry in self.registries))
    @rule(data=st.data())
    def registry_goes_on(self, data: Any) -> None:
        gates = [(r, n) for r in self.registries for n in range(len(r.waiting))]
        registry, number = data.draw(st.sampled_from(gates))
        registry.pass_one(number)

    @precondition(lambda self: self.world.store.waiting)
    @rule()
    def store_goes_on(self) -> None:
        self.world.store.let_one_pass()

    @rule(daemon=st.sampled_from([0, 1]))
    def registry_goes_away_or_comes_back(self, daemon: int) -> None:
        self.registries[daemon].is_away = not self.registries[daemon].is_away

    @rule()
    def store_begins_or_ceases_to_refuse(self) -> None:
        store = self.failing[0]
        store.on = frozenset() if store.on else frozenset({"delete"})

    def teardown(self) -> None:
        """Everything comes to rest, and then nothing is wrong."""
        self.failing[0].on = frozenset()
        # Those who waited for their turn have it when others end.
        self.world.elsewhere.then = BodyCutShort()
        for registry in self.registries:
            registry.is_away = False
            registry.open()
        self.world.store.open_gate()
        for source in self.sources + self.world.elsewhere.sources:
            if source.was_poured:
                source.finish(BodyCutShort())
        self.world.clear_up()
        for daemon in self.daemons:
            assert not daemon.copies.running
            assert daemon.turns.tokens == 2
        for work in self.work:
            assert work.called
        assert self.world.faults() == []


class LifeTests(SynchronousTestCase):
    """The model above, many times."""

    def test_all_interleavings(self):
        """
        After any order of events and one janitor's round everything is in its place.

        Comparisons of store and records, which remove what they take for orphans, are among these.
        """
        bounds = settings(max_examples=300, stateful_step_count=30, deadline=None, database=None)
        run_state_machine_as_test(Life, settings=bounds)
