"""The part of the registry contract about what a listing can be narrowed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from glancetx.change import Change, move
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.query import Filters
from glancetx.testing.registry_case import RegistryCase

AGES_AGO = datetime(1900, 1, 1, tzinfo=UTC)

#: Each differs from every other one in whatever can be asked for.
PLAIN = Image(image_id="plain", owner="me")
SMALL = Image(
    image_id="small",
    owner="me",
    status=Status.ACTIVE,
    name="one",
    disk_format="raw",
    container_format="bare",
    size=5,
    min_ram=512,
    min_disk=1,
    properties={"os": "plan 9", "arch": "i386", "null": None, "empty": ""},
)
LARGE = Image(
    image_id="large",
    owner="me",
    status=Status.DEACTIVATED,
    name="One",
    disk_format="qcow2",
    container_format="ovf",
    size=2**63 - 1,
    min_ram=2**31 - 1,
    min_disk=2**31 - 1,
    protected=True,
    properties={"os": "plan 9", "arch": "mips", "Größe %s '\"": "ü 💾 \\"},
)


class FilterContract(RegistryCase):
    """A listing shows what is asked for, and nothing else."""

    async def test_filters(self) -> None:
        """An image must have exactly the values that are asked for, and all of them."""
        registry = await self.registry_with(PLAIN, SMALL, LARGE)
        for names, filters in (
            ("plain small large", Filters()),
            ("small", Filters(equal={"name": "one"})),
            ("", Filters(equal={"name": "on"})),
            ("", Filters(equal={"name": ""})),
            ("", Filters(equal={"name": "%"})),
            ("small", Filters(equal={"status": "active"})),
            ("", Filters(equal={"status": "no such state"})),
            ("large", Filters(equal={"disk_format": "qcow2"})),
            ("large", Filters(equal={"container_format": "ovf"})),
            ("small", Filters(equal={"min_ram": 512})),
            ("", Filters(equal={"min_ram": 511})),
            ("large", Filters(equal={"min_disk": 2**31 - 1})),
            ("plain small", Filters(equal={"protected": False})),
            ("large", Filters(equal={"protected": True})),
            ("small large", Filters(size_min=5)),
            ("plain small", Filters(size_max=5)),
            ("small", Filters(size_min=5, size_max=5)),
            ("", Filters(size_min=6, size_max=5)),
            ("small large", Filters(properties={"os": "plan 9"})),
            ("small", Filters(properties={"os": "plan 9", "arch": "i386"})),
            ("", Filters(properties={"OS": "plan 9"})),
            ("", Filters(properties={"null": ""})),
            ("small", Filters(properties={"empty": ""})),
            ("large", Filters(properties={"Größe %s '\"": "ü 💾 \\"})),
            ("small", Filters(equal={"name": "one", "status": "active"}, size_max=9)),
            ("", Filters(equal={"name": "one", "status": "deactivated"})),
            ("", Filters(equal={"name": "one"}, properties={"arch": "mips"})),
        ):
            await self._assert_listed(registry, names, filters)

    async def test_filters_beyond_bounds(self) -> None:
        """What no record can hold is in none; a bound beyond them all holds them all."""
        registry = await self.registry_with(PLAIN, SMALL, LARGE)
        for names, filters in (
            ("", Filters(equal={"name": "o\0"})),
            ("", Filters(equal={"disk_format": "\udc80"})),
            ("", Filters(properties={"os": "\0"})),
            ("", Filters(properties={"\ud800": "x"})),
            ("", Filters(equal={"min_ram": 2**31})),
            ("", Filters(equal={"min_disk": -1})),
            ("", Filters(equal={"min_disk": 10**40})),
            ("", Filters(size_min=2**63)),
            ("large", Filters(size_min=2**63 - 1, size_max=10**40)),
            ("", Filters(size_max=-1)),
            ("plain small large", Filters(size_min=-(10**40))),
        ):
            await self._assert_listed(registry, names, filters)

    async def test_changes(self) -> None:
        """Changes are what changed strictly later, dead images among them."""
        registry = await self.registry_with(
            PLAIN,
            SMALL,
            *(Image(image_id=f"to {n}", owner="me", properties={"os": "x"}) for n in range(3)),
        )
        small = await registry.update("small", Change(), {Status.ACTIVE})
        await registry.update("to 0", move(Status.KILLED), {Status.QUEUED})
        await registry.update("to 1", move(Status.DELETED), {Status.QUEUED})
        since = small.updated_at
        later = timezone(timedelta(hours=5, minutes=30))
        for names, filters in (
            ("plain,small,to 2", Filters()),
            ("plain,small,to 0,to 1,to 2", Filters(changes_since=AGES_AGO)),
            ("to 0,to 1", Filters(changes_since=since)),
            ("to 0,to 1", Filters(changes_since=since.astimezone(later))),
            ("small,to 0,to 1", Filters(changes_since=since - timedelta(microseconds=1))),
            ("", Filters(changes_since=datetime.max.replace(tzinfo=UTC))),
            ("", Filters(equal={"status": "deleted"})),
            ("", Filters(equal={"status": "killed"})),
            ("to 1", Filters(changes_since=AGES_AGO, equal={"status": "deleted"})),
            ("to 0,to 2", Filters(changes_since=AGES_AGO, properties={"os": "x"})),
        ):
            await self._assert_listed(registry, names, filters, separator=",")

    async def _assert_listed(
        self, registry: IRegistry, names: str, filters: Filters, separator: str = " "
    ) -> None:
        """These are listed, whoever lists them."""
        expected = sorted(filter(None, names.split(separator)))
        for form in ({"everything": True}, {"owner": "me"}, {"owner": "me", "public": False}):
            query: dict[str, Any] = {**form, "filters": filters}
            self.assertEqual(sorted(await self.listed_ids(registry, **query)), expected, query)
