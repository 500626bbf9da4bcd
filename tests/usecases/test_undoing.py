"""What cannot be undone at once is undone later."""

from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import DataInUse, PromiseBroken, RegistryUnavailable, StatusConflict
from glancetx.image import Status
from glancetx.testing.stores import FailingStore
from tests.usecases.test_interleavings import UnreliableRegistry
from tests.usecases.world import LEASE, GatedRegistry, World, hanging


class LeftTests(SynchronousTestCase):
    """A store that keeps all bytes of an upload that failed, and refuses to let go of them."""

    def begin(self, registry=GatedRegistry, **values):
        """An upload whose bytes are still to come."""

        def refusing(kept):
            self.store = FailingStore(kept, DataInUse(), on={"delete"})
            return self.store

        self.world = World(store=refusing, registry=registry)
        self.data = hanging()
        self.upload = self.world.here.upload(self.world.reserve(**values), self.data)

    def assert_cleared_up(self):
        """A janitor comes once the store lets go."""
        self.assertNotEqual(self.world.faults(), [])
        self.store.on = frozenset()
        self.world.pass_time(LEASE)
        self.world.clear_up()
        self.assertEqual(self.world.faults(), [])
        self.assertEqual(self.world.fetch().status, Status.KILLED)

    def test_broken_promise(self):
        """Bytes that are not what was promised stay under the lease of their upload."""
        self.begin(checksum="0" * 32)
        self.data.finish()
        self.failureResultOf(self.upload, PromiseBroken)
        self.assert_cleared_up()

    def test_too_late(self):
        """Bytes that came when others had cleared up already get a lease anew."""
        self.begin()
        self.world.clock.rightNow += 100
        self.world.do(self.world.there.janitor.clean())
        self.data.finish()
        self.failureResultOf(self.upload, StatusConflict)
        self.assert_cleared_up()

    def test_registry_away(self):
        """Without a registry nobody can lease them: it is tried until there is one."""
        self.begin(registry=UnreliableRegistry)
        self.world.clock.rightNow += 100
        self.world.do(self.world.there.janitor.clean())
        self.world.registry.is_away = True
        self.data.finish()
        self.failureResultOf(self.upload, RegistryUnavailable)
        self.world.pass_time(LEASE)
        self.world.registry.is_away = False
        self.assert_cleared_up()
