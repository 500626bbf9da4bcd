"""Which record a caller may know of, and what it costs to find out."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.deferreds import as_deferred
from glancetx.errors import NoSuchImage
from glancetx.image import Image, Status, Visibility
from glancetx.registry.memory import MemoryRegistry
from glancetx.usecases.sight import fetch_visible

OWNER = Caller(owner="owner", is_authenticated=True)
MEMBER = Caller(owner="member", is_authenticated=True)
STRANGER = Caller(owner="stranger", is_authenticated=True)
ADMIN = Caller(owner="stranger", is_admin=True, is_authenticated=True)
NO_PROJECT = Caller(is_authenticated=True)
ANONYMOUS = Caller()


class CountingRegistry(MemoryRegistry):
    """Notes who was asked for as a member."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.asked: list[str] = []

    async def membership(self, image_id, member):
        self.asked.append(member)
        return await super().membership(image_id, member)


class SightTests(SynchronousTestCase):
    """An image with one member."""

    def setUp(self):
        self.registry = CountingRegistry()

    def do(self, work):
        return self.successResultOf(as_deferred(work))

    def have(self, **values):
        self.do(self.registry.insert(Image(image_id="i", **{"owner": "owner", **values})))
        if not self.registry._records["i"].image.status.is_gone:
            self.do(self.registry.share("i", "member"))

    def sees(self, caller):
        """Whether he sees it, and who was asked for as a member."""
        self.registry.asked = []
        result = as_deferred(fetch_visible(self.registry, caller, "i"))
        found = self.successResultOf(result.addErrback(lambda failure: failure.trap(NoSuchImage)))
        return isinstance(found, Image), self.registry.asked

    def test_shared(self):
        """A shared image is seen by its members, who are asked for once, and only then."""
        self.have()
        for caller, is_seen, asked in (
            (OWNER, True, []),
            (ADMIN, True, []),
            (OPERATOR, True, []),
            (MEMBER, True, ["member"]),
            (STRANGER, False, ["stranger"]),
            (NO_PROJECT, False, []),
            (ANONYMOUS, False, []),
        ):
            self.assertEqual(self.sees(caller), (is_seen, asked), caller)

    def test_others(self):
        """Of an image that is not shared the record alone tells."""
        for visibility in (Visibility.PUBLIC, Visibility.PRIVATE, Visibility.COMMUNITY):
            self.registry = CountingRegistry()
            self.have(visibility=visibility)
            for caller in (OWNER, ADMIN, MEMBER, STRANGER, NO_PROJECT, ANONYMOUS):
                is_seen = caller in (OWNER, ADMIN) or visibility is not Visibility.PRIVATE
                self.assertEqual(self.sees(caller), (is_seen, []))

    def test_ownerless(self):
        """What has no owner is seen by everybody."""
        self.have(owner=None)
        for caller in (OWNER, MEMBER, NO_PROJECT, ANONYMOUS):
            self.assertEqual(self.sees(caller), (True, []))

    def test_gone(self):
        """What is deleted is seen by operators."""
        for status in (Status.DELETED, Status.PENDING_DELETE):
            self.registry = CountingRegistry()
            self.have(status=status)
            for caller in (OWNER, ADMIN, MEMBER, STRANGER):
                self.assertEqual(self.sees(caller), (caller is ADMIN, []))

    def test_never_was(self):
        """What does not exist is seen by nobody."""
        for caller in (OPERATOR, MEMBER):
            self.assertEqual(self.sees(caller), (False, []))
