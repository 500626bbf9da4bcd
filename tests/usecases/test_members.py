"""The use-case of members checks by itself who asks, whatever a handler did before."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.errors import NoSuchImage, NotAuthenticated, ReadOnly
from glancetx.image import Image, Status
from glancetx.limits import Limits
from glancetx.registry.memory import MemoryRegistry
from glancetx.usecases.members import Members

OWNER = Caller(owner="owner", is_authenticated=True)
NO_PROJECT = Caller(is_authenticated=True)


class DeletesMeanwhile(MemoryRegistry):
    """Somebody deletes each image between the look at it and the change."""

    async def fetch(self, image_id):
        image = await super().fetch(image_id)
        await self.update(image_id, move(Status.DELETED), {Status.QUEUED})
        return image


class WriterTests(SynchronousTestCase):
    """Who may write at all."""

    def setUp(self):
        self.registry = MemoryRegistry(Clock())
        self.successResultOf(as_deferred(self.registry.insert(Image(image_id="i", owner="owner"))))
        self.members = Members(self.registry, Limits())

    def results(self, caller):
        """What becomes of each way of writing."""
        for work in (
            self.members.add(caller, "i", "m", None),
            self.members.remove(caller, "i", "m"),
            self.members.replace(caller, "i", []),
        ):
            yield as_deferred(work)

    def test_not_known(self):
        """Nobody whom nobody knows."""
        for result in self.results(Caller()):
            self.failureResultOf(result, ReadOnly)

    def test_for_nobody(self):
        """Nobody who owns nothing."""
        for result in self.results(NO_PROJECT):
            self.failureResultOf(result, NotAuthenticated)

    def test_owner_and_operator(self):
        """Owners and operators do."""
        for caller in (OWNER, OPERATOR):
            for result in self.results(caller):
                self.successResultOf(result)


class RaceTests(SynchronousTestCase):
    """An image that goes while it is shared."""

    def test_deleted_meanwhile(self):
        """Nobody becomes a member of it."""
        registry = DeletesMeanwhile(Clock())
        members = Members(registry, Limits())
        for image_id, work in (
            ("a", members.add(OWNER, "a", "m", None)),
            ("b", members.replace(OWNER, "b", [("m", None)])),
        ):
            image = Image(image_id=image_id, owner="owner")
            self.successResultOf(as_deferred(registry.insert(image)))
            self.failureResultOf(as_deferred(work), NoSuchImage)
