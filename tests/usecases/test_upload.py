"""Uploads: one uploader wins, and nothing is ever left behind."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.access import OPERATOR
from glancetx.errors import (
    BadRequest,
    BodyCutShort,
    DataExists,
    DeletedMeanwhile,
    NoSuchData,
    NotQueued,
    PromiseBroken,
    RegistryUnavailable,
    StatusConflict,
    StoreFailed,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    TooLarge,
)
from glancetx.image import Location, Status
from glancetx.interfaces import IReadableStore
from glancetx.shelf import ShelvedStore
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import ScriptedStream
from tests.usecases.world import HELLO, LEASE, FaultyRegistry, GatedRegistry, World, hanging

HELLO_MD5 = "5d41402abc4b2a76b9719d911017c592"


@implementer(IReadableStore)
class _Readable:
    """A store that only gives, and has nothing to give."""

    async def open(self, key, offset=0, length=None):
        raise NoSuchData()


class _Forgetful(FailingStore):
    """A store that cannot clear up behind an `add` that is cancelled, and says so."""

    async def add(self, image_id, data):
        await self._store.add(image_id, ScriptedStream([HELLO]))
        try:
            return await Deferred()
        except CancelledError:
            raise self.error from None


class SuccessTests(SynchronousTestCase):
    """An upload that nothing disturbs."""

    def test_record(self):
        """The record tells what came, and where it lies."""
        world = World()
        image = world.do(world.here.upload(world.reserve(), ScriptedStream([b"he", b"llo"])))
        self.assertEqual((image.status, image.size), (Status.ACTIVE, 5))
        self.assertEqual((image.checksum, image.digests["md5"]), (HELLO_MD5, HELLO_MD5))
        self.assertIn("sha256", image.digests)
        self.assertEqual(image.locations, (Location("file", "i"),))
        self.assertEqual(world.faults(), [])

    def test_nothing_runs_afterwards(self):
        """No heartbeat goes on."""
        world = World()
        world.active()
        self.assertEqual(world.clock.getDelayedCalls(), [])

    def test_refuse(self):
        """An upload that cannot begin kills the image, for a reason."""
        world = World()
        image = world.reserve()
        world.do(world.here.uploads.refuse(image, BadRequest("so")))
        self.assertEqual((world.fetch().status, world.fetch().status_reason), (Status.KILLED, "so"))
        self.assertRaises(NotQueued, world.do, world.here.uploads.refuse(image, BadRequest("so")))


class FailureTests(SynchronousTestCase):
    """An upload that fails kills the image, and leaves no bytes and no lease."""

    def assert_fails(self, error, data, world=None, **values):
        world = world or World()
        upload = world.here.upload(world.reserve(**values), data)
        self.assertRaises(error, world.do, upload)
        self.assertEqual(world.fetch().status, Status.KILLED)
        self.assertEqual(world.faults(), [])
        return world

    def test_source(self):
        """A source that breaks."""
        world = self.assert_fails(BodyCutShort, ScriptedStream([b"he"], then=BodyCutShort()))
        self.assertEqual(world.fetch().status_reason, str(BodyCutShort()))

    def test_size(self):
        """Fewer or more bytes than the record claims."""
        for size in (4, 6):
            self.assert_fails(PromiseBroken, ScriptedStream([HELLO]), size=size)

    def test_announced_size(self):
        """A source that announces another size is not read."""
        data = ScriptedStream([HELLO], length=5)
        self.assert_fails(PromiseBroken, data, size=6)
        self.assertFalse(data.was_poured)

    def test_checksum(self):
        """Bytes that are not those the record claims."""
        self.assert_fails(PromiseBroken, ScriptedStream([HELLO]), checksum="abc")

    def test_cap(self):
        """More bytes than the cap."""
        data = ScriptedStream(b"x" for _ in range(1000))
        self.assert_fails(TooLarge, data)
        self.assertLess(data.written, 1000)

    def test_cap_below_the_claim(self):
        """A record that claims more than the cap does not lift it (R7)."""
        self.assert_fails(TooLarge, ScriptedStream([b"x" * 101]), size=200)

    def test_store(self):
        """A store that refuses."""
        for error in (StoreFull(), DataExists("i"), StoreReadOnly()):
            world = World(store=lambda kept, error=error: FailingStore(kept, error, on={"write"}))
            self.assert_fails(type(error), ScriptedStream([HELLO]), world)

    def test_unknown_bytes_are_left_alone(self):
        """Bytes that were there before stay there."""
        world = World()
        world.do(world.kept.add("i", ScriptedStream([b"other"])))
        self.assertRaises(
            DataExists, world.do, world.here.upload(world.reserve(), ScriptedStream([HELLO]))
        )
        self.assertEqual(bytes(world.kept._images["i"]), b"other")
        self.assertEqual(world.fetch().status, Status.KILLED)

    def test_store_out_of_reach(self):
        """A store that cannot be reached cannot clear up: the janitor asks it again."""
        for error, told in ((StoreUnavailable(), StoreFailed), (ValueError(), ValueError)):
            world = World(store=lambda kept, error=error: FailingStore(kept, error))
            upload = world.here.upload(world.reserve(), ScriptedStream([HELLO]))
            self.assertRaises(told, world.do, upload)
            self.assertEqual(world.fetch().status, Status.KILLED)
            world.kept._images["i"] = bytearray(b"he")
            world.clear_up()
            self.assertEqual(world.faults(), [])

    def test_deleted_while_the_store_is_away(self):
        """What the store cannot clear up then is left to the janitor, who finds it."""
        for error in StoreUnavailable(), ValueError():
            world = World(store=lambda kept, error=error: _Forgetful(kept, error))
            upload = world.here.upload(world.reserve(), hanging())
            world.do(world.here.deletions.delete(OPERATOR, "i"))
            self.failureResultOf(upload, DeletedMeanwhile)
            self.assertEqual(list(world.kept._images), ["i"])
            world.clear_up()
            self.assertEqual(world.faults(), [])

    def test_bytes_that_cannot_be_removed(self):
        """They are left to the janitor too."""
        world = World(store=lambda kept: FailingStore(kept, StoreUnavailable(), on={"delete"}))
        upload = world.here.upload(world.reserve(checksum="abc"), ScriptedStream([HELLO]))
        self.assertRaises(PromiseBroken, world.do, upload)
        self.assertEqual(list(world.kept._images), ["i"])
        world.clear_up()
        self.assertEqual(world.faults(), [])

    def test_read_only_store(self):
        """A store that only gives is not asked."""
        world = World()
        upload = world.here.upload(
            world.reserve(), ScriptedStream([HELLO]), ShelvedStore("x", _Readable())
        )
        self.assertRaises(StoreReadOnly, world.do, upload)
        self.assertEqual(world.fetch().status, Status.KILLED)


class RaceTests(SynchronousTestCase):
    """Others want the same image."""

    def setUp(self):
        self.world = World()
        self.data = hanging()
        self.upload = self.world.here.upload(self.world.reserve(), self.data)

    def test_second_uploader(self):
        """One uploader wins, in whichever daemon the other is."""
        for daemon in (self.world.here, self.world.there):
            second = daemon.upload(self.world.fetch(), ScriptedStream([b"other"]))
            self.assertRaises(NotQueued, self.world.do, second)
        self.data.finish()
        self.assertEqual(self.successResultOf(self.upload).size, 5)
        self.assertEqual(self.world.faults(), [])

    def test_deleted_here(self):
        """A deletion in this daemon ends the upload at once."""
        self.world.do(self.world.here.deletions.delete(OPERATOR, "i"))
        self.failureResultOf(self.upload, DeletedMeanwhile)
        self.assertTrue(self.data.has_ended)
        self.assertEqual(self.world.faults(), [])
        self.assertEqual(self.world.fetch().status, Status.DELETED)

    def test_deleted_elsewhere(self):
        """A deletion in another daemon ends it at the next beat."""
        self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
        self.assertNoResult(self.upload)
        self.world.pass_time(10)
        self.failureResultOf(self.upload, DeletedMeanwhile)
        self.assertEqual(self.world.faults(), [])

    def test_deleted_elsewhere_before_a_beat(self):
        """An upload that ends before that beat finds out when it wants to activate."""
        self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
        self.data.finish()
        self.failureResultOf(self.upload, DeletedMeanwhile)
        self.assertEqual(self.world.faults(), [])

    def test_declared_dead(self):
        """A daemon that slept too long finds its image killed."""
        self.world.clock.rightNow += 100
        self.world.do(self.world.there.janitor.clean())
        self.assertEqual(self.world.fetch().status, Status.KILLED)
        self.data.finish()
        self.failureResultOf(self.upload, StatusConflict)
        self.world.clear_up()
        self.assertEqual(self.world.faults(), [])


class CancelTests(SynchronousTestCase):
    """Cancelling ends in cleanup, wherever the upload is."""

    def test_while_bytes_come(self):
        """The source is stopped, the image killed."""
        world, data = World(), hanging()
        upload = world.here.upload(world.reserve(), data)
        upload.cancel()
        self.failureResultOf(upload, CancelledError)
        self.assertTrue(data.has_ended)
        self.assertEqual(world.fetch().status, Status.KILLED)
        self.assertEqual(world.faults(), [])

    def test_in_the_store(self):
        """So it is when the store waits for something else."""
        for moment in ("add", "write"):
            world = World(store=lambda kept, moment=moment: SlowStore(kept, on={moment}))
            upload = world.here.upload(world.reserve(), ScriptedStream([HELLO]))
            upload.cancel()
            self.failureResultOf(upload, CancelledError)
            self.assertEqual(world.faults(), [])

    def test_while_it_clears_up(self):
        """A client that leaves then does not interrupt it."""
        world, data = World(registry=GatedRegistry), hanging()
        upload = world.here.upload(world.reserve(), data)
        world.registry.is_open = False
        data.finish(BodyCutShort())
        upload.cancel()
        upload.cancel()
        self.assertNoResult(upload)
        world.registry.open()
        self.failureResultOf(upload, CancelledError)
        self.assertEqual(world.faults(), [])

    def test_at_every_call_of_the_registry(self):
        """A cancelled upload that may have taken effect is whole or gone, never half."""
        for broken in (False, True):
            for gate in range(12):
                world = World(registry=GatedRegistry)
                world.registry.is_open = False
                then = BodyCutShort() if broken else ScriptedStream().then
                data = ScriptedStream([HELLO], then=then)
                upload = world.here.upload(world.reserve(), data)
                upload.addErrback(lambda failure: None)
                for _ in range(gate):
                    if world.registry.waiting:
                        world.registry.pass_one()
                upload.cancel()
                world.registry.open()
                self.successResultOf(upload)
                self.successResultOf(world.here.transfers.idle())
                world.clear_up()
                self.assertEqual(world.faults(), [], f"gate {gate}, broken {broken}")


class FaultyRegistryTests(SynchronousTestCase):
    """The registry cannot be reached for one call, or from one call on."""

    def test_at_every_call(self):
        """Whichever call it is, and whether or not it took effect, all is well in the end."""
        for broken in (False, True):
            for takes_effect in (False, True):
                for outage in (1, 2, 100):
                    for number in range(6):
                        self.assert_survives(number, takes_effect, outage, broken)

    def assert_survives(self, number, takes_effect, outage, broken):
        world = World(registry=FaultyRegistry)
        registry = world.registry
        registry.fails_at, registry.takes_effect = number, takes_effect
        registry.outage = outage
        then = BodyCutShort() if broken else ScriptedStream().then
        upload = world.here.upload(world.reserve(), ScriptedStream([HELLO], then=then))
        upload.addErrback(lambda failure: None)
        self.successResultOf(upload)
        registry.fails_at = None
        world.clear_up()
        case = f"call {number}, takes effect {takes_effect}, outage {outage}, broken {broken}"
        self.assertEqual(world.faults(), [], case)

    def test_claim(self):
        """An upload whose claim is uncertain does not begin."""
        world = World(registry=FaultyRegistry)
        world.registry.fails_at = 0
        data = ScriptedStream([HELLO])
        self.assertRaises(RegistryUnavailable, world.do, world.here.upload(world.reserve(), data))
        self.assertFalse(data.was_poured)
        self.assertEqual(world.fetch().status, Status.QUEUED)

    def test_ends_after_its_lease(self):
        """Bytes that were whole only after a janitor had come are removed without the registry."""
        world = World(registry=FaultyRegistry)
        source = hanging()
        upload = world.here.upload(world.reserve(), source)
        world.clock.rightNow += 2 * LEASE
        world.registry.fails_at, world.registry.outage = world.registry.calls, 100
        world.do(world.there.janitor.clean())
        source.finish()
        self.failureResultOf(upload, RegistryUnavailable)
        self.assertEqual(world.faults(), [])

    def test_answer_of_activation_is_lost(self):
        """An image that became active stays so, whatever its uploader was told."""
        world = World(registry=FaultyRegistry)
        world.registry.fails_at, world.registry.takes_effect = 1, True
        upload = world.here.upload(world.reserve(), ScriptedStream([HELLO]))
        self.assertRaises(RegistryUnavailable, world.do, upload)
        self.assertEqual(world.fetch().status, Status.ACTIVE)
        self.assertEqual(world.faults(), [])
