"""One of all daemons compares stores and records now and then."""

from __future__ import annotations

from contextlib import aclosing

from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from glancetx.errors import GlanceError
from glancetx.interfaces import ISurveyedRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.usecases.comparison import Comparison, Verdict, listed
from glancetx.usecases.orphans import Orphans, Summary
from glancetx.usecases.rounds import Rounds

#: What daemons take turns in.
CHORE = "comparison"

#: Seconds between two looks whether a round is due.
LOOK_EVERY = 300.0

#: After so many seconds of a round the others are told that it goes on.
TELL_EVERY = 60.0


class Comparing(Rounds):
    """
    Compares every ``interval`` seconds, and removes orphans, if no other daemon does.

    A round that is under way is broken off when this stops, and begun anew an interval later.
    """

    postponed = "stores and records are compared another time"
    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        registry: ISurveyedRegistry,
        shelf: Shelf,
        comparison: Comparison,
        orphans: Orphans,
        interval: float,
    ) -> None:
        # Whoever has just started has better things to do.
        super().__init__(clock, min(interval, LOOK_EVERY), later=True)
        self._registry = registry
        self._shelf = shelf
        self._comparison = comparison
        self._orphans = orphans
        self._interval = interval

    async def one_round(self) -> None:
        if not await self._registry.begin_chore(CHORE, self._interval):
            return
        telling = LoopingCall(lambda: ensureDeferred(self._go_on()))
        telling.clock = self._clock
        telling.start(TELL_EVERY, now=False)
        try:
            await self._compare()
        finally:
            if telling.running:
                telling.stop()

    async def _compare(self) -> None:
        summary = Summary()
        for shelved in listed(self._shelf):
            try:
                await self._compare_store(shelved, summary)
            except GlanceError as error:
                # The others do not wait for it.
                self._log.warn(
                    "the store {store} is compared another time: {error}",
                    store=shelved.name,
                    error=error,
                )
        self._tell(summary)

    async def _compare_store(self, shelved: ShelvedStore, summary: Summary) -> None:
        async with aclosing(self._orphans.sweep(shelved)) as swept:
            async for finding, is_removed in swept:
                summary.add(finding, is_removed)
        async with aclosing(self._comparison.recorded(shelved)) as recorded:
            async for finding in recorded:
                summary.add(finding)
                self._log.error(
                    "image {image_id}: {verdict} in the store {store}: {size} of {expected} bytes",
                    image_id=finding.image_id,
                    verdict=finding.verdict.value,
                    store=finding.store,
                    size=finding.size,
                    expected=finding.expected,
                )

    async def _go_on(self) -> None:
        try:
            await self._registry.go_on_with_chore(CHORE)
        except GlanceError as error:
            self._log.warn("other daemons cannot be told of the round: {error}", error=error)

    def _tell(self, summary: Summary) -> None:
        self._log.info(
            "compared stores and records: {removed} orphans removed ({size} bytes), "
            "{unknown} without a record, {strange} strange, {missing} missing, {other} of another "
            "size",
            removed=summary.removed.count,
            size=summary.removed.size,
            unknown=summary.of(Verdict.UNKNOWN).count,
            strange=summary.of(Verdict.STRANGE).count,
            missing=summary.of(Verdict.MISSING).count,
            other=summary.of(Verdict.OTHER_SIZE).count,
        )
