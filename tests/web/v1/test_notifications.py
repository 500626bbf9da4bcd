"""What is told of each request (contract §10.2)."""

from __future__ import annotations

from twisted.internet.task import Clock

from glancetx.errors import RemoteBroken
from glancetx.image import Status
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from glancetx.testing.streams import HANG
from tests.cache.case import make_cache
from tests.elsewhere import HERE, HOST, Elsewhere
from tests.web.api import FORMATS, Api
from tests.web.v1.case import AN_ID, HELLO, OWNER, STRANGER, ApiCase

UPLOADED = ["prepare", "upload", "activate", "update"]
LOCATION = {"x-image-meta-location": HERE, **FORMATS}
COPY = {"x-glance-api-copy-from": HERE}


class SequenceTests(ApiCase):
    """Which events an operation has, and in which order."""

    def make_api(self) -> Api:
        self.elsewhere = Elsewhere()
        return Api(more_stores=(self.elsewhere.shelved,))

    def assert_told(self, *events: str) -> None:
        """These are all that was told since the last time."""
        self.assertEqual(self.api.told.events, list(events))
        self.api.told.forget()

    def test_reserve(self) -> None:
        """A POST without data, or of an empty image, makes a record."""
        document = self.create()
        self.assertEqual(self.api.told.of("create"), document)
        self.assert_told("create")
        self.create({**FORMATS, "x-image-meta-size": "0"})
        self.assertEqual(self.api.told.of("create")["status"], "active")

    def test_post(self) -> None:
        """A POST with data, whose last word is what the client is answered (N-01)."""
        document = self.create({**FORMATS, "x-image-meta-property-k": "v"}, HELLO)
        self.assertEqual(self.api.told.of("create")["status"], "queued")
        self.assertEqual(self.api.told.of("prepare")["status"], "queued")
        uploaded = self.api.told.of("upload")
        self.assertEqual((uploaded["status"], uploaded["size"]), ("saving", 5))
        self.assertEqual(uploaded["checksum"], document["checksum"])
        self.assertEqual(self.api.told.of("activate"), document)
        self.assertEqual(self.api.told.of("update"), document)
        self.assert_told("create", *UPLOADED)

    def test_put_data(self) -> None:
        """A PUT with data is an upload, and an update of the record."""
        image_id = self.queued()
        self.api.told.forget()
        document = self.document(self.put(image_id, FORMATS, HELLO))
        self.assertEqual(self.api.told.notifications[-1].payload, document)
        self.assert_told(*UPLOADED, "update")

    def test_put(self) -> None:
        """A PUT of metadata."""
        image_id = self.active()
        self.api.told.forget()
        document = self.document(self.put(image_id, {"x-image-meta-name": "n"}))
        self.assertEqual(self.api.told.of("update"), document)
        self.assert_told("update")

    def test_location(self) -> None:
        """An image that stays elsewhere is not uploaded."""
        self.create(LOCATION)
        self.assert_told("create", "activate", "update")
        image_id = self.queued()
        self.api.told.forget()
        self.document(self.put(image_id, LOCATION))
        self.assert_told("activate", "update", "update")

    def test_copy(self) -> None:
        """A copy is uploaded when its bytes come."""
        self.elsewhere.then = HANG
        self.create(COPY)
        self.assert_told("create", "prepare")
        self.elsewhere.sources[0].finish()
        self.assert_told(*UPLOADED[1:])
        image_id = self.queued()
        self.api.told.forget()
        self.document(self.put(image_id, COPY))
        self.assertEqual(sorted(self.api.told.events), sorted(["prepare", "update"]))
        self.elsewhere.sources[1].finish()

    def test_delete(self) -> None:
        """A DELETE."""
        image_id = self.active()
        self.api.told.forget()
        self.assert_status(self.delete(image_id), 200)
        self.assertEqual(self.api.told.of("delete")["status"], "deleted")
        self.assert_told("delete")

    def test_bad_checksum(self) -> None:
        """Bytes that are not those that were promised are told as a failure, in words (N-03)."""
        headers = {**FORMATS, "x-image-meta-id": AN_ID, "x-image-meta-checksum": "0" * 32}
        self.assert_status(self.post(headers, HELLO), 400)
        sentence = self.api.told.of("UPLOAD")
        self.assertTrue(sentence.startswith(f"Failed to upload image {AN_ID}: "), sentence)
        self.assertIn("checksum", sentence)
        self.assert_told("create", "prepare", "UPLOAD")

    def test_bad_content_type(self) -> None:
        """An upload of another type never begins."""
        self.post({**FORMATS, "Content-Type": "text/plain"}, HELLO)
        self.assert_told("create")

    def test_refused(self) -> None:
        """What is refused, and what only looks, is not told."""
        image_id = self.active()
        self.api.told.forget()
        self.head(image_id)
        self.request("GET", "/v1/images/detail")
        self.put(image_id, {"x-image-meta-status": "queued"})
        self.post({"x-image-meta-id": image_id})
        self.request("PUT", f"/v1/images/{image_id}/members/m")
        self.api.caller = STRANGER
        self.delete(image_id)
        self.get(image_id, {"Range": "bytes=99-"})
        self.assert_told()

    def test_client_leaves(self) -> None:
        """An upload that its client breaks off has begun, and is not told to have failed."""
        client = self.begin("POST", "/v1/images", {**FORMATS, "x-image-meta-id": AN_ID}, 9)
        client.send(HELLO)
        client.disconnect()
        self.assert_kept(AN_ID, "killed")
        self.assert_told("create", "prepare")

    def test_no_location(self) -> None:
        """Nothing that is told has a location in it, nor what is in one (N-04)."""
        self.create({**LOCATION, "x-image-meta-id": AN_ID})
        self.get(AN_ID)
        self.put(AN_ID, {"x-image-meta-name": "n"})
        self.delete(AN_ID)
        self.create(COPY)
        self.elsewhere.then = RemoteBroken()
        self.create(COPY)
        self.assertEqual(len(self.api.told.notifications), 14)
        for notification in self.api.told.notifications:
            text = notification.to_json().decode()
            for secret in (HOST, "secret", "example.org", "location", "store"):
                self.assertNotIn(secret, text)

    def test_properties(self) -> None:
        """A deleted image is told with the properties that it had."""
        image_id = self.active({"x-image-meta-property-k": "v"})
        self.delete(image_id)
        self.assertEqual(self.api.told.of("delete")["properties"], {"k": "v"})
        self.assertEqual(self.record(image_id).properties, {})


class SendTests(ApiCase):
    """What is told of downloads."""

    def make_api(self) -> Api:
        clock = Clock()
        cache = make_cache(clock, self.mktemp())
        self.addCleanup(cache.stopService)
        return Api(clock=clock, cache=cache, caller=OWNER)

    def assert_sent(self, count: int, event: str = "send") -> None:
        """One download was told, of so many bytes."""
        self.assertEqual(self.api.told.of(event)["bytes_sent"], count)
        self.assertEqual(self.api.told.events, [event])
        self.api.told.forget()

    def downloadable(self, body: bytes = HELLO) -> str:
        image_id = self.active(body=body)
        self.api.told.forget()
        return image_id

    def test_get(self) -> None:
        """A GET, by store and by cache, tells of each byte and where it went (N-02)."""
        image_id = self.downloadable()
        self.get(image_id)
        payload = self.api.told.of("send")
        self.assertEqual(payload["image_id"], image_id)
        self.assertEqual(payload["owner_id"], "t1")
        self.assertEqual(payload["destination_ip"], "127.0.0.1")
        self.assert_sent(5)
        self.api.store._images.clear()
        self.assert_status(self.get(image_id), 200)
        self.assertEqual(self.api.cache.hits, 1)
        self.assert_sent(5)

    def test_range(self) -> None:
        """A part that was asked for is whole."""
        image_id = self.downloadable()
        self.assert_status(self.get(image_id, {"Range": "bytes=1-3"}), 206)
        self.assert_sent(3)

    def test_empty(self) -> None:
        """So is an empty image."""
        image_id = self.create({**FORMATS, "x-image-meta-size": "0"})["id"]
        self.api.told.forget()
        self.get(image_id)
        self.assert_sent(0)

    def test_client_leaves(self) -> None:
        """A client that leaves has not got it."""
        image_id = self.downloadable(bytes(1 << 20))
        client = self.api.connect(send_buffer=1000)
        client.begin("GET", f"/v1/images/{image_id}")
        self.assertEqual(self.api.told.events, [])
        client.disconnect()
        sent = self.api.told.of("SEND")["bytes_sent"]
        self.assertTrue(0 < sent < 1 << 20, sent)
        self.assert_sent(sent, "SEND")

    def test_refused(self) -> None:
        """Nothing is told of what was refused before its first byte."""
        image_id = self.downloadable()
        self.move(image_id, Status.DEACTIVATED)
        self.assert_status(self.get(image_id), 403)
        self.assertEqual(self.api.told.events, [])


class UnknownLengthTests(ApiCase):
    """Downloads of which nobody knows how long they are."""

    def make_api(self) -> Api:
        self.elsewhere = Elsewhere(tells_size=False)
        return Api(more_stores=(self.elsewhere.shelved,))

    def setUp(self) -> None:
        super().setUp()
        self.create({**LOCATION, "x-image-meta-id": AN_ID})
        self.api.told.forget()

    def test_whole(self) -> None:
        """It is whole when its source ends."""
        self.assertEqual(self.get(AN_ID).body, HELLO)
        self.assertEqual(self.api.told.of("send")["bytes_sent"], 5)

    def test_broken(self) -> None:
        """It is not when its source breaks."""
        self.elsewhere.then = RemoteBroken()
        client = self.begin("GET", f"/v1/images/{AN_ID}", {})
        client.disconnect()
        self.assertEqual(self.api.told.of("SEND")["bytes_sent"], 5)


class FailureTests(ApiCase):
    """What is told of stores that fail."""

    def make_api(self) -> Api:
        return Api(store=FailingStore(MemoryStore(None), RuntimeError("password=secret")))

    def test_upload(self) -> None:
        """That it failed, and nothing of what the store said (R2)."""
        self.assert_status(self.post(FORMATS, HELLO), 500)
        self.assertEqual(self.api.told.events, ["create", "prepare", "UPLOAD"])
        self.assertNotIn("secret", self.api.told.of("UPLOAD"))
        self.flushLoggedErrors(RuntimeError)
