"""Operators withdraw images, and nobody else does."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.change import move
from glancetx.errors import ImageDeactivated, NoSuchImage, NotAllowed, WrongStatus
from glancetx.image import Status, Visibility
from glancetx.usecases.activation import Activations
from tests.usecases.world import World


class ActivationTests(SynchronousTestCase):
    """One image."""

    def setUp(self):
        self.world = World()
        self.activations = Activations(self.world.truth)

    def deactivate(self, caller=OPERATOR):
        return self.world.do(self.activations.deactivate(caller, "i"))

    def reactivate(self, caller=OPERATOR):
        return self.world.do(self.activations.reactivate(caller, "i"))

    def test_to_and_fro(self):
        """Its bytes are withheld from everybody, and given again; nothing else changes (O-08)."""
        before = self.world.active(properties={"a": "b"})
        image = self.deactivate()
        self.assertIs(image.status, Status.DEACTIVATED)
        self.assertEqual(image.properties, before.properties)
        self.assertEqual(image.locations, before.locations)
        self.assertRaises(ImageDeactivated, self.world.here.downloads.check, image)
        image = self.reactivate()
        self.world.here.downloads.check(image)
        self.assertEqual(self.world.faults(), [])

    def test_twice(self):
        """What is so already is a success."""
        self.world.active()
        self.deactivate()
        self.assertIs(self.deactivate().status, Status.DEACTIVATED)
        self.reactivate()
        self.assertIs(self.reactivate().status, Status.ACTIVE)

    def test_other_states(self):
        """Only images with bytes can be withdrawn, and only withdrawn ones come back."""
        self.world.reserve()
        for status in Status.QUEUED, Status.SAVING, Status.KILLED:
            if status is not Status.QUEUED:
                before = self.world.fetch().status
                self.world.do(self.world.truth.update("i", move(status), {before}))
            for do in self.deactivate, self.reactivate:
                error = self.assertRaises(WrongStatus, do)
                self.assertIn(status.value, str(error))
                self.assertIs(self.world.fetch().status, status)

    def test_gone(self):
        """A deleted image is none, and does not come back."""
        self.assertRaises(NoSuchImage, self.deactivate)
        self.world.active()
        for status in Status.PENDING_DELETE, Status.DELETED:
            before = self.world.fetch().status
            self.world.do(self.world.truth.update("i", move(status), {before}))
            for do in self.deactivate, self.reactivate:
                self.assertRaises(NoSuchImage, do)
                self.assertIs(self.world.fetch().status, status)

    def test_operators_only(self):
        """An owner may not, and a stranger does not even learn that it exists."""
        self.world.active(owner="me", visibility=Visibility.PRIVATE)
        for do in self.deactivate, self.reactivate:
            self.assertRaises(NotAllowed, do, Caller(owner="me"))
            self.assertRaises(NoSuchImage, do, Caller(owner="you"))
        self.assertIs(self.world.fetch().status, Status.ACTIVE)
