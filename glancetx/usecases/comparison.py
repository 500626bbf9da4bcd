"""
What stores hold is compared with what records tell.

Removed is only what a record says is dead, for a dead image never comes to life again.
Bytes of which there is no record may be those of another installation, or of this one after its
registry was restored from a backup, so they are told of, and left alone unless an operator says
otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from glancetx.clocks import time_of_day
from glancetx.holding import Holding
from glancetx.image import Image, Location, Status, is_image_id
from glancetx.interfaces import IListedStore, ISurveyedRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.survey import Surveyed, SurveyQuery
from glancetx.usecases.pace import Pace

#: So many things are asked of the registry at once.
PAGE = 200

#: The states in which an image has bytes that can be read.
READABLE = frozenset({Status.ACTIVE, Status.DEACTIVATED})

#: The states in which bytes may yet come.
_COMING = frozenset({Status.QUEUED, Status.SAVING})

#: The states that are left for no other in which there are bytes.
_DEAD = frozenset({Status.KILLED, Status.DELETED})


class Verdict(Enum):
    """What is thought of something in a store, or of something that should be there."""

    #: A record tells of it.
    OWNED = "owned"
    #: An upload or a deletion of the image is under way, or may begin.
    BUSY = "busy"
    #: Too young for anything to be said of it.
    YOUNG = "young"
    #: Its image is dead, or was never made of it.
    ORPHAN = "orphan"
    #: There never was a record of such an image here.
    UNKNOWN = "unknown"
    #: A whole image that lives, and whose record does not tell of this place.
    SURPLUS = "surplus"
    #: Not named as images are.
    STRANGE = "strange"
    #: A record tells of bytes that are not there.
    MISSING = "missing"
    #: There are more or fewer bytes than the record tells.
    OTHER_SIZE = "other size"


@frozen(kw_only=True)
class Finding:
    """
    Something that was compared.

    ``size`` is the bytes that are there; ``expected`` those that the record tells of.
    ``trouble`` is why it could not be removed, which would have been right.
    """

    verdict: Verdict
    store: str
    image_id: str | None
    size: int = 0
    expected: int | None = None
    holding: Holding | None = None
    trouble: str | None = None


def judge(
    store: str, holding: Holding, surveyed: Surveyed | None, age: float, safe: float
) -> Verdict:
    """
    The verdict on what a store holds.

    ``age`` is for how many seconds nothing has come for it, ``safe`` how many make it old enough.
    """
    if holding.image_id is None or not is_image_id(holding.image_id):
        return Verdict.STRANGE
    if surveyed is None:
        return Verdict.UNKNOWN if age >= safe else Verdict.YOUNG
    image = surveyed.image
    if holding.is_finished and Location(store, holding.key) in image.locations:
        return Verdict.OWNED
    if surveyed.lease_left is not None or image.status in _COMING:
        return Verdict.BUSY
    if age < safe:
        return Verdict.YOUNG
    # Two stores may be one place under two names, so a whole image that lives is left alone
    # wherever it is.
    if holding.is_finished and (image.status not in _DEAD or image.locations):
        return Verdict.SURPLUS
    return Verdict.ORPHAN


class Comparison:
    """
    Compares the stores that can be listed with the registry; only reads.

    ``safe_age`` is how many seconds make bytes old enough to be called orphans.
    """

    def __init__(
        self, clock: IReactorTime, registry: ISurveyedRegistry, safe_age: float, pace: Pace
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._safe_age = safe_age
        self._pace = pace

    async def held(self, shelved: ShelvedStore) -> AsyncGenerator[Finding, None]:
        """
        All that the store holds, each with a verdict.

        :raises StoreError: when the store cannot be listed.
        :raises RegistryUnavailable: when the registry cannot be reached.
        """
        page: list[Holding] = []
        async with aclosing(IListedStore(shelved.store).listing()) as listing:
            async for holding in listing:
                page.append(holding)
                if len(page) == PAGE:
                    for finding in await self._judged(shelved, page):
                        yield finding
                    page = []
        for finding in await self._judged(shelved, page):
            yield finding

    async def judged(self, shelved: ShelvedStore, holding: Holding) -> Finding:
        """The verdict on something right now."""
        (finding,) = await self._judged(shelved, [holding])
        return finding

    async def recorded(self, shelved: ShelvedStore) -> AsyncGenerator[Finding, None]:
        """
        What records tell to be in the store, as far as something is wrong with it.

        :raises StoreError: when the store cannot be reached.
        :raises RegistryUnavailable: when the registry cannot be reached.
        """
        after = ""
        while True:
            page = await self._registry.survey(
                SurveyQuery(states=READABLE, store=shelved.name, after=after, limit=PAGE)
            )
            for image in (surveyed.image for surveyed in page):
                for location in image.locations:
                    if location.store == shelved.name:
                        finding = await self._look(shelved, image, location)
                        if finding is not None:
                            yield finding
            if len(page) < PAGE:
                return
            after = page[-1].image.image_id

    async def _judged(self, shelved: ShelvedStore, page: list[Holding]) -> list[Finding]:
        ids = {each.image_id for each in page if each.image_id is not None}
        known = {
            surveyed.image.image_id: surveyed
            for surveyed in (await self._registry.survey_of(ids) if ids else [])
        }
        await self._pace.spend(len(page))
        return [self._finding(shelved.name, each, known.get(each.image_id or "")) for each in page]

    def _finding(self, store: str, holding: Holding, surveyed: Surveyed | None) -> Finding:
        age = time_of_day(self._clock) - holding.changed_at.timestamp()
        verdict = judge(store, holding, surveyed, age, self._safe_age)
        return Finding(
            verdict=verdict,
            store=store,
            image_id=None if verdict is Verdict.STRANGE else holding.image_id,
            size=holding.size,
            holding=holding,
        )

    async def _look(
        self, shelved: ShelvedStore, image: Image, location: Location
    ) -> Finding | None:
        await self._pace.spend(1)
        holding = await IListedStore(shelved.store).look_up(location.key)
        if holding is not None and holding.size == image.size:
            return None
        if not await self._is_still_told(image.image_id, location):
            return None
        return Finding(
            verdict=Verdict.MISSING if holding is None else Verdict.OTHER_SIZE,
            store=shelved.name,
            image_id=image.image_id,
            size=0 if holding is None else holding.size,
            expected=image.size,
        )

    async def _is_still_told(self, image_id: str, location: Location) -> bool:
        """Whether the record, which may have changed since, still tells of these bytes."""
        return any(
            each.image.status in READABLE and location in each.image.locations
            for each in await self._registry.survey_of([image_id])
        )


def listed(shelf: Shelf) -> list[ShelvedStore]:
    """The stores that can be compared."""
    return [shelved for shelved in shelf if IListedStore.providedBy(shelved.store)]
