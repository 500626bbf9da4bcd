"""The suite for registries is itself tested: a registry broken in one way fails just there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.change import KEEP, Change
from glancetx.errors import ImageExists, StatusConflict, TooManyImages
from glancetx.image import Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.query import ANYTHING, NEWEST_FIRST, Order
from glancetx.quota import Room
from glancetx.registry.memory import MemoryRegistry
from glancetx.testing.registry_contract import RegistryContract
from glancetx.testing.registry_filters import AGES_AGO
from tests.testing.suites import failures

#: What is installed provides more interfaces than its type tells.
reactor: Any = the_reactor


class ForgetsIds(MemoryRegistry):
    """Deleted images go for good."""

    async def insert(self, image, lease=None, quota=0):
        record = self._records.get(image.image_id)
        if record is not None and record.image.status is Status.DELETED:
            del self._records[image.image_id]
        return await super().insert(image, lease, quota)


class Overwrites(MemoryRegistry):
    async def insert(self, image, lease=None, quota=0):
        try:
            return await super().insert(image, lease, quota)
        except ImageExists:
            self._records[image.image_id].image = image
            raise


class FoldsCase(MemoryRegistry):
    def _find(self, image_id):
        return super()._find(image_id.strip() if image_id.strip() in self._records else image_id)


class DropsNulls(MemoryRegistry):
    async def insert(self, image, lease=None, quota=0):
        kept = {key: value for key, value in image.properties.items() if value is not None}
        return await super().insert(evolve(image, properties=kept), lease, quota)


class KeepsTheCallersTimes(MemoryRegistry):
    async def insert(self, image, lease=None, quota=0):
        stamped = await super().insert(image, lease, quota)
        if image.created_at.year > 1:
            stamped = evolve(stamped, created_at=image.created_at)
        self._records[image.image_id].image = stamped
        return stamped


class IgnoresExpectations(MemoryRegistry):
    def _find_in(self, image_id, expect):
        return self._find(image_id)


class ChangesBeforeLooking(MemoryRegistry):
    async def update(self, image_id, change, expect):
        record = self._find(image_id)
        before = record.image.status
        if before not in expect:
            record.image = evolve(record.image, name="half")
        return await super().update(image_id, change, expect)


class AlwaysMerges(MemoryRegistry):
    async def update(self, image_id, change, expect):
        return await super().update(image_id, evolve(change, purge=False), expect)


class AlwaysPurges(MemoryRegistry):
    async def update(self, image_id, change, expect):
        return await super().update(image_id, evolve(change, purge=True), expect)


class ForgetsReasons(MemoryRegistry):
    async def update(self, image_id, change, expect):
        values = {name: value for name, value in change.values.items() if name != "status_reason"}
        return await super().update(image_id, evolve(change, values=values), expect)


class MakesAnyMove(MemoryRegistry):
    async def update(self, image_id, change, expect):
        return await super().update(image_id, _Lax(**_fields(change)), expect)


class _Lax(Change):
    def check_moves(self, expect):
        pass


def _fields(change):
    return {name: getattr(change, name) for name in ("values", "properties", "purge", "lease")}


class NeverClearsDeletedAt(MemoryRegistry):
    async def update(self, image_id, change, expect):
        before = self._find(image_id).image.deleted_at
        image = await super().update(image_id, change, expect)
        if before is not None:
            image = evolve(image, deleted_at=before)
            self._records[image_id].image = image
        return image


class StandsStill(MemoryRegistry):
    async def update(self, image_id, change, expect):
        before = self._find(image_id).image.updated_at
        image = await super().update(image_id, change, expect)
        image = evolve(image, updated_at=before)
        self._records[image_id].image = image
        return image


class DropsLeases(MemoryRegistry):
    """Every update ends the lease that it does not speak of."""

    async def update(self, image_id, change, expect):
        if change.lease is KEEP:
            change = evolve(change, lease=None)
        return await super().update(image_id, change, expect)


class HoldsLeases(MemoryRegistry):
    """No update ends a lease."""

    async def update(self, image_id, change, expect):
        if change.lease is None:
            change = evolve(change, lease=KEEP)
        return await super().update(image_id, change, expect)


class TakesWithoutLease(MemoryRegistry):
    async def take_overdue(self, lease, limit, *expect):
        return await super().take_overdue(-5, limit, *expect)


class TakesAll(MemoryRegistry):
    async def take_overdue(self, lease, limit, *expect):
        return await super().take_overdue(lease, 100, *expect)


class TakesAnyOrder(MemoryRegistry):
    async def take_overdue(self, lease, limit, *expect):
        taken = await super().take_overdue(lease, limit, *expect)
        return sorted(taken, key=lambda image: image.image_id)


class TakesAnyState(MemoryRegistry):
    async def take_overdue(self, lease, limit, *expect):
        return await super().take_overdue(lease, limit)


class IgnoresQuotas(MemoryRegistry):
    """Whoever needs more gets it."""

    async def reserve(self, image_id, room, *args):
        return await super().reserve(image_id, evolve(room, quota=2**80), *args)


class ReservesInTwoSteps(MemoryRegistry):
    """Sums up, waits, and then sets aside."""

    async def reserve(self, image_id, room, expect, *args):
        owner = self._find_in(image_id, (expect,)).image.owner
        used = sum(
            each.image.counted
            for name, each in self._records.items()
            if name != image_id and each.image.owner == owner
        )
        granted = room.granted(used)
        await deferLater(reactor, 0)
        room = Room(quota=2**80, needed=granted, wanted=granted)
        return await super().reserve(image_id, room, expect, *args)


class FreesWhatWasKilled(MemoryRegistry):
    async def update(self, image_id, change, expect):
        image = await super().update(image_id, change, expect)
        if image.status in (Status.KILLED, Status.DELETED):
            image = self._records[image_id].image = evolve(image, reserved=0)
        return image


class StampsReservations(MemoryRegistry):
    async def reserve(self, image_id, room, expect, change=None):
        return await super().reserve(image_id, room, expect, change or Change())


class MixesOwners(MemoryRegistry):
    """Nobody and the nameless are one."""

    async def insert(self, image, lease=None, quota=0):
        inserted = await super().insert(evolve(image, owner=image.owner or None), lease, quota)
        return evolve(inserted, owner=image.owner)


class RenewStamps(MemoryRegistry):
    async def renew(self, image_id, expect, lease, transferred=None):
        await super().renew(image_id, expect, lease, transferred)
        record = self._records[image_id]
        record.image = evolve(record.image, updated_at=self._stamp())


class InsertsWithoutLease(MemoryRegistry):
    async def insert(self, image, lease=None, quota=0):
        return await super().insert(image, quota=quota)


class ForgetsWhatWasTransferred(MemoryRegistry):
    """A renewal that does not tell what has come says that nothing has."""

    async def renew(self, image_id, expect, lease, transferred=None):
        await super().renew(image_id, expect, lease, transferred or 0)


class KeepsWhatWasTransferred(MemoryRegistry):
    async def update(self, image_id, change, expect):
        before = self._find(image_id).image.transferred
        image = await super().update(image_id, change, expect)
        self._records[image_id].image = evolve(image, transferred=before)
        return self._records[image_id].image


class ListsOldestFirst(MemoryRegistry):
    async def select(self, query):
        return (await super().select(query))[::-1]


class ListsEverything(MemoryRegistry):
    async def select(self, query):
        return await super().select(evolve(query, everything=True))


class ListsStrangersOwnerless(MemoryRegistry):
    """Whoever has no project owns what has no owner."""

    async def select(self, query):
        if query.owner is None and not query.everything and query.public is not True:
            images = await super().select(evolve(query, everything=True))
            return [
                image
                for image in images
                if image.owner is None
                or (image.visibility is Visibility.PUBLIC and query.public is None)
            ]
        return await super().select(query)


class ListsTheDead(MemoryRegistry):
    async def select(self, query):
        images = await super().select(query)
        dead = [r.image for r in self._records.values() if r.image.status is Status.KILLED]
        return (images + dead)[: query.limit] if query.after is None else images


class IgnoresMarkers(MemoryRegistry):
    """A page that begins anew, but only once, so that paging ends."""

    async def select(self, query):
        if query.after is not None and not hasattr(self, "began_anew"):
            self.began_anew = True
            query = evolve(query, after=None)
        return await super().select(query)


class IgnoresLimits(MemoryRegistry):
    async def select(self, query):
        return await super().select(evolve(query, limit=100))


class IgnoresFilters(MemoryRegistry):
    async def select(self, query):
        return await super().select(evolve(query, filters=ANYTHING))


class IgnoresOrder(MemoryRegistry):
    async def select(self, query):
        return await super().select(evolve(query, order=NEWEST_FIRST))


class SortsByOneKey(MemoryRegistry):
    """Images with the same key come as they like, and the marker's are left out."""

    async def select(self, query):
        return await super().select(evolve(query, order=_OneKey(query.order)))


class _OneKey(Order):
    def __init__(self, order):
        super().__init__(order.key, order.ascending)

    @property
    def keys(self):
        return (self.key,)


class ReadsTheMarkerAgain(MemoryRegistry):
    async def select(self, query):
        if query.after is not None:
            query = evolve(query, after=await self.fetch(query.after.image_id))
        return await super().select(query)


class ForgetsShares(MemoryRegistry):
    async def shared_with(self, member, owner=None):
        return [] if owner is None else await super().shared_with(member, owner)


class SharesWhateverHasMembers(MemoryRegistry):
    """Whatever the visibility says."""

    async def select(self, query):
        images = await super().select(query)
        if query.owner is None or query.everything or query.public is not None:
            return images
        for shared in await self.shared_with(query.owner):
            image = await self.fetch(shared.image_id)
            if image not in images and query.after is None and query.filters == ANYTHING:
                images.append(image)
        return images[: query.limit]


class FindsThePropertiesOfTheDead(MemoryRegistry):
    async def select(self, query):
        images = await super().select(query)
        if query.filters.properties and query.filters.changes_since and query.after is None:
            every = await super().select(evolve(query, filters=ANYTHING_EVER))
            images += [image for image in every if image.status.is_gone]
        return images[: query.limit]


class CountsTheMoment(MemoryRegistry):
    """Takes what changed at the moment for what changed since."""

    async def select(self, query):
        since = query.filters.changes_since
        if since is not None and since.year > 1900:
            filters = evolve(query.filters, changes_since=since - timedelta(microseconds=1))
            query = evolve(query, filters=filters)
        return await super().select(query)


class TellsTheWrongState(MemoryRegistry):
    async def update(self, image_id, change, expect):
        try:
            return await super().update(image_id, change, expect)
        except StatusConflict:
            raise StatusConflict(image_id, Status.DELETED) from None


class ComparesTooEarly(MemoryRegistry):
    """Looks, waits, and then sets: the race that one statement does not have."""

    has_looked = False

    async def update(self, image_id, change, expect):
        self._find_in(image_id, expect)
        await deferLater(reactor, 0)
        self.has_looked = True
        try:
            return await super().update(image_id, change, expect)
        finally:
            self.has_looked = False

    def _find_in(self, image_id, expect):
        return self._find(image_id) if self.has_looked else super()._find_in(image_id, expect)


class Overlooks(MemoryRegistry):
    """Takes what a client must not send."""

    async def insert(self, image, lease=None, quota=0):
        try:
            return await super().insert(image, lease, quota)
        except (ImageExists, TooManyImages):
            raise
        except Exception:
            return image


class LetsOwnersHaveAnyNumber(MemoryRegistry):
    async def insert(self, image, lease=None, quota=0):
        return await super().insert(image, lease)


class CountsTheDead(MemoryRegistry):
    def _count_of(self, owner):
        return sum(each.image.owner == owner for each in self._records.values())


class CountsEverybodys(MemoryRegistry):
    def _count_of(self, owner):
        return len(self._records)


class CountsTooEarly(MemoryRegistry):
    """Between counting and making others do the same."""

    async def insert(self, image, lease=None, quota=0):
        if quota:
            self._check_count(image, quota)
            await deferLater(reactor, 0)
        return await super().insert(image, lease)

    def _check_count(self, image, quota):
        if image.image_id not in self._records and self._count_of(image.owner) >= quota:
            raise TooManyImages(quota)


class CountsBeforeLooking(MemoryRegistry):
    """An owner with enough images is not told that the id is taken."""

    async def insert(self, image, lease=None, quota=0):
        if quota and self._count_of(image.owner) >= quota:
            raise TooManyImages(quota)
        return await super().insert(image, lease)


ANYTHING_EVER = evolve(ANYTHING, changes_since=AGES_AGO)

#: The registry, and the tests that fail with it: all others must pass.
BROKEN: dict[type[MemoryRegistry], set[str]] = {
    ForgetsIds: {"an_id_is_taken_by_a_deleted_image"},
    Overwrites: {"an_id_is_taken_once"},
    FoldsCase: {"ids_are_exact"},
    DropsNulls: {"gives_back_what_it_was_given", "refuses_what_it_cannot_hold"},
    KeepsTheCallersTimes: {"stamps_a_new_record"},
    IgnoresExpectations: {
        "update_expects_a_state",
        "one_of_many_wins",
        "renew_expects_a_state",
        "reserve_expects_a_state",
        "transferred",
    },
    ChangesBeforeLooking: {"update_expects_a_state", "one_of_many_wins"},
    AlwaysMerges: {"properties_are_replaced"},
    AlwaysPurges: {"changes", "properties_are_added", "racing_updates_are_all_kept"},
    ForgetsReasons: {"update_sets_every_attribute"},
    MakesAnyMove: {"illegal_moves"},
    NeverClearsDeletedAt: {"deleted_at"},
    StandsStill: {
        "a_reservation_begins_a_transfer",
        "changes",
        "deleted_at",
        "orders",
        "update_stamps",
    },
    DropsLeases: {
        "a_lease_is_kept",
        "a_reservation_ends_with_its_lease",
        "takers_expect_states",
        "transferred_ends_with_the_lease",
    },
    HoldsLeases: {
        "transferred_ends_with_the_lease",
        "a_lease_ends",
        "a_reservation_ends_with_its_lease",
        "an_activation_counts_what_is_kept",
        "survey_of_leases",
    },
    TakesWithoutLease: {
        "a_lease_from_the_first_instant",
        "a_lease_runs_out",
        "racing_takers",
        "oldest_leases_first",
        "takers_expect_states",
    },
    TakesAll: {"oldest_leases_first"},
    TakesAnyOrder: {"oldest_leases_first"},
    TakesAnyState: {"takers_expect_states"},
    IgnoresQuotas: {
        "a_refusal_changes_nothing",
        "a_reservation_ends_with_its_lease",
        "an_activation_counts_what_is_kept",
        "growth",
        "large_sums",
        "owners_are_apart",
        "racing_claims",
        "wishes",
        "what_counts",
    },
    ReservesInTwoSteps: {"racing_claims"},
    LetsOwnersHaveAnyNumber: {
        "as_many_as_allowed",
        "counts_are_apart",
        "racing_creations",
        "what_counts_as_an_image",
    },
    CountsTheDead: {"what_counts_as_an_image"},
    CountsEverybodys: {"counts_are_apart", "racing_creations", "what_counts_as_an_image"},
    CountsTooEarly: {"racing_creations"},
    CountsBeforeLooking: {"an_id_that_is_taken"},
    FreesWhatWasKilled: {"a_reservation_ends_with_its_lease"},
    StampsReservations: {"growth"},
    MixesOwners: {"counts_are_apart", "owners_are_apart"},
    RenewStamps: {"renew", "transferred"},
    InsertsWithoutLease: {
        "a_lease_from_the_first_instant",
        "survey_of_leases",
        "with_a_lease",
    },
    ForgetsWhatWasTransferred: {"transferred"},
    KeepsWhatWasTransferred: {"transferred_ends_with_the_lease"},
    ListsOldestFirst: {
        "a_marker_counts_as_it_was_read",
        "newest_first",
        "no_longer_shared",
        "orders",
        "pages_in_any_order",
        "pages_while_others_change",
        "paging_while_others_insert",
        "shared_images",
        "who_sees_what",
    },
    ListsEverything: {"no_longer_shared", "shared_images", "who_sees_what"},
    ListsStrangersOwnerless: {"shared_images", "who_sees_what"},
    ListsTheDead: {"changes", "dead_images_are_not_listed"},
    IgnoresMarkers: {
        "a_marker_counts_as_it_was_read",
        "a_marker_need_not_be_listed",
        "pages_in_any_order",
        "pages_while_others_change",
        "paging_while_others_insert",
        "shared_images",
        "who_sees_what",
    },
    IgnoresFilters: {
        "changes",
        "filters",
        "filters_beyond_bounds",
        "no_longer_shared",
        "pages_while_others_change",
        "shared_images",
    },
    IgnoresOrder: {
        "a_marker_counts_as_it_was_read",
        "orders",
        "pages_while_others_change",
        "shared_images",
    },
    SortsByOneKey: {"orders", "pages_in_any_order", "pages_while_others_change"},
    ReadsTheMarkerAgain: {"a_marker_counts_as_it_was_read", "pages_while_others_change"},
    ForgetsShares: {"no_longer_shared", "shared_images", "shared_with", "unshare"},
    SharesWhateverHasMembers: {"shared_images"},
    FindsThePropertiesOfTheDead: {"changes", "pages_while_others_change"},
    CountsTheMoment: {"changes"},
    IgnoresLimits: {"newest_first"},
    TellsTheWrongState: {"update_expects_a_state", "one_of_many_wins"},
    ComparesTooEarly: {"one_of_many_wins", "racing_claims"},
    Overlooks: {"refuses_what_it_cannot_hold"},
}


def failures_of(kind: type[MemoryRegistry]) -> set[str]:
    """The tests of the suite that a registry of this kind does not pass."""

    class Suite(RegistryContract, TestCase):
        def make_registry(self) -> Deferred[IRegistry]:
            return succeed(kind(Clock()))

    return failures(Suite)


class SuiteTests(SynchronousTestCase):
    """What the suite notices."""

    def test_sound(self):
        """A registry that keeps all promises passes."""
        self.assertEqual(failures_of(MemoryRegistry), set())


def _add_test(kind: type[MemoryRegistry], expected: set[str]) -> None:
    def test(self):
        self.assertEqual(failures_of(kind), expected)

    test.__doc__ = f"The suite notices one that {kind.__name__}."
    setattr(SuiteTests, f"test_{kind.__name__}", test)


for _kind, _expected in BROKEN.items():
    _add_test(_kind, _expected)
