"""Records: who may see and change them, and what happens when they change meanwhile."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.change import Change, move
from glancetx.errors import (
    BadMetadata,
    ImageExists,
    Immutable,
    NoSuchImage,
    NotAllowed,
    NotQueued,
    StatusConflict,
    TooLarge,
)
from glancetx.image import Image, Status, Visibility
from tests.usecases.world import InterceptedRegistry, World

OWNER = Caller(owner="t1")
STRANGER = Caller(owner="t2")
NOBODY = Caller()
ADMIN = Caller(owner="t9", is_admin=True)


class VisibilityTests(SynchronousTestCase):
    """Who sees an image (contract §9.4)."""

    def assert_seen(self, by, **values):
        world = World()
        world.reserve(**values)
        for caller in (OWNER, STRANGER, NOBODY, ADMIN, OPERATOR):
            shown = world.here.catalogue.show(caller, "i")
            if caller in by:
                self.assertEqual(world.do(shown).image_id, "i")
            else:
                self.assertRaises(NoSuchImage, world.do, shown)

    def test_own(self):
        """An image that is not public is seen by its owner and by operators."""
        for visibility in (Visibility.SHARED, Visibility.PRIVATE):
            self.assert_seen([OWNER, ADMIN, OPERATOR], owner="t1", visibility=visibility)

    def test_public(self):
        """A public or community image by everybody."""
        everybody = [OWNER, STRANGER, NOBODY, ADMIN, OPERATOR]
        for visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
            self.assert_seen(everybody, owner="t1", visibility=visibility)

    def test_ownerless(self):
        """Nobody's image too."""
        self.assert_seen([OWNER, STRANGER, NOBODY, ADMIN, OPERATOR], owner=None)

    def test_gone(self):
        """A deleted image by operators only."""
        for status in (Status.DELETED, Status.PENDING_DELETE):
            self.assert_seen([ADMIN, OPERATOR], owner="t1", status=status)
            public = {"visibility": Visibility.PUBLIC, "status": status}
            self.assert_seen([ADMIN, OPERATOR], owner="t1", **public)

    def test_unknown(self):
        """An id that was never used is unknown to all."""
        world = World()
        self.assertRaises(NoSuchImage, world.do, world.here.catalogue.show(OPERATOR, "x"))


class ReserveTests(SynchronousTestCase):
    """New records."""

    def test_taken(self):
        """An id is used once."""
        world = World()
        world.reserve()
        reserved = world.here.catalogue.reserve(Image(image_id="i"))
        self.assertRaises(ImageExists, world.do, reserved)

    def test_properties(self):
        """There is a limit to properties."""
        world = World()
        many = {str(number): "v" for number in range(129)}
        refused = world.here.catalogue.reserve(Image(image_id="i", properties=many))
        self.assertRaises(TooLarge, world.do, refused)


class PageTests(SynchronousTestCase):
    """What a listing asks for (contract §5.1)."""

    def setUp(self):
        self.world = World()
        self.world.reserve("own", owner="t1")
        self.world.reserve("public", owner="t2", visibility=Visibility.PUBLIC)
        self.world.reserve("other", owner="t2")
        self.world.reserve("nobodys")
        self.world.reserve("community", owner="t2", visibility=Visibility.COMMUNITY)

    def page(self, caller, **options):
        images = self.world.do(self.world.here.catalogue.page(caller, **options))
        return [image.image_id for image in images]

    def test_tenant(self):
        """Public images and one's own."""
        self.assertEqual(self.page(OWNER), ["public", "own"])
        self.assertEqual(self.page(STRANGER), ["community", "other", "public"])
        self.assertEqual(self.page(NOBODY), ["public"])
        self.assertEqual(self.page(OPERATOR), ["public"])

    def test_everything(self):
        """Only operators get the images of all."""
        everything = ["community", "nobodys", "other", "public", "own"]
        self.assertEqual(self.page(ADMIN, everything=True), everything)
        self.assertEqual(
            self.page(ADMIN, everything=True, public=False),
            ["community", "nobodys", "other", "own"],
        )
        self.assertEqual(self.page(OWNER, everything=True), ["public", "own"])

    def test_marker(self):
        """A page begins after its marker, which the caller must be able to see."""
        self.assertEqual(self.page(OWNER, marker="public"), ["own"])
        self.assertEqual(self.page(OWNER, marker="nobodys"), ["public", "own"])
        for unknown in ("other", "x"):
            with self.assertRaises(BadMetadata):
                self.page(OWNER, marker=unknown)

    def test_limit(self):
        """A page has as many images as are asked for."""
        self.assertEqual(self.page(OWNER, limit=1), ["public"])
        self.assertEqual(self.page(OWNER, limit=0), [])


class Restless(InterceptedRegistry):
    """Moves the image on before each of so many updates."""

    moves: list[Status] = []

    async def update(self, image_id, change, expect):
        if self.moves:
            await self._registry.update(image_id, move(self.moves.pop(0)), set(Status) & expect)
        return await self._registry.update(image_id, change, expect)


class ChangeTests(SynchronousTestCase):
    """Changes, and what others change meanwhile."""

    def change(self, world, caller, change=None, **options):
        revise = change if callable(change) else lambda image: change or Change({"name": "n"})
        return world.do(world.here.catalogue.change(caller, "i", revise, **options))

    def test_who(self):
        """Owner and operators change an image; others may not, or do not know of it."""
        world = World()
        world.reserve(owner="t1")
        for caller in (OWNER, ADMIN, OPERATOR):
            self.assertEqual(self.change(world, caller).name, "n")
        for caller in (STRANGER, NOBODY):
            self.assertRaises(NoSuchImage, self.change, world, caller)
        for visibility in (Visibility.PUBLIC, Visibility.COMMUNITY):
            self.change(world, OWNER, Change({"visibility": visibility}))
            self.assertRaises(NotAllowed, self.change, world, STRANGER)

    def test_ownerless(self):
        """Nobody's image is changed by operators only."""
        world = World()
        world.reserve()
        for caller in (OWNER, NOBODY):
            self.assertRaises(NoSuchImage, self.change, world, caller)

    def test_settled(self):
        """Whatever race there was, verified bytes keep their size and checksum."""
        world = World()
        world.active(owner="t1")
        for values in ({"size": 6}, {"checksum": "abc"}, {"checksum": None}):
            self.assertRaises(Immutable, self.change, world, OWNER, Change(values))
            self.change(world, ADMIN, Change(values))
        self.assertEqual(world.fetch().size, 5)

    def test_before_upload(self):
        """Bytes may follow only into a queued image."""
        world = World()
        world.active(owner="t1")
        self.assertRaises(NotQueued, self.change, world, OWNER, before_upload=True)
        self.assertIsNone(world.fetch().name)

    def test_thought_over(self):
        """When the image moved on, the change is thought over."""
        world = World(registry=Restless)
        world.registry.moves = [Status.SAVING, Status.KILLED]
        world.reserve(owner="t1")
        seen = []

        def revise(image):
            seen.append(image.status)
            return Change({"name": "n"})

        self.assertEqual(self.change(world, OWNER, revise).name, "n")
        self.assertEqual(seen, [Status.QUEUED, Status.SAVING, Status.KILLED])

    def test_becomes_active_meanwhile(self):
        """A size that was right for a queued image is refused for an active one."""
        world = World(registry=Restless)
        world.registry.moves = [Status.ACTIVE]
        world.reserve(owner="t1")
        self.assertRaises(Immutable, self.change, world, OWNER, Change({"size": 6}))

    def test_never_rests(self):
        """It is not thought over for ever."""
        world = World(registry=Restless)
        world.registry.moves = [Status.ACTIVE] + 3 * [Status.DEACTIVATED, Status.ACTIVE]
        world.reserve(owner="t1")
        self.assertRaises(StatusConflict, self.change, world, OWNER)
