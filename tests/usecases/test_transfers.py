"""Work on bytes runs under a lease that is renewed, and ends when the lease is lost."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    DeletedMeanwhile,
    RegistryUnavailable,
    StatusConflict,
)
from glancetx.image import Status
from glancetx.usecases.transfers import Transfers
from tests.usecases.world import (
    LEASE,
    FaultyRegistry,
    GatedRegistry,
    InterceptedRegistry,
    World,
    hanging,
)


class NotingRegistry(InterceptedRegistry):
    """Notes when a lease was renewed."""

    def __init__(self, registry):
        super().__init__(registry)
        self.renewed_at = []

    async def renew(self, *args):
        await self._registry.renew(*args)
        self.renewed_at.append(self._registry._clock.seconds())


class LeaseTests(SynchronousTestCase):
    """The lease of a running upload."""

    def start(self, registry=None):
        self.world = World(registry=registry)
        self.data = hanging()
        self.upload = self.world.here.upload(self.world.reserve(), self.data)

    def test_renewals(self):
        """It is renewed three times in its length, and nobody else takes the image."""
        self.start(NotingRegistry)
        for _ in range(95):
            self.world.pass_time(1)
            self.assertEqual(self.world.do(self.world.there.janitor.clean()), 0)
        self.assertEqual(self.world.registry.renewed_at, [10.0 * n for n in range(1, 10)])
        transfers = self.world.here.transfers
        self.assertEqual((transfers.held, transfers.renewed), (1, 9))
        self.data.finish()
        self.assertEqual(self.successResultOf(self.upload).status, Status.ACTIVE)
        self.assertEqual((transfers.held, transfers.lost), (0, 0))

    def test_no_renewals_afterwards(self):
        """It ends with the upload."""
        self.start(NotingRegistry)
        self.data.finish()
        self.world.pass_time(100)
        self.assertEqual(self.world.registry.renewed_at, [])

    def test_daemon_dies(self):
        """Without renewals another daemon clears up when the lease has run out."""
        self.start()
        self.world.clock.calls.clear()
        self.world.pass_time(LEASE - 1)
        self.assertEqual(self.world.do(self.world.there.janitor.clean()), 0)
        self.world.pass_time(1)
        self.assertEqual(self.world.do(self.world.there.janitor.clean()), 1)
        self.assertEqual(self.world.fetch().status, Status.KILLED)
        self.data.finish()
        self.failureResultOf(self.upload)

    def test_one_failure(self):
        """One renewal that fails does no harm."""
        self.start(FaultyRegistry)
        self.world.registry.fails_at = self.world.registry.calls
        self.world.pass_time(45)
        self.data.finish()
        self.assertEqual(self.successResultOf(self.upload).status, Status.ACTIVE)

    def test_outage(self):
        """When the registry stays away the work ends before the lease does."""
        self.start(FaultyRegistry)
        self.world.registry.fails_at, self.world.registry.outage = self.world.registry.calls, 100
        self.world.pass_time(20)
        self.failureResultOf(self.upload, RegistryUnavailable)
        self.assertTrue(self.data.has_ended)
        self.assertEqual(self.world.here.transfers.lost, 1)
        self.world.clear_up()
        self.assertEqual(self.world.faults(), [])

    def test_mistake(self):
        """An error that nobody foresaw does not end the beats."""

        class Mistaken(NotingRegistry):
            async def renew(self, *args):
                await super().renew(*args)
                if len(self.renewed_at) == 1:
                    raise ValueError()

        self.start(Mistaken)
        self.world.pass_time(35)
        self.assertEqual(self.world.registry.renewed_at, [10.0, 20.0, 30.0])
        self.data.finish()

    def test_slow_renewal(self):
        """A renewal that is answered after the end is nobody's."""
        self.start(GatedRegistry)
        self.world.registry.is_open = False
        self.world.pass_time(10)
        self.assertEqual(len(self.world.registry.waiting), 1)
        self.world.registry.is_open = True
        self.data.finish()
        self.successResultOf(self.upload)
        self.world.registry.open()
        self.assertEqual(self.world.faults(), [])

    def test_image_is_killed(self):
        """When somebody declared the work dead, it ends."""
        self.start()
        killed = move(Status.KILLED, lease=None)
        self.world.do(self.world.truth.update("i", killed, {Status.SAVING}))
        self.world.pass_time(10)
        self.failureResultOf(self.upload, StatusConflict)
        self.assertEqual(self.world.faults(), [])


class EndTests(SynchronousTestCase):
    """How work ends that is told to."""

    def setUp(self):
        self.transfers = World().here.transfers

    def test_in_its_own_words(self):
        """Work that says something else when it is cancelled ended for our reason."""

        async def work():
            try:
                await Deferred()
            except CancelledError:
                raise BodyCutShort() from None

        running: Deferred[None] = as_deferred(self.transfers.run("i", work()))
        self.transfers.image_deleted("i")
        self.failureResultOf(running, DeletedMeanwhile)

    def test_own_cancellation(self):
        """Work that was cancelled by whoever waits for it was cancelled."""
        running: Deferred[None] = as_deferred(self.transfers.run("i", Deferred()))
        running.cancel()
        self.failureResultOf(running, CancelledError)

    def test_other_images(self):
        """The deletion of an image that is not worked on concerns nobody."""
        running: Deferred[None] = as_deferred(self.transfers.run("i", Deferred()))
        self.transfers.image_deleted("j")
        self.assertNoResult(running)
        running.cancel()
        self.failureResultOf(running, CancelledError)


class DeletedTests(SynchronousTestCase):
    """Deletions, told from process to process."""

    def test_told(self):
        """One that happens here is told to others, one that was told is not told again."""
        told: list[str] = []
        world = World()
        transfers = Transfers(world.clock, world.registry, LEASE, told.append)
        running: list[Deferred[None]] = [
            as_deferred(transfers.run(each, Deferred())) for each in "ij"
        ]
        transfers.image_deleted("i")
        transfers.deleted_elsewhere("j")
        for each in running:
            self.failureResultOf(each, DeletedMeanwhile)
        self.assertEqual(told, ["i"])


class InsistTests(SynchronousTestCase):
    """Work that has to wait for the registry."""

    def setUp(self):
        self.world = World()
        self.transfers = self.world.here.transfers
        self.tries = 0
        self.error: Exception | None = RegistryUnavailable()

    async def work(self):
        self.tries += 1
        if self.error is not None:
            raise self.error

    def test_until_it_is_done(self):
        """It is tried once in each lease's length, and no more when it is done."""
        self.transfers.insist(self.work)
        self.world.pass_time(2 * LEASE)
        self.assertEqual(self.tries, 2)
        self.error = None
        self.world.pass_time(3 * LEASE)
        self.assertEqual(self.tries, 3)

    def test_mistake(self):
        """What fails otherwise is told, and left."""
        self.error = ValueError()
        self.transfers.insist(self.work)
        self.world.pass_time(3 * LEASE)
        self.assertEqual((self.tries, len(self.flushLoggedErrors(ValueError))), (1, 1))

    def test_abandoned(self):
        """Whoever ends leaves it, whether it waits or is at work, and leaves nothing running."""
        self.transfers.insist(self.work)
        self.transfers.insist(Deferred)
        self.world.pass_time(LEASE)
        self.transfers.abandon()
        self.world.pass_time(3 * LEASE)
        self.assertEqual(self.tries, 1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])


class IdleTests(SynchronousTestCase):
    """Shutdown waits for work, and for what is cleared up after it."""

    def test_nothing_runs(self):
        """Then one need not wait."""
        self.successResultOf(World().here.transfers.idle())

    def test_upload(self):
        """An upload that is cancelled is waited for until it has cleared up."""
        world = World(registry=GatedRegistry)
        upload = world.here.upload(world.reserve(), hanging())
        world.registry.is_open = False
        upload.cancel()
        idle = [world.here.transfers.idle(), world.here.transfers.idle()]
        self.assertNoResult(idle[0])
        world.registry.open()
        for waiting in idle:
            self.successResultOf(waiting)
        self.failureResultOf(upload, CancelledError)
