"""The bytes of images are compared with all that records tell of them."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR
from glancetx.deferreds import as_deferred
from glancetx.errors import StoreUnavailable
from glancetx.image import Location
from glancetx.shelf import Shelf
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.threads import InlineThreads
from glancetx.usecases.pace import Pace
from glancetx.usecases.verification import Verification, expected_digests
from tests.elsewhere import HERE
from tests.usecases.world import HELLO, World


class VerificationTests(SynchronousTestCase):
    """One image of five bytes."""

    def make(self, store=None):
        self.world = World(store=store)
        self.image = self.world.active()
        self.counted: list[int] = []
        shelf = Shelf([self.world.here.shelved, self.world.elsewhere.shelved])
        self.verification = Verification(
            self.world.truth, shelf, InlineThreads(), Pace(self.world.clock), self.counted.append
        )

    def errors(self, image=None, store=None):
        flaws = self.world.do(self.verification.verify(image or self.image, store))
        self.assertEqual({flaw.id for flaw in flaws} - {"i"}, set())
        return [flaw.error for flaw in flaws]

    def test_right(self):
        """Nothing is wrong with what is as it was, and its bytes are counted."""
        self.make()
        self.assertEqual(set(self.image.digests), {"md5", "sha256"})
        self.assertEqual(self.errors(), [])
        self.assertEqual(sum(self.counted), len(HELLO))

    def test_tampered(self):
        """Other bytes of the same number have other digests, and each of them is told."""
        self.make()
        self.world.kept._images["i"][0] ^= 1
        errors = self.errors()
        self.assertEqual([error.split()[0] for error in errors], ["md5", "sha256"])
        self.assertIn(f"instead of {self.image.checksum}", errors[0])

    def test_truncated(self):
        """So is another number."""
        self.make()
        del self.world.kept._images["i"][3:]
        self.assertEqual(self.errors()[0], "3 bytes instead of 5")

    def test_missing(self):
        """Bytes that are gone are told of."""
        self.make()
        self.world.kept._images.clear()
        self.assertEqual(self.errors(), ["the bytes are not there"])

    def test_every_digest(self):
        """A digest that only this image has is compared too; one that nobody knows is not."""
        self.make()
        odd = evolve(self.image, digests={"sha512": "0", "crc-of-mine": "1"}, checksum=None)
        self.assertEqual(dict(expected_digests(odd)), {"sha512": "0"})
        self.assertTrue(self.errors(odd)[0].startswith("sha512 9b71d224"))

    def test_out_of_reach(self):
        """A store that cannot be read is a flaw that says so."""
        self.make(lambda kept: FailingStore(kept, StoreUnavailable(), on={"open"}))
        (error,) = self.errors()
        self.assertTrue(error.startswith("cannot be read: "), error)

    def test_places(self):
        """Every place is looked at, or only that in one store; a user's own is not ours."""
        self.make()
        places = (*self.image.locations, Location("gone", "k"), Location("http", HERE))
        image = self.world.do(self.world.truth.update("i", _places(places), {self.image.status}))
        (error,) = self.errors(image)
        self.assertIn("cannot be read", error)
        self.assertEqual(self.errors(image, "file"), [])

    def test_deleted_meanwhile(self):
        """An image that goes while it is read has no flaws."""
        self.make(lambda kept: SlowStore(kept, on=()))
        self.world.store.on = frozenset({"open"})
        verifying = as_deferred(self.verification.verify(self.image))
        self.world.do(self.world.there.deletions.delete(OPERATOR, "i"))
        self.world.store.open_gate()
        self.assertEqual(self.successResultOf(verifying), [])

    def test_pace(self):
        """It reads no faster than it may."""
        self.make()
        self.verification._pace = Pace(self.world.clock, 1)
        verifying = as_deferred(self.verification.verify(self.image))
        self.world.clock.advance(4)
        self.assertNoResult(verifying)
        self.world.clock.advance(1)
        self.assertEqual(self.successResultOf(verifying), [])


def _places(places):
    from glancetx.change import Change

    return Change({"locations": places})
