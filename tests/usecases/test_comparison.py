"""What stores hold is compared with what records tell, and judged."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import RegistryUnavailable, StoreForbids
from glancetx.holding import Holding
from glancetx.image import Image, Location, Status
from glancetx.shelf import Shelf
from glancetx.survey import Surveyed
from glancetx.usecases.comparison import Comparison, Verdict, judge, listed
from glancetx.usecases.delete import Deletions
from glancetx.usecases.orphans import Orphans
from glancetx.usecases.pace import Pace
from tests.usecases.world import HELLO, LEASE, GatedRegistry, World, hanging

SAFE = 86_400.0
DAY = 86_400.0

#: Ids as images have them, and one as no image has.
ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"

LIVING = {Status.ACTIVE, Status.DEACTIVATED, Status.PENDING_DELETE}
DEAD = {Status.KILLED, Status.DELETED}


class JudgeTests(SynchronousTestCase):
    """The verdict, by what the record says."""

    def judge(self, surveyed, *, age=SAFE, image_id=ONE, is_finished=True, store="file"):
        holding = Holding(
            key="key",
            image_id=image_id,
            size=5,
            changed_at=datetime.now(UTC),
            is_finished=is_finished,
        )
        return judge(store, holding, surveyed, age, SAFE)

    def record(self, status, *locations, lease_left=None):
        places = tuple(Location(*each) for each in locations)
        return Surveyed(Image(image_id=ONE, status=status, locations=places), lease_left)

    def test_owned(self):
        """What the record names is owned, in every state, whatever its age or its lease."""
        for status in Status:
            for left in None, 10.0, -10.0:
                record = self.record(status, ("file", "key"), lease_left=left)
                self.assertIs(self.judge(record), Verdict.OWNED)

    def test_strange(self):
        """What is not named as images are is strange, also when it has a record or is old."""
        record = self.record(Status.DELETED)
        for image_id in None, "lost+found", f"{ONE}-00001", ONE[:-1], "":
            self.assertIs(self.judge(record, image_id=image_id), Verdict.STRANGE)
            self.assertIs(self.judge(None, image_id=image_id), Verdict.STRANGE)

    def test_unknown(self):
        """What never had a record is no orphan: it may be another installation's."""
        self.assertIs(self.judge(None), Verdict.UNKNOWN)
        self.assertIs(self.judge(None, age=SAFE - 1), Verdict.YOUNG)
        self.assertIs(self.judge(None, is_finished=False), Verdict.UNKNOWN)

    def test_busy(self):
        """As long as there is a lease, also one that has run out, somebody will see to it."""
        for status in Status:
            for left in 10.0, -10.0:
                record = self.record(status, lease_left=left)
                self.assertIs(self.judge(record), Verdict.BUSY)
                self.assertIs(self.judge(record, is_finished=False), Verdict.BUSY)

    def test_coming(self):
        """An image that has no bytes yet may get them at any moment."""
        for status in Status.QUEUED, Status.SAVING:
            for is_finished in True, False:
                verdict = self.judge(self.record(status), is_finished=is_finished)
                self.assertIs(verdict, Verdict.BUSY)

    def test_dead(self):
        """What belongs to a dead image is an orphan when it is old enough."""
        for status in DEAD:
            for is_finished in True, False:
                record = self.record(status)
                judged = [self.judge(record, age=a, is_finished=is_finished) for a in (-1, SAFE)]
                self.assertEqual(judged, [Verdict.YOUNG, Verdict.ORPHAN])

    def test_living(self):
        """A whole image that lives is never an orphan: stores may be one place by two names."""
        for status in LIVING:
            for place in (), (("other", "key"),), (("file", "other"),):
                self.assertIs(self.judge(self.record(status, *place)), Verdict.SURPLUS)

    def test_leftover_of_a_living_image(self):
        """What was not finished is nobody's once its image lives without it."""
        for status in LIVING:
            record = self.record(status, ("file", "key"))
            verdict = self.judge(record, is_finished=False)
            self.assertIs(verdict, Verdict.ORPHAN)


class ComparedCase(SynchronousTestCase):
    """A world whose store is compared with its registry."""

    def make(self, registry=None):
        self.world = World(registry=registry)
        shelf = Shelf([self.world.here.shelved])
        (self.shelved,) = listed(shelf)
        self.comparison, self.orphans = self.comparing(self.world.registry)

    def comparing(self, registry):
        comparison = Comparison(self.world.clock, registry, SAFE, Pace(self.world.clock))
        return comparison, Orphans(comparison, registry)

    def leave(self, *path, image_id=ONE):
        """Bytes of an image that went this way, of which no record tells."""
        if path:
            image = self.world.reserve(image_id)
            for status in path:
                change = move(status, lease=None)
                image = self.world.do(self.world.truth.update(image_id, change, {image.status}))
        self.world.kept._images[image_id] = bytearray(HELLO)
        self.world.kept._moments[image_id] = self.world.clock.seconds()

    def sweep(self, orphans=None, **options):
        """What was found, by id: the verdict, and whether it was removed."""
        orphans = orphans or self.orphans

        async def all_of_it():
            async with aclosing(orphans.sweep(self.shelved, **options)) as swept:
                return {f.holding.key: (f.verdict, removed) async for f, removed in swept}

        return self.world.do(all_of_it())

    def lost(self):
        """What records tell that is not so."""

        async def all_of_it():
            async with aclosing(self.comparison.recorded(self.shelved)) as recorded:
                return [(f.verdict, f.image_id, f.size, f.expected) async for f in recorded]

        return self.world.do(all_of_it())


class SweepTests(ComparedCase):
    """What becomes of what stores hold."""

    def setUp(self):
        self.make()

    def test_orphans_go(self):
        """The bytes of dead images go when they are old enough, and no others."""
        self.world.active(TWO)
        self.leave(Status.SAVING, Status.KILLED)
        self.world.clock.advance(DAY - 1)
        young = (Verdict.YOUNG, False)
        self.assertEqual(self.sweep(), {ONE: young, TWO: (Verdict.OWNED, False)})
        self.world.clock.advance(1)
        self.assertEqual(self.sweep()[ONE], (Verdict.ORPHAN, True))
        self.assertEqual(list(self.world.kept._images), [TWO])
        self.assertEqual(self.world.faults(), [])

    def test_dry(self):
        """A dry run tells the same, and touches nothing."""
        self.leave(Status.DELETED)
        self.world.clock.advance(DAY)
        self.assertEqual(self.sweep(is_dry=True), {ONE: (Verdict.ORPHAN, False)})
        self.assertEqual(list(self.world.kept._images), [ONE])

    def test_unknown_stays(self):
        """Bytes without a record stay, however old they are."""
        self.leave()
        self.world.clock.advance(1000 * DAY)
        self.assertEqual(self.sweep(), {ONE: (Verdict.UNKNOWN, False)})
        self.assertEqual(list(self.world.kept._images), [ONE])

    def test_unknown_goes_when_told(self):
        """An operator may have them removed; their id is taken for ever first."""
        self.leave()
        self.assertEqual(self.sweep(with_unknown=True), {ONE: (Verdict.YOUNG, False)})
        self.world.clock.advance(DAY)
        self.assertEqual(self.sweep(with_unknown=True), {ONE: (Verdict.UNKNOWN, True)})
        self.assertEqual(self.world.kept._images, {})
        record = self.world.fetch(ONE)
        self.assertIs(record.status, Status.DELETED)
        self.assertIn("had no record", record.status_reason)

    def test_strange_stays(self):
        """What is not named as images are stays, whatever is said."""
        self.leave(image_id="precious")
        self.world.clock.advance(1000 * DAY)
        verdicts = self.sweep(with_unknown=True)
        self.assertEqual(verdicts, {"precious": (Verdict.STRANGE, False)})

    def test_running_upload(self):
        """Of a running upload nothing is an orphan, also when its lease has run out."""
        image = self.world.reserve(ONE)
        upload = self.world.here.upload(image, hanging())
        self.world.kept._images[ONE] = bytearray(HELLO)
        self.world.clock.rightNow += 10 * DAY
        self.assertEqual(self.sweep(), {ONE: (Verdict.BUSY, False)})
        upload.addErrback(lambda failure: failure.trap(CancelledError, RegistryUnavailable))
        upload.cancel()

    def test_delayed_deletion(self):
        """The bytes of an image that was deleted stay as long as they are to be kept."""
        transfers = self.world.here.transfers
        shelf = Shelf([self.world.here.shelved])
        deletions = Deletions(self.world.registry, shelf, transfers, 10 * DAY)
        self.world.active(ONE)
        self.world.do(deletions.delete(OPERATOR, ONE))
        self.world.clock.advance(20 * DAY)
        self.assertEqual(self.sweep(), {ONE: (Verdict.OWNED, False)})

    def test_renamed_store(self):
        """When a store is called otherwise than records remember, nothing goes."""
        self.world.active(ONE)
        record = self.world.truth._records[ONE]
        self.world.do(
            self.world.truth.update(
                ONE, move(Status.DEACTIVATED, locations=(Location("old", ONE),)), {Status.ACTIVE}
            )
        )
        self.assertEqual(record.image.locations, (Location("old", ONE),))
        self.world.clock.advance(1000 * DAY)
        self.assertEqual(self.sweep(with_unknown=True), {ONE: (Verdict.SURPLUS, False)})

    def test_one_cannot_be_removed(self):
        """What a store does not let go is told of, and the others go."""
        self.leave(Status.DELETED)
        self.leave(Status.DELETED, image_id=TWO)
        self.world.clock.advance(DAY)
        delete = self.world.kept.delete

        async def refuse(key):
            if key == ONE:
                raise StoreForbids()
            await delete(key)

        self.patch(self.world.kept, "delete", refuse)
        self.assertEqual(self.sweep(), {ONE: (Verdict.ORPHAN, False), TWO: (Verdict.ORPHAN, True)})

    def test_pages(self):
        """Many things are judged page by page."""
        for number in range(450):
            self.leave(image_id=f"{number:032x}")
        found = self.sweep()
        self.assertEqual(len(found), 450)
        self.assertEqual({verdict for verdict, _ in found.values()}, {Verdict.YOUNG})


class LostTests(ComparedCase):
    """What becomes of what records tell."""

    def setUp(self):
        self.make()
        self.world.active(ONE)
        self.world.active(TWO)

    def test_all_there(self):
        """Nothing is told where nothing is wrong."""
        self.assertEqual(self.lost(), [])

    def test_missing(self):
        """Bytes that are not there are told of, and the record stays as it is."""
        before = self.world.fetch(ONE)
        del self.world.kept._images[ONE]
        self.assertEqual(self.lost(), [(Verdict.MISSING, ONE, 0, len(HELLO))])
        self.assertEqual(self.world.fetch(ONE), before)

    def test_other_size(self):
        """So are too many or too few."""
        self.world.kept._images[TWO] += b"!"
        self.assertEqual(self.lost(), [(Verdict.OTHER_SIZE, TWO, 6, 5)])

    def test_deleted_meanwhile(self):
        """An image whose deletion had begun when it was looked for is not missing."""
        gated = GatedRegistry(self.world.truth)
        self.comparison, _ = self.comparing(gated)
        gated.is_open = False
        looking = as_deferred(self.first_lost())
        gated.pass_one()
        gated.pass_one()
        # The page is known, and now the image goes with its bytes.
        self.world.do(self.world.there.deletions.delete(OPERATOR, ONE))
        gated.open()
        self.assertIsNone(self.successResultOf(looking))

    async def first_lost(self):
        async with aclosing(self.comparison.recorded(self.shelved)) as recorded:
            return await anext(recorded, None)


class RaceTests(ComparedCase):
    """Two at once."""

    def test_each_orphan_goes_once(self):
        """Of two who sweep one removes it, and neither fails."""
        self.make()
        self.leave(Status.DELETED)
        self.world.clock.advance(DAY)
        gated = GatedRegistry(self.world.truth)
        _, other = self.comparing(gated)
        gated.is_open = False
        slow = as_deferred(self.slow_sweep(other))
        for _ in range(3):
            gated.pass_one()
        self.assertEqual(self.sweep(), {ONE: (Verdict.ORPHAN, True)})
        gated.open()
        self.assertEqual(self.successResultOf(slow), [(Verdict.ORPHAN, False)])

    async def slow_sweep(self, orphans):
        async with aclosing(orphans.sweep(self.shelved)) as swept:
            return [(finding.verdict, removed) async for finding, removed in swept]

    def test_id_of_unknown_bytes_is_taken_meanwhile(self):
        """When somebody reserves the id first, the bytes are left alone."""
        self.make()
        self.leave()
        self.world.clock.advance(DAY)
        gated = GatedRegistry(self.world.truth)
        _, orphans = self.comparing(gated)
        gated.is_open = False
        sweeping = as_deferred(self.unknown_sweep(orphans))
        gated.pass_one()
        gated.pass_one()
        self.world.reserve(ONE)
        gated.open()
        self.assertEqual(self.successResultOf(sweeping), [(Verdict.UNKNOWN, False)])
        self.assertIn(ONE, self.world.kept._images)
        self.assertIs(self.world.fetch(ONE).status, Status.QUEUED)

    async def unknown_sweep(self, orphans):
        async with aclosing(orphans.sweep(self.shelved, with_unknown=True)) as swept:
            return [(finding.verdict, removed) async for finding, removed in swept]

    def test_lease_of_a_transfer_ends_after_the_first_look(self):
        """An upload that ends between two looks has a record that tells of its bytes."""
        self.make()
        gated = GatedRegistry(self.world.truth)
        _, orphans = self.comparing(gated)
        image = self.world.reserve(ONE)
        source = hanging()
        upload = self.world.there.upload(image, source)
        self.world.pass_time(LEASE / 2)
        gated.is_open = False
        sweeping = as_deferred(self.slow_sweep(orphans))
        source.finish()
        self.successResultOf(upload)
        self.world.clock.rightNow += 2 * DAY
        gated.open()
        self.successResultOf(sweeping)
        self.assertEqual(self.world.faults(), [])
