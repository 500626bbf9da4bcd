"""
What every registry must do, as tests.

Mix `RegistryContract` into a `twisted.trial.unittest.TestCase` and supply ``make_registry``::

    class MyRegistryTests(RegistryContract, TestCase):
        def make_registry(self):
            return MyRegistry(...)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import evolve
from twisted.internet.defer import CancelledError, gatherResults
from zope.interface.verify import verifyObject

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import BadMetadata, ImageExists, NoSuchImage, StatusConflict
from glancetx.image import Image, Location, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.query import ImageQuery

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as _Base
else:
    _Base = object

#: Nobody answers any more: a lease of less than nothing is overdue at once, without waiting.
OVERDUE = -1.0

FULL = Image(
    image_id="2f1b8a3c-0000-4000-8000-0123456789ab",
    status=Status.DEACTIVATED,
    name="Größe 💾 \\ ' \" %s %(x)s {} \n",
    owner="tenant",
    visibility=Visibility.COMMUNITY,
    protected=True,
    disk_format="qcow2",
    container_format="bare",
    size=2**63 - 1,
    virtual_size=2**63 - 1,
    min_disk=2**31 - 1,
    min_ram=7,
    checksum="d41d8cd98f00b204e9800998ecf8427e",
    digests={"sha256": "e3b0c442", "md5": "d41d8cd9"},
    properties={"os": "plan 9", "empty": "", "null": None, "schlüssel 🔑 '\"%": "ü\\u0041"},
    locations=(Location("file", "ab/cd/ü"), Location("http", "http://a:b@example.org/%20x")),
    status_reason="because",
)


async def outcome_of(work: Awaitable[Any]) -> Any:
    """What the work returned or raised, as a value."""
    try:
        return await work
    except Exception as error:
        return error


def stamped(image: Image, like: Image) -> Image:
    """The image with the times of another one."""
    return evolve(image, created_at=like.created_at, updated_at=like.updated_at)


class RegistryContract(_Base):
    """The promises of `IRegistry`."""

    def make_registry(self) -> Awaitable[IRegistry]:
        """An empty registry. Each test calls it once and cleans up with ``addCleanup``."""
        raise NotImplementedError

    async def registry_with(self, *images: Image) -> IRegistry:
        """A registry that was given these, one after the other."""
        registry = await self.make_registry()
        for image in images:
            await registry.insert(image)
        return registry

    async def assert_raises(self, expected: type[Exception], work: Awaitable[object]) -> Any:
        """The error of this type that the work raises."""
        error = await outcome_of(work)
        self.assertIsInstance(error, expected)
        return error

    async def test_provides_the_interface(self) -> None:
        """It is an `IRegistry` with every method and every argument."""
        verifyObject(IRegistry, await self.make_registry())

    # -- insert and fetch

    async def test_gives_back_what_it_was_given(self) -> None:
        """Every attribute survives, whatever characters it has."""
        registry = await self.make_registry()
        inserted = await registry.insert(FULL)
        self.assertEqual(inserted, stamped(FULL, inserted))
        self.assertEqual(await registry.fetch(FULL.image_id), inserted)

    async def test_gives_back_the_smallest_image(self) -> None:
        """Absent values stay absent."""
        registry = await self.make_registry()
        inserted = await registry.insert(Image(image_id="a"))
        self.assertEqual(inserted, stamped(Image(image_id="a"), inserted))
        self.assertEqual(await registry.fetch("a"), inserted)

    async def test_stamps_a_new_record(self) -> None:
        """A new record has aware times, both the same, whatever the caller had put there."""
        registry = await self.registry_with(FULL)
        image = await registry.insert(evolve(await registry.fetch(FULL.image_id), image_id="b"))
        self.assertEqual(image.created_at, image.updated_at)
        self.assertEqual(image.created_at.utcoffset(), timedelta(0))
        self.assertGreater(image.created_at, (await registry.fetch(FULL.image_id)).created_at)
        self.assertIsNone(image.deleted_at)

    async def test_an_id_is_taken_once(self) -> None:
        """The second image of an id is refused, and the first one unharmed."""
        registry = await self.registry_with(Image(image_id="a", name="first"))
        error = await self.assert_raises(
            ImageExists, registry.insert(Image(image_id="a", name="second"))
        )
        self.assertEqual(error.image_id, "a")
        self.assertEqual((await registry.fetch("a")).name, "first")

    async def test_an_id_is_taken_by_a_deleted_image(self) -> None:
        """Ids are never used again."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", move(Status.DELETED), {Status.QUEUED})
        await self.assert_raises(ImageExists, registry.insert(Image(image_id="a")))

    async def test_ids_are_exact(self) -> None:
        """Ids that differ in case, or by a blank, are different ids."""
        registry = await self.registry_with(Image(image_id="ab"), Image(image_id="AB"))
        self.assertEqual((await registry.fetch("AB")).image_id, "AB")
        await self.assert_raises(NoSuchImage, registry.fetch("ab "))

    async def test_unknown_ids(self) -> None:
        """Every method that takes an id tells when it was never used, also when none could be."""
        registry = await self.registry_with(Image(image_id="a"))
        for image_id in ("b", "", "a\0", "\udc80", "%s"):
            for work in (
                registry.fetch(image_id),
                registry.update(image_id, Change(), {Status.QUEUED}),
                registry.renew(image_id, Status.QUEUED, 1),
            ):
                error = await self.assert_raises(NoSuchImage, work)
                self.assertEqual(error.image_id, image_id)

    async def test_refuses_what_it_cannot_hold(self) -> None:
        """Numbers beyond the columns, NUL, and half characters are the client's mistake."""
        registry = await self.registry_with(Image(image_id="a"))
        for values in (
            {"size": 2**63},
            {"size": -1},
            {"virtual_size": 2**63},
            {"min_disk": 2**31},
            {"min_ram": 2**31},
            {"name": "a\0b"},
            {"name": "\udc80"},
            {"owner": "o" * 256},
        ):
            await self.assert_raises(BadMetadata, registry.insert(Image(image_id="b", **values)))
            await self.assert_raises(
                BadMetadata, registry.update("a", Change(values=values), {Status.QUEUED})
            )
        for properties in ({"a": "\0"}, {"\0": None}, {"a": "\ud83d"}):
            await self.assert_raises(
                BadMetadata, registry.insert(Image(image_id="b", properties=properties))
            )
            await self.assert_raises(
                BadMetadata, registry.update("a", Change(properties=properties), {Status.QUEUED})
            )
        await self.assert_raises(NoSuchImage, registry.fetch("b"))

    # -- update

    async def test_update_sets_values(self) -> None:
        """An update sets what it names, leaves the rest, and returns the new record."""
        registry = await self.registry_with(Image(image_id="a", name="old", min_ram=5))
        change = move(
            Status.ACTIVE,
            name="new",
            locations=FULL.locations,
            digests=FULL.digests,
            visibility=Visibility.PUBLIC,
            owner=None,
            size=3,
        )
        updated = await registry.update("a", change, {Status.QUEUED})
        self.assertEqual(updated, await registry.fetch("a"))
        expected = change.applied_to(updated, updated.updated_at)
        self.assertEqual(updated, expected)
        self.assertEqual(updated.min_ram, 5)

    async def test_update_sets_every_attribute(self) -> None:
        """There is no attribute that a change may name and a registry forgets."""
        registry = await self.registry_with(Image(image_id="a"))
        values = {
            name: getattr(FULL, name)
            for name in (
                "name owner visibility protected disk_format container_format size virtual_size"
                " min_disk min_ram checksum digests locations status_reason"
            ).split()
        }
        change = Change(values=values, properties=FULL.properties)
        updated = await registry.update("a", change, {Status.QUEUED})
        expected = evolve(FULL, image_id="a", status=Status.QUEUED)
        self.assertEqual(updated, stamped(expected, updated))

    async def test_update_stamps(self) -> None:
        """Each update is later than the one before; the time of creation stays."""
        registry = await self.registry_with(Image(image_id="a"))
        images = [await registry.fetch("a")]
        for _ in range(5):
            images.append(await registry.update("a", Change(), {Status.QUEUED}))
        times = [image.updated_at for image in images]
        self.assertEqual(times, sorted(set(times)))
        self.assertEqual({image.created_at for image in images}, {times[0]})

    async def test_update_expects_a_state(self) -> None:
        """In any other state nothing changes, and the error tells the state."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        before = await registry.fetch("a")
        error = await self.assert_raises(
            StatusConflict,
            registry.update("a", Change(values={"name": "x"}), {Status.QUEUED, Status.ACTIVE}),
        )
        self.assertEqual((error.image_id, error.found), ("a", Status.SAVING))
        await self.assert_raises(StatusConflict, registry.update("a", Change(), ()))
        self.assertEqual(await registry.fetch("a"), before)

    async def test_update_expects_any_of_several_states(self) -> None:
        """One of the expected states is enough."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        updated = await registry.update(
            "a", move(Status.KILLED), [Status.QUEUED, Status.SAVING, Status.SAVING]
        )
        self.assertIs(updated.status, Status.KILLED)

    async def test_one_of_many_wins(self) -> None:
        """Of many that race for the same move exactly one makes it."""
        registry = await self.registry_with(Image(image_id="a"))
        outcomes = await gatherResults(
            as_deferred(
                outcome_of(registry.update("a", move(Status.SAVING, name=str(n)), {Status.QUEUED}))
            )
            for n in range(12)
        )
        won = [outcome for outcome in outcomes if isinstance(outcome, Image)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, StatusConflict)]
        self.assertEqual((len(won), len(lost)), (1, 11))
        self.assertEqual({error.found for error in lost}, {Status.SAVING})
        self.assertEqual(await registry.fetch("a"), won[0])

    async def test_racing_updates_are_all_kept(self) -> None:
        """Changes of different things by many at once do not undo each other."""
        registry = await self.registry_with(Image(image_id="a"))
        await gatherResults(
            as_deferred(registry.update("a", Change(properties={str(n): str(n)}), {Status.QUEUED}))
            for n in range(12)
        )
        self.assertEqual(
            (await registry.fetch("a")).properties, {str(n): str(n) for n in range(12)}
        )

    async def test_illegal_moves(self) -> None:
        """A move that is not in the table is the program's mistake, and is not made."""
        registry = await self.registry_with(Image(image_id="a"))
        await self.assert_raises(
            ValueError, registry.update("a", move(Status.DEACTIVATED), {Status.QUEUED})
        )
        self.assertIs((await registry.fetch("a")).status, Status.QUEUED)

    async def test_properties_are_added(self) -> None:
        """Without purging the old properties stay, unless they are named."""
        registry = await self.registry_with(
            Image(image_id="a", properties={"old": "1", "both": "2", "null": None})
        )
        updated = await registry.update(
            "a", Change(properties={"both": None, "new": "3", "null": "4"}), {Status.QUEUED}
        )
        self.assertEqual(updated.properties, {"old": "1", "both": None, "new": "3", "null": "4"})
        self.assertEqual(
            await registry.update("a", Change(), {Status.QUEUED}), await registry.fetch("a")
        )
        self.assertEqual((await registry.fetch("a")).properties, updated.properties)

    async def test_properties_are_replaced(self) -> None:
        """Purging leaves only the new properties, also when there are none."""
        registry = await self.registry_with(Image(image_id="a", properties={"old": "1"}))
        for properties in ({"new": None}, {}):
            change = Change(properties=properties, purge=True)
            updated = await registry.update("a", change, {Status.QUEUED})
            self.assertEqual(updated.properties, properties)
            self.assertEqual((await registry.fetch("a")).properties, properties)

    async def test_deleted_at(self) -> None:
        """It is set when an image goes, kept while it is gone, and cleared when it comes back."""
        registry = await self.registry_with(Image(image_id="a", status=Status.ACTIVE))
        gone = await registry.update("a", move(Status.PENDING_DELETE), {Status.ACTIVE})
        self.assertEqual(gone.deleted_at, gone.updated_at)
        still = await registry.update("a", move(Status.PENDING_DELETE), {Status.PENDING_DELETE})
        self.assertEqual(still.deleted_at, gone.deleted_at)
        back = await registry.update("a", move(Status.ACTIVE), {Status.PENDING_DELETE})
        self.assertIsNone(back.deleted_at)
        gone = await registry.update("a", move(Status.DELETED), {Status.ACTIVE})
        self.assertEqual(gone.deleted_at, gone.updated_at)
        touched = await registry.update("a", Change(), {Status.DELETED})
        self.assertEqual(touched.deleted_at, gone.deleted_at)
        self.assertEqual(await registry.fetch("a"), touched)

    # -- leases

    async def test_a_new_image_has_no_lease(self) -> None:
        """Nothing is overdue of which nobody said that somebody answers for it."""
        registry = await self.registry_with(Image(image_id="a", status=Status.SAVING))
        await registry.update("a", Change(), {Status.SAVING})
        self.assertEqual(await registry.take_overdue(60, 10), [])

    async def test_a_lease_runs_out(self) -> None:
        """An image is handed on once its lease is over, and then not again."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        saving = await registry.update("a", move(Status.SAVING, lease=OVERDUE), {Status.QUEUED})
        await registry.update("b", move(Status.SAVING, lease=60), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [saving])
        self.assertEqual(await registry.take_overdue(60, 10), [])
        self.assertEqual(await registry.fetch("a"), saving)

    async def test_a_lease_is_kept(self) -> None:
        """An update that does not speak of the lease leaves it."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        updated = await registry.update("a", Change(values={"name": "n"}), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [updated])

    async def test_a_lease_ends(self) -> None:
        """An update can say that nobody needs to answer any more."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        await registry.update("a", Change(lease=None), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 10), [])

    async def test_renew(self) -> None:
        """A renewed lease counts from now, and no time of the record changes."""
        registry = await self.registry_with(Image(image_id="a"))
        before = await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        await registry.renew("a", Status.QUEUED, 60)
        self.assertEqual(await registry.take_overdue(60, 10), [])
        await registry.renew("a", Status.QUEUED, OVERDUE)
        self.assertEqual(await registry.take_overdue(60, 10), [before])

    async def test_renew_expects_a_state(self) -> None:
        """Who has lost the image cannot renew its lease."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.update("a", Change(lease=OVERDUE), {Status.QUEUED})
        error = await self.assert_raises(StatusConflict, registry.renew("a", Status.SAVING, 60))
        self.assertIs(error.found, Status.QUEUED)
        self.assertEqual(len(await registry.take_overdue(60, 10)), 1)

    async def test_oldest_leases_first(self) -> None:
        """A limited taker gets those that have been overdue for the longest time."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "abcd"))
        for name, ago in ("a", 300.0), ("b", 4000.0), ("c", 20.0), ("d", 100000.5):
            await registry.update(name, Change(lease=-ago), {Status.QUEUED})
        self.assertEqual(await registry.take_overdue(60, 0), [])
        for expected in (["d", "b", "a"], ["c"], []):
            taken = await registry.take_overdue(60, 3)
            self.assertEqual([image.image_id for image in taken], expected)

    async def test_racing_takers(self) -> None:
        """Takers that race never get the same image, and together get all of them."""
        registry = await self.registry_with(*(Image(image_id=str(n)) for n in range(12)))
        for n in range(12):
            await registry.update(str(n), Change(lease=OVERDUE), {Status.QUEUED})
        batches = await gatherResults(as_deferred(registry.take_overdue(60, 3)) for _ in range(6))
        batches.append(await registry.take_overdue(60, 12))
        taken = [image.image_id for batch in batches for image in batch]
        self.assertEqual(sorted(taken), sorted(str(n) for n in range(12)))

    # -- select

    async def test_an_empty_registry(self) -> None:
        """There is nothing to list."""
        registry = await self.make_registry()
        self.assertEqual(await registry.select(ImageQuery(everything=True, limit=10)), [])

    async def test_newest_first(self) -> None:
        """Listings begin with the newest, as whole records, and end at the limit."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "bdac"))
        for limit, names in (4, "cadb"), (9, "cadb"), (2, "ca"), (0, ""):
            images = await registry.select(ImageQuery(everything=True, limit=limit))
            self.assertEqual("".join(image.image_id for image in images), names)
            for image in images:
                self.assertEqual(image, await registry.fetch(image.image_id))

    async def test_who_sees_what(self) -> None:
        """Listings show public images and one's own, or all, and of these the public or others."""
        registry = await self.registry_with(
            *(
                Image(image_id=f"{owner} {visibility.value}", owner=owner, visibility=visibility)
                for owner in ("me", "you", None)
                for visibility in Visibility
            )
        )
        public = {"me public", "you public", "None public"}
        mine = {f"me {visibility.value}" for visibility in Visibility}
        everything = {image.image_id for image in await self._listed(registry, everything=True)}
        self.assertEqual(len(everything), 12)
        for expected, query in (
            (public, {}),
            (public, {"public": True}),
            (set(), {"public": False}),
            (public | mine, {"owner": "me"}),
            (public, {"owner": "me", "public": True}),
            (mine - public, {"owner": "me", "public": False}),
            (public, {"owner": "somebody"}),
            (everything, {"everything": True, "owner": "me"}),
            (public, {"everything": True, "public": True}),
            (everything - public, {"everything": True, "public": False}),
        ):
            images = await self._listed(registry, **query)
            self.assertEqual({image.image_id for image in images}, expected, query)
            self.assertEqual(len(images), len(expected), query)
            order = [(image.created_at, image.image_id) for image in images]
            self.assertEqual(order, sorted(order, reverse=True), query)
            paged = await self._paged(registry, **query)
            self.assertEqual(paged, [image.image_id for image in images], query)

    async def test_dead_images_are_not_listed(self) -> None:
        """Killed and deleted images are in no listing; those in any other state are."""
        registry = await self.registry_with(
            *(
                Image(image_id=status.value, status=status, owner="me", visibility=visibility)
                for status, visibility in zip(Status, [*Visibility, *Visibility], strict=False)
            )
        )
        for query in {"everything": True}, {"owner": "me"}:
            images = await self._listed(registry, **query)
            self.assertEqual(
                {image.status for image in images},
                {Status.QUEUED, Status.SAVING, Status.ACTIVE, Status.DEACTIVATED},
            )

    async def test_a_marker_need_not_be_listed(self) -> None:
        """A page can begin after an image that is not in the listing itself."""
        registry = await self.registry_with(*(Image(image_id=name) for name in "abc"))
        killed = await registry.update("b", move(Status.KILLED), {Status.QUEUED})
        images = await self._listed(registry, everything=True, after=killed)
        self.assertEqual([image.image_id for image in images], ["a"])

    async def test_paging_while_others_insert(self) -> None:
        """Pages show each old image exactly once, whatever is inserted or changed meanwhile."""
        registry = await self.registry_with(*(Image(image_id=str(uuid4())) for _ in range(20)))
        old = [image.image_id for image in await self._listed(registry, everything=True)]

        async def disturb() -> None:
            await registry.insert(Image(image_id=str(uuid4())))
            await registry.update(old[-1], Change(), {Status.QUEUED})

        self.assertEqual(await self._paged(registry, disturb, everything=True), old)

    # -- cancellation

    async def test_cancelling(self) -> None:
        """Whatever is cancelled is made entirely or not at all, and nobody else suffers."""
        registry = await self.registry_with(*(Image(image_id=str(n)) for n in range(20)))
        for n in range(20):
            change = move(Status.SAVING, name="x")
            work = as_deferred(registry.update(str(n), change, {Status.QUEUED}))
            work.cancel()
            try:
                await work
            except CancelledError:
                pass
        images = await self._listed(registry, everything=True)
        for image in images:
            self.assertIn((image.status, image.name), {(Status.QUEUED, None), (Status.SAVING, "x")})
        self.assertEqual(len(images), 20)
        await registry.insert(Image(image_id="after"))

    async def _listed(self, registry: IRegistry, **query: Any) -> list[Image]:
        return await registry.select(ImageQuery(**query, limit=100))

    async def _paged(
        self,
        registry: IRegistry,
        between: Callable[[], Awaitable[None]] | None = None,
        **query: Any,
    ) -> list[str]:
        """The ids of a listing in pages of three."""
        image_ids: list[str] = []
        after = None
        while page := await registry.select(ImageQuery(**query, after=after, limit=3)):
            image_ids += [image.image_id for image in page]
            after = page[-1]
            if between is not None:
                await between()
        return image_ids
