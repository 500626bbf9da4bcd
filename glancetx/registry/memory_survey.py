"""All images of a registry in memory, and its chores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from glancetx.image import Image, Status
from glancetx.survey import Surveyed, SurveyQuery, Total


class _IsLeased(Protocol):
    @property
    def image(self) -> Image: ...

    @property
    def lease_until(self) -> float | None: ...


class SurveyInMemory:
    """The methods of `glancetx.interfaces.ISurveyedRegistry`."""

    _clock: IReactorTime
    _records: Mapping[str, _IsLeased]

    def __init__(self) -> None:
        super().__init__()
        #: When somebody was last at a chore, in the clock's seconds.
        self._tended: dict[str, float] = {}

    async def survey(self, query: SurveyQuery) -> list[Surveyed]:
        everything = (self._surveyed(self._records[each]) for each in sorted(self._records))
        return [each for each in everything if query.covers(each)][: query.limit]

    async def survey_of(self, image_ids: Collection[str]) -> list[Surveyed]:
        found = (self._records[each] for each in set(image_ids) if each in self._records)
        return [self._surveyed(record) for record in found]

    async def totals(self) -> list[Total]:
        images = [record.image for record in self._records.values()]
        found = []
        for status in Status:
            those = [image for image in images if image.status is status]
            if those:
                size = sum(image.counted - image.reserved for image in those)
                found.append(Total(status, len(those), size))
        return found

    async def begin_chore(self, name: str, interval: float) -> bool:
        now = self._clock.seconds()
        if self._tended.get(name, now - interval) > now - interval:
            return False
        self._tended[name] = now
        return True

    async def go_on_with_chore(self, name: str) -> None:
        self._tended[name] = self._clock.seconds()

    def _surveyed(self, record: _IsLeased) -> Surveyed:
        until = record.lease_until
        return Surveyed(record.image, None if until is None else until - self._clock.seconds())
