"""The suite for surveys is itself tested: a registry broken in one way fails just there."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.interfaces import IRegistry
from glancetx.registry.memory import MemoryRegistry
from glancetx.survey import Surveyed
from glancetx.testing.registry_case import RegistryCase
from glancetx.testing.registry_surveys import SurveyContract
from tests.testing.suites import failures


class SortsBackwards(MemoryRegistry):
    async def survey(self, query):
        return (await super().survey(query))[::-1]


class IgnoresLimits(MemoryRegistry):
    async def survey(self, query):
        return await super().survey(evolve(query, limit=1000))


class IgnoresMarkers(MemoryRegistry):
    async def survey(self, query):
        return await super().survey(evolve(query, after=""))


class IgnoresStores(MemoryRegistry):
    async def survey(self, query):
        return await super().survey(evolve(query, store=None))


class ForgetsLeases(MemoryRegistry):
    def _surveyed(self, record):
        return Surveyed(record.image)


class HidesOverdueLeases(MemoryRegistry):
    async def survey(self, query):
        found = await super().survey(query)
        return [each for each in found if each.lease_left is None or each.lease_left > 0]


class TellsOnlyTheFirst(MemoryRegistry):
    async def survey_of(self, image_ids):
        return (await super().survey_of(image_ids))[:1]


class CountsTheDead(MemoryRegistry):
    async def totals(self):
        sizes = {r.image.status: r.image.size for r in self._records.values()}
        return [
            evolve(each, size=each.size or sizes[each.status]) for each in await super().totals()
        ]


class LetsEverybodyBegin(MemoryRegistry):
    async def begin_chore(self, name, interval):
        return True


class HasOneChore(MemoryRegistry):
    async def begin_chore(self, name, interval):
        return await super().begin_chore("chore", interval)


class NeverBeginsAgain(MemoryRegistry):
    async def begin_chore(self, name, interval):
        return await super().begin_chore(name, 1e9)


BROKEN = {
    SortsBackwards: {"survey_of_everything", "survey_by_filters", "survey_of_leases"},
    IgnoresLimits: {"survey_of_everything"},
    IgnoresMarkers: {"survey_of_everything"},
    IgnoresStores: {"survey_by_filters"},
    ForgetsLeases: {"survey_of_leases"},
    HidesOverdueLeases: {"survey_of_leases"},
    TellsOnlyTheFirst: {"survey_of_some"},
    CountsTheDead: {"totals"},
    LetsEverybodyBegin: {"chores"},
    HasOneChore: {"chores"},
    NeverBeginsAgain: {"chores"},
}


def failures_of(kind: type[MemoryRegistry]) -> set[str]:
    """The tests of the suite that a registry of this kind does not pass."""

    class Suite(SurveyContract, RegistryCase, TestCase):
        def make_registry(self) -> Deferred[IRegistry]:
            return succeed(kind(Clock()))

    return failures(Suite)


class SuiteTests(SynchronousTestCase):
    """What the suite notices."""

    def test_sound(self):
        """A registry that keeps all promises passes."""
        self.assertEqual(failures_of(MemoryRegistry), set())

    def test_broken(self):
        """Each that breaks one fails by the tests of just that one."""
        for kind, expected in BROKEN.items():
            self.assertEqual(failures_of(kind), expected, kind.__name__)
