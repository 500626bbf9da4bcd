"""What registries promise to those who look after the whole of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve
from twisted.internet.defer import gatherResults
from zope.interface.verify import verifyObject

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.image import Image, Location, Status
from glancetx.interfaces import IRegistry, ISurveyedRegistry
from glancetx.survey import SurveyQuery, Total
from glancetx.testing.registry_case import FULL, OVERDUE, RegistryCase

if TYPE_CHECKING:
    _Base = RegistryCase
else:
    _Base = object

#: Ids in their order, which is that of code points.
IDS = ("A", "B", "a", "b", "ä")

PLACE = Location("file", "k")


class SurveyContract(_Base):
    """
    See `glancetx.interfaces.ISurveyedRegistry`.

    Registries that do not provide it have nothing to prove here.
    """

    async def surveyed(self, *images: Image) -> tuple[IRegistry, ISurveyedRegistry] | None:
        """A registry that was given these, if it can be surveyed; as both that it is."""
        registry = await self.registry_with(*images)
        if not ISurveyedRegistry.providedBy(registry):
            return None
        return registry, ISurveyedRegistry(registry)

    async def ids(self, registry: ISurveyedRegistry, **query: object) -> list[str]:
        """The ids that a survey tells, in its order."""
        page = await registry.survey(SurveyQuery(**query))  # type: ignore[arg-type]
        return [each.image.image_id for each in page]

    async def test_survey_interface(self) -> None:
        """It provides all of ISurveyedRegistry, or nothing of it."""
        if both := await self.surveyed():
            verifyObject(ISurveyedRegistry, both[1])

    async def test_survey_of_everything(self) -> None:
        """Images come page by page, by code points of their ids, in whatever state they are."""
        states = zip(IDS, Status, strict=False)
        images = [Image(image_id=each, status=status) for each, status in states]
        if both := await self.surveyed(*reversed(images)):
            _, registry = both
            self.assertEqual(await self.ids(registry), list(IDS))
            self.assertEqual(await self.ids(registry, limit=2), ["A", "B"])
            self.assertEqual(await self.ids(registry, limit=2, after="B"), ["a", "b"])
            self.assertEqual(await self.ids(registry, after="ä"), [])

    async def test_survey_by_filters(self) -> None:
        """States, owner, name, and the store of any location narrow it."""
        images = [
            FULL,
            Image(image_id="1", owner="o", name="n", status=Status.ACTIVE, locations=(PLACE,)),
            Image(image_id="2", owner="o", status=Status.DELETED),
            Image(image_id="3", name="n"),
        ]
        if both := await self.surveyed(*images):
            _, registry = both
            for query, ids in (
                ({"states": [Status.ACTIVE, Status.DELETED]}, ["1", "2"]),
                ({"states": []}, []),
                ({"owner": "o"}, ["1", "2"]),
                ({"name": "n"}, ["1", "3"]),
                ({"owner": "o", "name": "n"}, ["1"]),
                ({"store": "file"}, ["1", FULL.image_id]),
                ({"store": "http"}, [FULL.image_id]),
                ({"store": "k"}, []),
                ({"owner": "\0"}, []),
            ):
                self.assertEqual(await self.ids(registry, **query), ids, query)

    async def test_survey_by_time(self) -> None:
        """The beginning of a span belongs to it, its end does not."""
        if both := await self.surveyed(Image(image_id="1"), Image(image_id="2")):
            registry, surveyed = both
            moment = (await registry.fetch("2")).updated_at
            self.assertEqual(await self.ids(surveyed, changed_since=moment), ["2"])
            self.assertEqual(await self.ids(surveyed, changed_before=moment), ["1"])

    async def test_survey_of_leases(self) -> None:
        """An image comes with what is left of its lease: less than nothing when it ran out."""
        if both := await self.surveyed(Image(image_id="free")):
            registry, surveyed = both
            await registry.insert(Image(image_id="held"), lease=1000)
            await registry.insert(Image(image_id="late"), lease=OVERDUE)
            held, late = await surveyed.survey(SurveyQuery(is_leased=True))
            self.assertEqual((held.image.image_id, late.image.image_id), ("held", "late"))
            self.assertTrue(900 < (held.lease_left or 0) <= 1000, held.lease_left)
            self.assertLess(late.lease_left or 0, 0)
            await registry.update("held", Change(lease=None), {Status.QUEUED})
            (free,) = await surveyed.survey_of(["held"])
            self.assertIsNone(free.lease_left)

    async def test_survey_of_some(self) -> None:
        """Those that were asked for, once each, if there ever were such images."""
        gone = Image(image_id="gone", status=Status.DELETED)
        if both := await self.surveyed(FULL, gone):
            _, registry = both
            for ids in ["gone", FULL.image_id], ["gone", "never", FULL.image_id, "gone", "\0"]:
                found = await registry.survey_of(ids)
                self.assertEqual(
                    sorted(each.image.image_id for each in found), sorted(ids[:1] + [FULL.image_id])
                )
            self.assertEqual(await registry.survey_of([]), [])
            (full,) = await registry.survey_of([FULL.image_id])
            self.assertEqual(full.image.locations, FULL.locations)

    async def test_totals(self) -> None:
        """Images are counted by state, and bytes once for each place they lie in."""
        active = Image(image_id="1", status=Status.ACTIVE, size=5, locations=(PLACE, PLACE))
        images = [
            active,
            evolve(active, image_id="2", size=7, locations=(PLACE,)),
            Image(image_id="3", size=100),
            Image(image_id="4", status=Status.KILLED, size=100),
        ]
        if both := await self.surveyed(*images):
            found = {each.status: each for each in await both[1].totals()}
            self.assertEqual(found.pop(Status.ACTIVE), Total(Status.ACTIVE, 2, 17))
            self.assertEqual(found.pop(Status.QUEUED), Total(Status.QUEUED, 1, 0))
            self.assertEqual(found.pop(Status.KILLED), Total(Status.KILLED, 1, 0))
            self.assertEqual(found, {})

    async def test_totals_of_the_largest(self) -> None:
        """No sum is too large."""
        largest = [evolve(FULL, image_id=each) for each in IDS]
        if both := await self.surveyed(*largest):
            (total,) = await both[1].totals()
            self.assertEqual(total.size, 2 * len(IDS) * FULL.size)

    async def test_chores(self) -> None:
        """A chore is begun by one of those who ask, and again when its interval is over."""
        if both := await self.surveyed():
            _, registry = both
            asked = [as_deferred(registry.begin_chore("sweep", 1000)) for _ in range(5)]
            self.assertEqual(sorted(await gatherResults(asked)), [False] * 4 + [True])
            self.assertTrue(await registry.begin_chore("wash", 1000))
            self.assertTrue(await registry.begin_chore("sweep", 0))
            self.assertFalse(await registry.begin_chore("sweep", 1000))
            await registry.go_on_with_chore("sweep")
            self.assertFalse(await registry.begin_chore("sweep", 1000))
            await registry.go_on_with_chore("unheard of")

    async def test_survey_shows_states_as_they_are(self) -> None:
        """It sees a change at once."""
        if both := await self.surveyed(Image(image_id="1")):
            registry, surveyed = both
            await registry.update("1", move(Status.SAVING, lease=10), {Status.QUEUED})
            self.assertEqual(await self.ids(surveyed, states=[Status.SAVING]), ["1"])
