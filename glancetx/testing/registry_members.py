"""The part of the registry contract about with whom images are shared."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.defer import gatherResults

from glancetx.change import Change, move
from glancetx.deferreds import as_deferred
from glancetx.errors import BadMetadata, NoSuchImage, NoSuchMember, TooManyMembers
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.member import Member
from glancetx.testing.registry_case import RegistryCase, outcome_of


class MemberContract(RegistryCase):
    """Members come, change, and go, each time entirely."""

    async def test_no_members(self) -> None:
        """An image has no members at first, and one that does not exist never has any."""
        registry = await self.registry_with(Image(image_id="a"))
        for image_id in ("a", "b", "a\0", "\udc80"):
            self.assertEqual(await registry.members(image_id), [])
            self.assertIsNone(await registry.membership(image_id, "m"))
        for member in ("m", "", "m\0", "%s"):
            self.assertIsNone(await registry.membership("a", member))
            self.assertEqual(await registry.shared_with(member), [])

    async def test_share(self) -> None:
        """Who is added is a member from now on, and may not share unless that is said."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        names = "Größe 💾 \\ ' \" %s {}"
        added = await registry.share("a", names)
        self.assertEqual((added.image_id, added.member, added.can_share), ("a", names, False))
        self.assertEqual(added.created_at, added.updated_at)
        self.assertEqual(added.created_at.utcoffset(), timedelta(0))
        self.assertGreater(added.created_at, (await registry.fetch("a")).created_at)
        self.assertEqual(await registry.membership("a", names), added)
        sharing = await registry.share("a", "M", True)
        self.assertTrue(sharing.can_share)
        self.assertEqual(await registry.members("a"), [added, sharing])
        self.assertIsNone(await registry.membership("a", "m"))
        self.assertEqual(await registry.members("b"), [])

    async def test_share_again(self) -> None:
        """A member stays as he is unless something is said about him."""
        registry = await self.registry_with(Image(image_id="a"))
        first = await registry.share("a", "m", True)
        self.assertTrue((await registry.share("a", "m")).can_share)
        changed = await registry.share("a", "m", False)
        self.assertFalse(changed.can_share)
        self.assertEqual(changed.created_at, first.created_at)
        self.assertGreater(changed.updated_at, first.updated_at)
        self.assertEqual(await registry.members("a"), [changed])

    async def test_members_in_order(self) -> None:
        """Members stand in the order in which they came, whatever happens to them later."""
        registry = await self.registry_with(Image(image_id="a"))
        for member in "dbca":
            await registry.share("a", member)
        await registry.share("a", "d", True)
        await registry.unshare("a", "b")
        await registry.share("a", "b")
        await registry.replace_members("a", {"f": None, "a": None, "e": None, "b": None, "d": None})
        self.assertEqual(await self._shares(registry), ["d+", *"bafe"])

    async def test_unshare(self) -> None:
        """Who is removed is no member, and cannot be removed again."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        for image_id, member in ("a", "m"), ("a", "n"), ("b", "m"):
            await registry.share(image_id, member)
        await registry.unshare("a", "m")
        self.assertIsNone(await registry.membership("a", "m"))
        self.assertEqual(await self._shares(registry), ["n"])
        self.assertEqual([each.image_id for each in await registry.shared_with("m")], ["b"])
        for image_id, member in ("a", "m"), ("b", "n"), ("c", "m"), ("a", "m\0"), ("a\0", "m"):
            await self.assert_raises(NoSuchMember, registry.unshare(image_id, member))

    async def test_comes_back(self) -> None:
        """Who was removed comes back as he was, unless something else is said."""
        registry = await self.registry_with(Image(image_id="a"))
        for member in "lmn":
            await registry.share("a", member, True)
            await registry.unshare("a", member)
        await registry.share("a", "l")
        await registry.share("a", "m", False)
        self.assertEqual(await self._shares(registry), ["l+", "m"])
        await registry.replace_members("a", {"n": None})
        self.assertEqual(await self._shares(registry), ["n+"])

    async def test_replace(self) -> None:
        """The members are exactly those that are given."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        await registry.share("b", "m")
        for members, expected in (
            ({"m": True, "n": None}, ["m+", "n"]),
            ({"m": None, "o": False}, ["m+", "o"]),
            ({"n": True, "m": False}, ["m", "n+"]),
            ({}, []),
            ({"n": None}, ["n+"]),
        ):
            await registry.replace_members("a", members)
            self.assertEqual(await self._shares(registry), expected)
        self.assertEqual(await self._shares(registry, "b"), ["m"])

    async def test_shared_with(self) -> None:
        """What somebody is a member of, newest image first, all of it or one owner's."""
        registry = await self.registry_with(
            *(Image(image_id=name, owner=owner) for name, owner in zip("bcad", "uvuu", strict=True))
        )
        for image_id in "dbca":
            await registry.share(image_id, "m", image_id == "c")
        await registry.share("b", "n")
        shared = await registry.shared_with("m")
        self.assertEqual([each.image_id for each in shared], [*"dacb"])
        self.assertEqual([each.can_share for each in shared], [False, False, True, False])
        self.assertEqual(shared[2], await registry.membership("c", "m"))
        for owner, expected in ("u", "dab"), ("v", "c"), ("w", ""), ("m", ""):
            shared = await registry.shared_with("m", owner)
            self.assertEqual("".join(each.image_id for each in shared), expected)

    async def test_members_of_the_deleted(self) -> None:
        """Nobody is a member of a deleted image, and nobody becomes one."""
        registry = await self.registry_with(
            *(Image(image_id=name, status=Status.ACTIVE) for name in "ab")
        )
        for image_id, status in ("a", Status.DELETED), ("b", Status.PENDING_DELETE):
            await registry.share(image_id, "m")
            await registry.update(image_id, move(status), {Status.ACTIVE})
            self.assertEqual(await registry.members(image_id), [])
            self.assertIsNone(await registry.membership(image_id, "m"))
            await self.assert_raises(NoSuchImage, registry.share(image_id, "m"))
            await self.assert_raises(NoSuchImage, registry.replace_members(image_id, {"m": None}))
            await self.assert_raises(NoSuchMember, registry.unshare(image_id, "m"))
        self.assertEqual(await registry.shared_with("m"), [])
        for image_id in ("c", "c\0", "\udc80"):
            await self.assert_raises(NoSuchImage, registry.share(image_id, "m"))
            await self.assert_raises(NoSuchImage, registry.replace_members(image_id, {}))

    async def test_members_of_the_restored(self) -> None:
        """An image that is not deleted after all has its members back."""
        registry = await self.registry_with(Image(image_id="a", status=Status.ACTIVE))
        before = await registry.share("a", "m")
        await registry.update("a", move(Status.PENDING_DELETE), {Status.ACTIVE})
        await registry.update("a", move(Status.ACTIVE), {Status.PENDING_DELETE})
        await registry.update("a", Change(values={"name": "x"}), {Status.ACTIVE})
        self.assertEqual(await registry.members("a"), [before])

    async def test_quota(self) -> None:
        """An image with as many members as are allowed takes no other, and changes none."""
        registry = await self.registry_with(Image(image_id="a"), Image(image_id="b"))
        await registry.share("b", "m")
        await self.assert_raises(TooManyMembers, registry.share("a", "m", quota=0))
        await registry.share("a", "m", quota=2)
        await registry.share("a", "m", True, quota=2)
        await registry.share("a", "n", quota=2)
        for member in "om":
            error = await self.assert_raises(
                TooManyMembers, registry.share("a", member, False, quota=2)
            )
            self.assertEqual((error.attempted, error.maximum), (3, 2))
        self.assertEqual(await self._shares(registry), ["m+", "n"])
        await registry.unshare("a", "n")
        await registry.share("a", "o", quota=2)
        await registry.share("a", "p", quota=-1)
        self.assertEqual(await self._shares(registry), ["m+", "o", "p"])

    async def test_racing_for_the_last_place(self) -> None:
        """Many who are added at once are never more than are allowed."""
        registry = await self.registry_with(Image(image_id="a"))
        outcomes = await gatherResults(
            as_deferred(outcome_of(registry.share("a", str(n), quota=3))) for n in range(12)
        )
        self.assertEqual(sum(isinstance(outcome, Member) for outcome in outcomes), 3)
        self.assertEqual(sum(isinstance(outcome, TooManyMembers) for outcome in outcomes), 9)
        self.assertEqual(len(await registry.members("a")), 3)

    async def test_racing_replacements(self) -> None:
        """Of several that replace all members at once one comes last, and entirely."""
        registry = await self.registry_with(Image(image_id="a"))
        await gatherResults(
            as_deferred(registry.replace_members("a", {f"{n} {each}": None for each in "mno"}))
            for n in range(8)
        )
        names = {each.member.split()[0] for each in await registry.members("a")}
        self.assertEqual((len(names), len(await registry.members("a"))), (1, 3))

    async def test_refuses_names_of_nobody(self) -> None:
        """NUL, half characters and endless names are the client's mistake, and change nothing."""
        registry = await self.registry_with(Image(image_id="a"))
        await registry.share("a", "m" * 255)
        for member in ("m\0", "\udc80", "m" * 256):
            await self.assert_raises(BadMetadata, registry.share("a", member))
            await self.assert_raises(
                BadMetadata, registry.replace_members("a", {"n": None, member: None})
            )
        self.assertEqual(await self._shares(registry), ["m" * 255])

    async def _shares(self, registry: IRegistry, image_id: str = "a") -> list[str]:
        """The members by name, with a + when they may share."""
        return [
            each.member + "+" * each.can_share
            for each in await registry.members(image_id)
            if each.image_id == image_id
        ]
