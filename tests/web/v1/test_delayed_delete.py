"""Deleted images whose bytes are kept for a while (contract §8.2, §8.3)."""

from __future__ import annotations

from glancetx.errors import DataInUse
from glancetx.image import Status
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from tests.web.api import Api
from tests.web.v1.case import ADMIN, OWNER, ApiCase

PROPERTY = {"x-image-meta-property-os": "plan9"}


class DelayedDeleteTests(ApiCase):
    """Bytes are kept for an hour."""

    def make_api(self):
        return Api(caller=OWNER, scrub_time=3600.0)

    def kept(self):
        return set(self.api.store._images)

    def deleted(self):
        """The id of an image that its owner has just deleted."""
        image_id = self.active(PROPERTY)
        response = self.delete(image_id)
        self.assertEqual((response.status, response.body), (200, b""))
        return image_id

    def test_bytes_are_kept(self):
        """The image is going and tells since when; its properties go, not its bytes (D-14)."""
        image_id = self.deleted()
        self.api.caller = ADMIN
        head = self.head(image_id)
        self.assertEqual(head.status, 200)
        self.assertEqual(head.header("x-image-meta-status"), "pending_delete")
        self.assertEqual(head.header("x-image-meta-deleted"), "True")
        self.assertTrue(head.header("x-image-meta-deleted_at"))
        self.assertIsNone(head.header("x-image-meta-property-os"))
        self.assertEqual(self.kept(), {image_id})
        self.assertEqual(self.get(image_id).status, 404)

    def test_hidden(self):
        """For everybody but operators it is gone (D-14)."""
        image_id = self.deleted()
        path = f"/v1/images/{image_id}"
        for method, where in (
            ("HEAD", path),
            ("GET", path),
            ("PUT", path),
            ("DELETE", path),
            ("GET", f"{path}/members"),
        ):
            self.assertEqual(self.request(method, where).status, 404, (method, where))
        listed = self.request("GET", "/v1/images/detail").body
        self.assertNotIn(image_id.encode(), listed)

    def test_again(self):
        """The owner sees nothing to delete; an operator may not (D-15)."""
        image_id = self.deleted()
        self.assertEqual(self.delete(image_id).status, 404)
        self.api.caller = ADMIN
        response = self.delete(image_id)
        self.assertEqual(response.status, 403)
        self.assertIn(b"pending_delete", response.body)
        self.assertEqual(self.kept(), {image_id})

    def test_without_bytes(self):
        """An image without bytes is deleted at once, in whatever state (D-16)."""
        for status in Status.QUEUED, Status.SAVING, Status.KILLED:
            image_id = self.in_status(status)
            self.assertEqual(self.delete(image_id).status, 200)
            self.assertIs(self.record(image_id).status, Status.DELETED)
        empty = self.create({"x-image-meta-size": "0"})["id"]
        self.assertEqual(self.delete(empty).status, 200)
        self.assertIs(self.record(empty).status, Status.DELETED)

    def test_deactivated(self):
        """A withdrawn image can be deleted too, and keeps its bytes as well (D-04)."""
        image_id = self.in_status(Status.DEACTIVATED)
        self.assertEqual(self.delete(image_id).status, 200)
        self.assertIs(self.record(image_id).status, Status.PENDING_DELETE)

    def test_scrubbed(self):
        """When the time has passed the bytes go, and the record says so (D-17)."""
        image_id = self.deleted()
        deleted_at = self.record(image_id).deleted_at
        self.api.clock.advance(3599)
        self.assertEqual(self.do(self.api.janitor.clean()), 0)
        self.assertEqual(self.kept(), {image_id})
        self.api.clock.advance(1)
        self.assertEqual(self.do(self.api.janitor.clean()), 1)
        self.assertEqual(self.kept(), set())
        record = self.record(image_id)
        self.assertIs(record.status, Status.DELETED)
        self.assertEqual(record.deleted_at, deleted_at)
        self.assertEqual(record.locations, ())


class ScrubAtOnceTests(DelayedDeleteTests):
    """Without a scrub_time the next round of the scrubber takes them."""

    def make_api(self):
        return Api(caller=OWNER, scrub_time=0.0)

    def test_scrubbed(self):
        """The next round takes them (D-17)."""
        self.deleted()
        self.assertEqual(self.do(self.api.janitor.clean()), 1)
        self.assertEqual(self.kept(), set())


class TroubleTests(ApiCase):
    """A store that does not part with the bytes."""

    def make_api(self):
        self.failing = FailingStore(MemoryStore(Api().clock), DataInUse(), on=())
        return Api(store=self.failing, scrub_time=3600.0)

    def test_in_use(self):
        """The client is not told, and the scrubber comes again, less and less often (D-17)."""
        image_id = self.active()
        self.assertEqual(self.delete(image_id).status, 200)
        self.failing.on = frozenset({"delete"})
        tries = []
        for second in range(0, 20000, 10):
            if self.do(self.api.janitor.clean()):
                tries.append(second)
            self.api.clock.advance(10)
        self.assertEqual(
            tries, [3600, 3660, 3720, 3840, 4080, 4560, 5520, 7440, 11040, 14640, 18240]
        )
        self.assertIs(self.record(image_id).status, Status.PENDING_DELETE)
        self.failing.on = frozenset()
        self.api.clock.advance(3600)
        self.do(self.api.janitor.clean())
        self.assertIs(self.record(image_id).status, Status.DELETED)
