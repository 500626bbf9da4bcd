"""What an owner's images may take together, and the caps on one image (contract §6.5, §6.6)."""

from __future__ import annotations

from glancetx.errors import StoreReadOnly
from glancetx.image import Status
from glancetx.limits import Limits
from glancetx.testing.stores import FailingStore
from tests.web.api import FORMATS, Api
from tests.web.v1.case import ADMIN, AN_ID, ANOTHER_ID, OWNER, STRANGER, ApiCase

NAMED = {**FORMATS, "x-image-meta-id": AN_ID}


class QuotaTests(ApiCase):
    """An owner may keep a hundred bytes."""

    quota = 100

    def make_api(self):
        return Api(limits=Limits(user_storage_quota=self.quota), caller=OWNER)

    def assert_refused(self, response, image_id=AN_ID):
        """413 that names the quota, and the image is killed without bytes or reservation."""
        self.assertEqual(response.status, 413)
        self.assertIn(b"exceeds the quota", response.body)
        record = self.record(image_id)
        self.assertEqual((record.status, record.reserved), (Status.KILLED, 0))
        self.assertIn("quota", record.status_reason)
        self.assertNotIn(image_id, self.api.store._images)

    def test_known_size(self):
        """An announced size over the quota is refused before the store is asked (C-18)."""
        self.assert_refused(self.post(NAMED, bytes(101)))

    def test_unknown_size(self):
        """A stream is cut where the quota ends (C-18)."""
        client = self.begin("POST", "/v1/images", {**NAMED, "Transfer-Encoding": "chunked"})
        client.send_chunk(bytes(60))
        client.send_chunk(bytes(41))
        self.assert_refused(client.response())

    def test_claimed_size(self):
        """What the size header claims is what is asked for (C-18)."""
        headers = {**NAMED, "x-image-meta-size": "101"}
        self.assert_refused(self.chunked("POST", "/v1/images", headers, bytes(10)))

    def test_filled_exactly(self):
        """The last byte is allowed, and one more is not, announced or not (C-19)."""
        self.active(body=bytes(60))
        self.active(body=bytes(40))
        self.assert_refused(self.post(NAMED, b"x"))
        headers = {**FORMATS, "x-image-meta-id": ANOTHER_ID}
        self.assert_refused(self.chunked("POST", "/v1/images", headers, b"x"), ANOTHER_ID)

    def test_filled_exactly_by_a_stream(self):
        """So it is when nobody knows the size (C-19)."""
        response = self.chunked("POST", "/v1/images", FORMATS, bytes(60), bytes(40))
        self.assertEqual(response.status, 201)
        self.assert_refused(self.post(NAMED, b"x"))

    def test_reserving(self):
        """A record may claim any size: it takes nothing yet (C-20)."""
        image = self.create({**NAMED, "x-image-meta-size": "1000"})
        self.assertEqual(image["status"], "queued")
        self.active(body=bytes(100))

    def test_put(self):
        """Data that come with a PUT are measured alike (C-18)."""
        self.queued({"x-image-meta-id": AN_ID})
        self.assert_refused(self.put(AN_ID, FORMATS, bytes(101)))

    def test_others(self):
        """Each owner has his own quota; an operator's uploads count where the image belongs."""
        self.active(body=bytes(100))
        self.api.caller = STRANGER
        self.active(body=bytes(100))
        self.api.caller = ADMIN
        headers = {**NAMED, "x-image-meta-owner": "t1"}
        self.assert_refused(self.post(headers, b"x"))
        self.active(body=bytes(100))

    def test_deleted_images(self):
        """What is deleted takes nothing any more."""
        image_id = self.active(body=bytes(100))
        self.delete(image_id)
        self.active(body=bytes(100))

    def test_running_upload(self):
        """Bytes that may yet come count, until the upload has gone."""
        client = self.begin("POST", "/v1/images", FORMATS, length=70)
        client.send(bytes(10))
        self.assert_refused(self.post(NAMED, bytes(31)))
        client.disconnect()
        self.active(body=bytes(100))

    def test_deleted_while_uploading(self):
        """A deletion frees the quota as soon as the upload has cleared up, and not before (R11)."""
        self.queued({"x-image-meta-id": AN_ID})
        client = self.begin("PUT", f"/v1/images/{AN_ID}", FORMATS, length=70)
        client.send(bytes(10))
        self.assertEqual(self.record(AN_ID).reserved, 70)
        self.delete(AN_ID)
        self.assertEqual(client.response().status, 412)
        self.assertEqual(self.record(AN_ID).reserved, 0)
        self.active(body=bytes(100))


class UnitTests(ApiCase):
    """A quota of 1KB."""

    def make_api(self):
        return Api(limits=Limits(user_storage_quota=1024), caller=OWNER)

    def test_kilobyte(self):
        """1024 bytes are a kilobyte (F-05)."""
        self.active(body=bytes(1024))
        self.assertEqual(self.post(FORMATS, b"x").status, 413)


class DelayedTests(ApiCase):
    """With delayed deletion."""

    def make_api(self):
        limits = Limits(user_storage_quota=100)
        return Api(limits=limits, caller=OWNER, scrub_time=3600.0)

    def test_pending_images_count(self):
        """Bytes that are kept count until they are scrubbed."""
        image_id = self.active(body=bytes(100))
        self.delete(image_id)
        self.assertEqual(self.post(FORMATS, b"x").status, 413)
        self.api.clock.advance(3600)
        self.do(self.api.janitor.clean())
        self.active(body=bytes(100))


class PropertyQuotaTests(ApiCase):
    """The quota on properties."""

    def test_none_allowed(self):
        """A quota of 0 allows none (F-03)."""
        self.api = Api(limits=Limits(image_property_quota=0))
        self.assertEqual(self.post({"x-image-meta-property-a": "1"}).status, 413)

    def test_any_number(self):
        """A negative one allows any number (F-03)."""
        self.api = Api(limits=Limits(image_property_quota=-1))
        headers = {f"x-image-meta-property-p{n}": "1" for n in range(200)}
        self.assertEqual(self.post(headers).status, 201)


class ReadOnlyTests(ApiCase):
    """A store that cannot be written when the daemon starts."""

    def make_api(self):
        return Api(store=FailingStore(Api().store, StoreReadOnly(), on={"add"}))

    def test_read_only(self):
        """It takes no image, and says so (F-08)."""
        self.assertEqual(self.post(NAMED, b"x").status, 410)
        self.assertIs(self.record(AN_ID).status, Status.KILLED)
