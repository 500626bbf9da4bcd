"""The suite about members is itself tested: what is broken in one way fails just there."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.errors import NoSuchMember, TooManyMembers
from glancetx.interfaces import IRegistry
from glancetx.registry.memory import MemoryRegistry
from glancetx.testing.registry_members import MemberContract
from tests.testing.suites import failures

#: What is installed provides more interfaces than its type tells.
reactor: Any = the_reactor


class ForgetsTheRemoved(MemoryRegistry):
    def _remove(self, image_id, member):
        del self._rows[image_id][member]


class KeepsEveryFlag(MemoryRegistry):
    """Whoever is there already stays as he is, whatever is said."""

    def _put(self, image_id, member, can_share):
        if any(each.member == member for each in self._members(image_id)):
            can_share = None
        return super()._put(image_id, member, can_share)


class ResetsFlags(MemoryRegistry):
    """Whoever is added without a word may not share."""

    def _put(self, image_id, member, can_share):
        return super()._put(image_id, member, bool(can_share))


class SortsByName(MemoryRegistry):
    async def members(self, image_id):
        return sorted(await super().members(image_id), key=lambda each: each.member)


class AddsOnly(MemoryRegistry):
    async def replace_members(self, image_id, members):
        old = {each.member: each.can_share for each in await self.members(image_id)}
        await super().replace_members(image_id, {**old, **members})


class ReplacesHalf(MemoryRegistry):
    """Puts one after the other, and looks at each only then."""

    async def replace_members(self, image_id, members):
        self._check_is_there(image_id)
        for member, can_share in members.items():
            await self.share(image_id, member, can_share)
        await super().replace_members(image_id, members)


class CountsTooEarly(MemoryRegistry):
    """Counts, waits, and then adds: the race that a lock prevents."""

    async def share(self, image_id, member, can_share=None, quota=-1):
        self._check_is_there(image_id)
        count = len(await self.members(image_id))
        if 0 <= quota <= count:
            raise TooManyMembers(count + 1, quota)
        if quota >= 0:
            await deferLater(reactor, 0)
        return await super().share(image_id, member, can_share)


class ForgivesChanges(MemoryRegistry):
    """A member who is there does not count when he is changed."""

    async def share(self, image_id, member, can_share=None, quota=-1):
        if await self.membership(image_id, member) is not None:
            quota = -1
        return await super().share(image_id, member, can_share, quota)


class CountsTheRemoved(MemoryRegistry):
    async def share(self, image_id, member, can_share=None, quota=-1):
        count = len(self._rows.get(image_id, {}))
        if 0 <= quota <= count:
            raise TooManyMembers(count + 1, quota)
        return await super().share(image_id, member, can_share, quota)


class RemovesAnybody(MemoryRegistry):
    async def unshare(self, image_id, member):
        try:
            await super().unshare(image_id, member)
        except NoSuchMember:
            return


class OutlivesImages(MemoryRegistry):
    """Members stay members of what is deleted."""

    def _is_there(self, image_id):
        return image_id in self._records

    def _forget_members(self, image_id):
        return None


class EndsTooSoon(MemoryRegistry):
    """What may be restored has no members any more."""

    async def update(self, image_id, change, expect):
        image = await super().update(image_id, change, expect)
        if image.status.is_gone:
            self._forget_members(image_id)
        return image


class OldestFirst(MemoryRegistry):
    async def shared_with(self, member, owner=None):
        return (await super().shared_with(member, owner))[::-1]


class AnyOwner(MemoryRegistry):
    async def shared_with(self, member, owner=None):
        return await super().shared_with(member)


#: The registry, and the tests that fail with it: all others must pass.
BROKEN: dict[type[MemoryRegistry], set[str]] = {
    ForgetsTheRemoved: {"comes_back", "replace", "members_in_order"},
    KeepsEveryFlag: {"share_again", "replace", "members_in_order", "quota"},
    ResetsFlags: {"share_again", "replace", "comes_back", "members_in_order"},
    SortsByName: {"members_in_order"},
    AddsOnly: {"replace", "comes_back", "members_in_order", "racing_replacements"},
    ReplacesHalf: {"refuses_names_of_nobody"},
    CountsTooEarly: {"racing_for_the_last_place"},
    ForgivesChanges: {"quota"},
    CountsTheRemoved: {"quota"},
    RemovesAnybody: {"unshare", "members_of_the_deleted"},
    OutlivesImages: {"members_of_the_deleted"},
    EndsTooSoon: {"members_of_the_restored"},
    OldestFirst: {"shared_with"},
    AnyOwner: {"shared_with"},
}


def failures_of(kind: type[MemoryRegistry]) -> set[str]:
    """The tests of the suite that a registry of this kind does not pass."""

    class Suite(MemberContract, TestCase):
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
