"""Each event is told exactly once, also when daemons race and clients leave."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from glancetx.access import OPERATOR, Caller, Identity
from glancetx.change import Change
from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BadRequest,
    BodyCutShort,
    DeletedMeanwhile,
    NoSuchImage,
    PromiseBroken,
    QuotaExceeded,
    StoreFailed,
    StoreFull,
)
from glancetx.image import Image, Status
from glancetx.image_document import detailed
from glancetx.interfaces import INotifier
from glancetx.limits import Limits
from glancetx.streams import Metering
from glancetx.testing.stores import FailingStore
from glancetx.testing.streams import ScriptedStream
from glancetx.testing.threads import InlineThreads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.delete import Deletions
from glancetx.usecases.upload import Uploads
from tests.elsewhere import FORBIDDEN, HERE
from tests.told import Told
from tests.usecases.world import HELLO, LEASE, FaultyRegistry, GatedRegistry, World, hanging

SUCCESS = ["prepare", "upload", "activate", "update"]


def failing(error):
    return lambda kept: FailingStore(kept, error)


@implementer(INotifier)
class _Broken:
    """A notifier with a bug."""

    def notify(self, notification):
        raise RuntimeError("a bug")


class AnnouncementsTests(SynchronousTestCase):
    """What a notifier is told."""

    def test_notification(self) -> None:
        """Whose image it is, when, by whom, and under an id of its own."""
        told = Told()
        announce = Announcements([told], "image.here", lambda: 1.5)
        image = Image(image_id="i", owner="o", properties={"k": "v"})
        announce.created(image)
        announce.created(image)
        one, two = told.notifications
        self.assertEqual((one.image_id, one.publisher_id), ("i", "image.here"))
        self.assertEqual(one.timestamp.timestamp(), 1.5)
        self.assertEqual(one.payload, detailed(image))
        self.assertNotEqual(one.message_id, two.message_id)

    def test_all_are_told(self) -> None:
        """One that fails keeps nothing from the others, and fails nobody."""
        told = Told()
        Announcements([_Broken(), told]).created(Image(image_id="i"))
        self.assertEqual(told.events, ["create"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_sent(self) -> None:
        """Six keys tell who got how much; what was cut is an error."""
        told = Told()
        announce = Announcements([told])
        caller = Caller(identity=Identity(user="u", project="p"), owner="x")
        image = Image(image_id="i", owner="o")
        announce.sent(image, caller, "192.0.2.1", 5, is_whole=True)
        self.assertEqual(
            told.of("send"),
            {
                "image_id": "i",
                "owner_id": "o",
                "receiver_tenant_id": "p",
                "receiver_user_id": "u",
                "destination_ip": "192.0.2.1",
                "bytes_sent": 5,
            },
        )
        announce.sent(image, caller, None, 3, is_whole=False)
        self.assertEqual(told.events, ["send", "SEND"])


class UploadTests(SynchronousTestCase):
    """An upload tells how it begins, and one of the ways in which it ends."""

    def test_success(self) -> None:
        """Each event tells the image as it is at that moment."""
        world = World()
        image = world.active(properties={"k": "v"})
        self.assertEqual(world.told.events, SUCCESS)
        self.assertEqual(world.told.of("prepare")["status"], "queued")
        self.assertEqual(world.told.of("upload"), {**detailed(image), "status": "saving"})
        self.assertEqual(world.told.of("activate"), detailed(image))
        self.assertEqual(world.told.of("update"), detailed(image))

    def assert_fails(self, error, data, sentence, world=None, **values):
        """It is told once that it failed, and why."""
        world = world or World()
        upload = world.here.upload(world.reserve(**values), data)
        self.assertRaises(error, world.do, upload)
        self.assertEqual(world.told.events, ["prepare", "UPLOAD"])
        self.assertIn(sentence, world.told.of("UPLOAD"))
        self.assertIn("Failed to upload image i: ", world.told.of("UPLOAD"))

    def test_failures(self) -> None:
        """Broken promises, stores that refuse, and bugs of a store, whose text is not told."""
        self.assert_fails(PromiseBroken, ScriptedStream([HELLO]), "did not match", size=4)
        world = World(store=failing(StoreFull()))
        self.assert_fails(StoreFull, ScriptedStream([HELLO]), str(StoreFull()), world)
        world = World(store=failing(RuntimeError("password=secret")))
        self.assert_fails(RuntimeError, ScriptedStream([HELLO]), "Internal error", world)

    def test_client_leaves(self) -> None:
        """Nothing is told of clients that leave, by whichever way it is noticed."""
        world = World()
        upload = world.here.upload(world.reserve(), ScriptedStream([b"h"], then=BodyCutShort()))
        self.assertRaises(BodyCutShort, world.do, upload)
        upload = world.here.upload(world.reserve("j"), hanging())
        upload.cancel()
        self.failureResultOf(upload)
        self.assertEqual(world.told.events, ["prepare", "prepare"])

    def test_refused(self) -> None:
        """Nothing is told of one that was refused before it began, nor of who came second."""
        world = World()
        image = world.reserve()
        upload = world.here.upload(image, hanging())
        self.failureResultOf(world.there.upload(image, ScriptedStream([HELLO])))
        world.do(world.here.uploads.refuse(world.reserve("j"), BadRequest("so")))
        self.assertEqual(world.told.events, ["prepare"])
        upload.cancel()
        self.failureResultOf(upload)

    def test_quota(self) -> None:
        """One without room has failed, although it never began."""
        world = World()
        announce = Announcements([world.told])
        limits = Limits(user_storage_quota=4)
        metering = Metering(InlineThreads())
        uploads = Uploads(world.truth, world.here.transfers, metering, limits, announce)
        data = ScriptedStream([HELLO], length=5)
        upload = uploads.upload(world.reserve(), data, world.here.shelved)
        self.assertRaises(QuotaExceeded, world.do, upload)
        self.assertEqual(world.told.events, ["UPLOAD"])

    def test_deleted_meanwhile(self) -> None:
        """One whose image is deleted has failed, wherever that was done."""
        for daemon in ("here", "there"):
            world = World()
            upload = world.here.upload(world.reserve(), hanging())
            world.do(getattr(world, daemon).deletions.delete(OPERATOR, "i"))
            world.pass_time(LEASE)
            self.failureResultOf(upload, DeletedMeanwhile)
            self.assertEqual(sorted(world.told.events), ["UPLOAD", "delete", "prepare"])

    def test_activation_in_doubt(self) -> None:
        """What became active is told so, although its uploader had to be told otherwise."""
        world = World(registry=FaultyRegistry)
        world.registry.fails_at, world.registry.takes_effect = 1, True
        upload = world.here.upload(world.reserve(), ScriptedStream([HELLO]))
        self.failureResultOf(upload)
        self.assertEqual(world.fetch().status, Status.ACTIVE)
        self.assertEqual(world.told.events, SUCCESS)

    def test_client_leaves_at_the_last_moment(self) -> None:
        """So it is when the client left while the registry made it active."""
        world = World(registry=GatedRegistry)
        image = world.reserve()
        upload = world.here.upload(image, ScriptedStream([HELLO]))
        world.registry.is_open = False
        self.successResultOf(upload)
        world.told.forget()
        world.reserve("j")
        upload = world.here.upload(world.fetch("j"), ScriptedStream([HELLO]))
        for _ in range(3):  # both gates of the claim, and the first of the activation
            world.registry.pass_one()
        upload.cancel()
        world.registry.open()
        self.failureResultOf(upload)
        self.assertEqual(world.fetch("j").status, Status.ACTIVE)
        self.assertEqual(world.told.events, SUCCESS)

    def test_undone_late(self) -> None:
        """A failure is told once, also when it is undone only after the registry was away."""
        world = World(registry=FaultyRegistry)
        upload = world.here.upload(world.reserve(), source := hanging())
        world.registry.fails_at, world.registry.outage = world.registry.calls, 3
        source.finish()
        self.failureResultOf(upload)
        world.clear_up()
        self.assertEqual(world.told.events, ["prepare", "UPLOAD"])

    def test_active_after_all(self) -> None:
        """When the activation's answer is lost, what it was is told when that is known."""
        world = World(registry=LosesAnswer)
        world.registry.fails_at, world.registry.outage = 1, 3
        upload = world.here.upload(world.reserve(), ScriptedStream([HELLO]))
        self.failureResultOf(upload)
        self.assertEqual(world.told.events, ["prepare"])
        world.clear_up()
        self.assertEqual(world.fetch().status, Status.ACTIVE)
        self.assertEqual(world.told.events, SUCCESS)


class LosesAnswer(FaultyRegistry):
    """The first call that fails takes effect all the same."""

    async def intercept(self, call: Any) -> Any:
        self.takes_effect = self.calls == self.fails_at
        return await super().intercept(call)


class CopyTests(SynchronousTestCase):
    """A copy tells as an upload does."""

    def test_success(self) -> None:
        """The record is told at once, and the rest when the bytes have come."""
        world = World()
        world.do(world.here.copy(Image(image_id="i")))
        self.assertEqual(world.told.events, ["create", *SUCCESS])
        self.assertEqual(world.told.of("prepare")["size"], 5)

    def test_source_refuses(self) -> None:
        """One whose source gives nothing has failed, although it never began."""
        world = World()
        world.do(world.here.copy(Image(image_id="i"), FORBIDDEN))
        self.assertEqual(world.told.events, ["create", "UPLOAD"])
        self.assertNotIn("example.org", world.told.of("UPLOAD"))

    def test_source_breaks(self) -> None:
        """So has one whose source breaks: it is no client that leaves."""
        world = World()
        world.elsewhere.then = BodyCutShort()
        world.do(world.here.copy(Image(image_id="i")))
        self.assertEqual(world.told.events, ["create", "prepare", "UPLOAD"])

    def test_location(self) -> None:
        """An image that stays elsewhere becomes active, and nothing tells where it is (N-04)."""
        world = World()
        source = world.here.sources.find(HERE)
        world.do(world.here.sources.attach(world.reserve(), source, 5))
        self.assertEqual(world.told.events, ["activate", "update"])
        for notification in world.told.notifications:
            self.assertNotIn(b"example.org", notification.to_json())


class RecordTests(SynchronousTestCase):
    """What is done to records."""

    def test_reserve(self) -> None:
        """The record, as the registry made it."""
        world = World()
        image = world.do(world.here.catalogue.reserve(Image(image_id="i")))
        self.assertEqual(world.told.events, ["create"])
        self.assertEqual(world.told.of("create"), detailed(image))
        self.failureResultOf(as_deferred(world.here.catalogue.reserve(Image(image_id="i"))))
        self.assertEqual(world.told.events, ["create"])

    def test_change(self) -> None:
        """A change that is complete is told once, however often it had to be thought over."""
        world = World()
        world.reserve()
        image = world.do(
            world.here.catalogue.change(OPERATOR, "i", lambda _: Change({"name": "n"}))
        )
        self.assertEqual(world.told.events, ["update"])
        self.assertEqual(world.told.of("update"), detailed(image))

    def test_bytes_to_follow(self) -> None:
        """One with bytes to follow is not told before they have come."""
        world = World()
        world.reserve()
        change = world.here.catalogue.change(OPERATOR, "i", lambda _: Change(), before_upload=True)
        image = world.do(change)
        self.assertEqual(world.told.events, [])
        world.here.catalogue.changed(image)
        self.assertEqual(world.told.events, ["update"])

    def test_nobody_waits(self) -> None:
        """What was begun in the registry is told also when the client left meanwhile."""
        world = World(registry=GatedRegistry)
        world.registry.is_open = False
        work = as_deferred(world.here.catalogue.reserve(Image(image_id="i")))
        world.registry.pass_one()
        work.cancel()
        world.registry.open()
        self.failureResultOf(work)
        self.assertEqual(world.fetch().status, Status.QUEUED)
        self.assertEqual(world.told.events, ["create"])


class DeletionTests(SynchronousTestCase):
    """Images that go."""

    def test_delete(self) -> None:
        """The image, deleted, with the properties that it had."""
        world = World()
        world.active(properties={"k": "v"})
        world.told.forget()
        world.do(world.here.deletions.delete(OPERATOR, "i"))
        self.assertEqual(world.told.events, ["delete"])
        told = world.told.of("delete")
        self.assertEqual((told["status"], told["deleted"]), ("deleted", True))
        self.assertEqual(told["properties"], {"k": "v"})
        self.assertIsNotNone(told["deleted_at"])

    def test_delayed(self) -> None:
        """One whose bytes are kept is told as such, and not again when they are removed."""
        world = World()
        here = world.here
        announce = Announcements([world.told])
        deletions = Deletions(
            world.truth, here.janitor._shelf, here.transfers, 100.0, announce=announce
        )
        world.active()
        world.told.forget()
        world.do(deletions.delete(OPERATOR, "i"))
        self.assertEqual(world.told.of("delete")["status"], "pending_delete")
        world.pass_time(101)
        world.do(here.janitor.clean())
        self.assertEqual(world.fetch().status, Status.DELETED)
        self.assertEqual(world.told.events, ["delete"])

    def test_race(self) -> None:
        """Of two daemons one deletes it."""
        world = World(registry=GatedRegistry)
        world.active()
        world.told.forget()
        world.registry.is_open = False
        slow = as_deferred(world.here.deletions.delete(OPERATOR, "i"))
        world.registry.pass_one()
        world.do(world.there.deletions.delete(OPERATOR, "i"))
        world.registry.open()
        self.failureResultOf(slow, NoSuchImage)
        self.assertEqual(world.told.events, ["delete"])

    def test_failed(self) -> None:
        """Nothing is told of one whose store does not let it go."""
        world = World()
        world.active()
        world.told.forget()
        self.patch(world.kept, "delete", failing_delete)
        self.failureResultOf(as_deferred(world.here.deletions.delete(OPERATOR, "i")), StoreFailed)
        self.assertEqual(world.told.events, [])


async def failing_delete(key):
    raise StoreFailed("no")
