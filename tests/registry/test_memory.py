"""The registry in memory keeps every promise, and tells time as it is told."""

from datetime import UTC, datetime

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.change import Change
from glancetx.deferreds import as_deferred
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.registry.memory import MemoryRegistry
from glancetx.testing.registry_contract import RegistryContract


class MemoryRegistryTests(RegistryContract, TestCase):
    """The contract of all registries."""

    def make_registry(self) -> Deferred[IRegistry]:
        return succeed(MemoryRegistry(Clock()))


class TimeTests(SynchronousTestCase):
    """What it makes of its clock."""

    def setUp(self):
        self.clock = Clock()
        self.registry = MemoryRegistry(self.clock)

    def do(self, work):
        return self.successResultOf(as_deferred(work))

    def test_stamps_are_the_clocks(self):
        """The clock's seconds count from 1970, to the microsecond."""
        self.clock.advance(1_800_000_000.25)
        image = self.do(self.registry.insert(Image(image_id="a")))
        self.assertEqual(image.created_at, datetime(2027, 1, 15, 8, 0, 0, 250000, tzinfo=UTC))

    def test_a_clock_that_goes_back(self):
        """Stamps go on even when the clock does not."""
        self.clock.advance(100)
        first = self.do(self.registry.insert(Image(image_id="b")))
        self.clock.rightNow = 50
        second = self.do(self.registry.insert(Image(image_id="a")))
        self.assertGreater(second.created_at, first.created_at)

    def test_leases_pass_with_time(self):
        """A lease is over when its seconds have passed, and not before."""
        self.do(self.registry.insert(Image(image_id="a")))
        self.do(self.registry.update("a", Change(lease=10), {Status.QUEUED}))
        self.clock.advance(9.5)
        self.assertEqual(self.do(self.registry.take_overdue(10, 5)), [])
        self.clock.advance(0.5)
        self.assertEqual(len(self.do(self.registry.take_overdue(10, 5))), 1)
        self.clock.advance(9.5)
        self.assertEqual(self.do(self.registry.take_overdue(10, 5)), [])
        self.clock.advance(0.5)
        self.assertEqual(len(self.do(self.registry.take_overdue(10, 5))), 1)
