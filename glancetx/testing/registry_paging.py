"""The part of the registry contract about pages of what is changing, with generated data."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from glancetx.change import Change, move
from glancetx.image import Image, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.query import SORT_KEYS, Filters, ImageQuery, Order
from glancetx.testing.registry_case import RegistryCase
from glancetx.testing.registry_filters import AGES_AGO

#: How many stories are drawn; each begins where the others ended.
STORIES = 40

_NAMES = st.sampled_from([None, "", "a", "b"])
_SIZES = st.integers(0, 3)
_ATTRIBUTES = st.fixed_dictionaries(
    {
        "name": _NAMES,
        "size": _SIZES,
        "disk_format": st.sampled_from([None, "raw", "iso"]),
        "protected": st.booleans(),
        "visibility": st.sampled_from(Visibility),
        "owner": st.sampled_from(["me", "you"]),
        "status": st.sampled_from([Status.QUEUED, Status.SAVING, Status.ACTIVE]),
        "properties": st.sampled_from([{}, {"os": "x"}, {"os": "y"}]),
    }
)
_EQUAL = {"name": "a", "disk_format": "raw", "protected": False, "status": "active"}
_FILTERS = st.builds(
    Filters,
    equal=st.sampled_from([{}, {}, *({name: value} for name, value in _EQUAL.items())]),
    size_max=st.sampled_from([None, None, 2]),
    properties=st.sampled_from([{}, {}, {}, {"os": "x"}]),
    changes_since=st.sampled_from([None, AGES_AGO]),
)
_FORMS = st.sampled_from(
    [{"everything": True}, {"everything": True, "public": False}]
    + [{"owner": "me"}, {"owner": "me"}, {"owner": "me", "public": False}]
)
_EVENTS = st.sampled_from(["insert", "rename", "resize", "touch", "delete", "share", "unshare"])


@frozen
class Story:
    """What there is, what is asked, and what others do after each page: an event to each image."""

    images: list[dict[str, Any]]
    events: list[tuple[str, int, dict[str, Any]]]
    query: dict[str, Any]
    limit: int


_PLAIN: dict[str, Any] = {
    "name": "a",
    "size": 0,
    "disk_format": None,
    "protected": False,
    "visibility": Visibility.PRIVATE,
    "owner": "me",
    "status": Status.ACTIVE,
    "properties": {"os": "x"},
}

#: What has to be told, whatever else is drawn.
KNOWN = [
    # Nothing happens.
    Story([_PLAIN] * 4, [], {"everything": True, "filters": Filters(), "order": Order()}, limit=2),
    # The image that ended a page moves behind all others.
    Story(
        [_PLAIN, *[{**_PLAIN, "name": "b"}] * 3],
        [("rename", 0, {**_PLAIN, "name": "c"})],
        {"everything": True, "filters": Filters(), "order": Order("name", ascending=True)},
        limit=1,
    ),
    # Those of the stories before are deleted, and have no properties any more.
    Story(
        [_PLAIN] * 4,
        [],
        {
            "everything": True,
            "filters": Filters(properties={"os": "x"}, changes_since=AGES_AGO),
            "order": Order(),
        },
        limit=2,
    ),
]


def stories() -> list[Story]:
    """Those that are known, and others; Hypothesis draws them by what modules there are, too."""
    told = list(KNOWN)

    @settings(
        max_examples=STORIES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        # A busy machine says nothing about a registry.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        st.lists(_ATTRIBUTES, min_size=4, max_size=10),
        st.lists(st.tuples(_EVENTS, st.integers(0, 99), _ATTRIBUTES), max_size=8),
        _FORMS,
        _FILTERS,
        st.builds(Order, st.sampled_from(sorted(SORT_KEYS)), st.booleans()),
        st.integers(1, 4),
    )
    def tell(
        images: Any, events: Any, form: dict[str, Any], filters: Filters, order: Order, limit: int
    ) -> None:
        query = {**form, "filters": filters, "order": order}
        told.append(Story(images, events, query, limit))

    tell()
    return told


class PagingContract(RegistryCase):
    """Pages hold together while everything else moves."""

    async def test_pages_while_others_change(self) -> None:
        """Whatever the order and the filters: what stays is on exactly one page."""
        registry = await self.make_registry()
        seen = 0
        for number, story in enumerate(stories()):
            ids = [f"{number}-{n}" for n in range(len(story.images))]
            for image_id, attributes in zip(ids, story.images, strict=True):
                await registry.insert(Image(image_id=image_id, **attributes))
                await registry.share(image_id, "me")
            seen += await self._check(registry, story, ids, number)
            for image_id in ids:
                await self._delete(registry, image_id)
        self.assertGreater(seen, STORIES)

    async def _check(self, registry: IRegistry, story: Story, ids: list[str], number: int) -> int:
        """Read page by page; the number of images that stayed where they were."""
        whole = await registry.select(ImageQuery(**story.query, limit=10_000))
        self._assert_in_order(whole, story)
        touched: set[str] = set()
        paged: Counter[str] = Counter()
        events, after = list(story.events), None
        while page := await registry.select(
            ImageQuery(**story.query, after=after, limit=story.limit)
        ):
            self._assert_in_order(page, story)
            paged.update(image.image_id for image in page)
            after = page[-1]
            for event in events[:2]:
                touched.add(await self._happen(registry, event, ids, number))
            del events[:2]
        stayed = [image.image_id for image in whole if image.image_id not in touched]
        self.assertEqual([paged[each] for each in stayed], [1] * len(stayed), story)
        strangers = paged.keys() - {image.image_id for image in whole} - touched
        self.assertEqual(strangers, set(), story)
        return len(stayed)

    def _assert_in_order(self, images: list[Image], story: Story) -> None:
        order = story.query["order"]
        places = [order.place(image) for image in images]
        self.assertEqual(places, sorted(places, reverse=not order.ascending), story)
        for image in images:
            self.assertTrue(story.query["filters"].fit(image), story)

    async def _happen(
        self, registry: IRegistry, event: tuple[str, int, dict[str, Any]], ids: list[str], n: int
    ) -> str:
        """Let something happen to an image, and tell its id."""
        what, which, attributes = event
        image_id = ids[which % len(ids)]
        if what == "insert":
            image_id = f"{n}-new-{len(ids)}"
            ids.append(image_id)
            await registry.insert(Image(image_id=image_id, **attributes))
            return image_id
        status = (await registry.fetch(image_id)).status
        if what == "delete":
            await self._delete(registry, image_id)
        elif what == "rename":
            change = Change(values={"name": attributes["name"]})
            await registry.update(image_id, change, {status})
        elif what == "resize":
            change = Change(values={"size": attributes["size"]})
            await registry.update(image_id, change, {status})
        elif what == "touch":
            await registry.update(image_id, Change(), {status})
        elif not status.is_gone:
            is_member = await registry.membership(image_id, "me") is not None
            if is_member:
                await registry.unshare(image_id, "me")
            else:
                await registry.share(image_id, "me")
        return image_id

    async def _delete(self, registry: IRegistry, image_id: str) -> None:
        status = (await registry.fetch(image_id)).status
        if not status.is_gone:
            await registry.update(image_id, move(Status.DELETED), {status})
