"""Uploads that fail: what the client is told, and what is left (contract §6.4, §6.8)."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from zope.interface import implementer

from glancetx.access import Caller
from glancetx.errors import (
    DataExists,
    NoSuchData,
    StoreForbids,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from glancetx.image import Status
from glancetx.interfaces import IReadableStore
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from tests.web.api import FORMATS, Api
from tests.web.v1.case import AN_ID, HELLO, HELLO_MD5, ApiCase

UPLOAD = {**FORMATS, "x-image-meta-id": AN_ID}


class KilledTests(ApiCase):
    """Data that is refused kills the image, and leaves no bytes."""

    def assert_kills(self, status, fragment, headers=None, body=HELLO):
        response = self.post({**UPLOAD, **(headers or {})}, body)
        self.assert_status(response, status, fragment)
        self.assert_killed_without_bytes()

    def test_no_content_type(self):
        """Data needs its content type (C-05)."""
        headers = {name: text for name, text in UPLOAD.items() if name != "Content-Type"}
        self.assert_status(self.post(headers, HELLO), 400, "Content-Type must be application/octet")
        self.assert_killed_without_bytes()

    def test_other_content_type(self):
        """Another one will not do (C-05)."""
        self.assert_kills(400, "Content-Type must be", {"Content-Type": "text/plain"})

    def test_case_of_the_content_type(self):
        """It is compared as it is written (C-05)."""
        self.assert_kills(400, "Content-Type", {"Content-Type": "Application/Octet-Stream"})

    def test_form(self):
        """What curl sends by default is refused (T-06)."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assert_kills(400, "Content-Type must be", headers)

    def test_wrong_size(self):
        """More or less than promised is not the image (C-12)."""
        fragment = "Supplied size (6) and size generated from uploaded image (5) did not match"
        self.assert_kills(400, fragment, {"x-image-meta-size": "6"})
        self.assert_kept(AN_ID, "killed", size=6)

    def test_wrong_size_chunked(self):
        """So it is when the length is not announced."""
        for number, size in enumerate(("6", "4", "1")):
            image_id = f"{number}{AN_ID[1:]}"
            headers = {**UPLOAD, "x-image-meta-size": size, "x-image-meta-id": image_id}
            response = self.chunked("POST", "/v1/images", headers, HELLO)
            self.assert_status(response, 400, "did not match")
            self.assert_killed_without_bytes(image_id)

    def test_wrong_checksum(self):
        """Bytes that hash to something else are not the image (C-13)."""
        self.assert_kills(400, "Supplied checksum (abc)", {"x-image-meta-checksum": "abc"})
        self.assert_kept(AN_ID, "killed", checksum="abc")

    def test_checksum_in_upper_case(self):
        """Checksums are compared as text (C-13)."""
        headers = {"x-image-meta-checksum": HELLO_MD5.upper()}
        self.assert_kills(400, "did not match", headers)

    def test_size_before_checksum(self):
        """Of two broken promises the size is told."""
        headers = {"x-image-meta-checksum": "abc", "x-image-meta-size": "9"}
        self.assert_kills(400, "Supplied size", headers)

    def test_reason(self):
        """The record says why."""
        self.assert_kills(400, "", {"x-image-meta-size": "6"})
        self.assertIn("Supplied size (6)", self.record(AN_ID).status_reason)


class FailingStoreTests(ApiCase):
    """What a store may say, and what becomes of it (§6.8)."""

    def assert_answer(self, error, status, fragment, moment="add"):
        self.api = Api(store=FailingStore(MemoryStore(None), error, on={moment}))
        self.assert_status(self.post(UPLOAD, HELLO), status, fragment)
        self.assert_kept(AN_ID, "killed", locations=())

    def test_full(self):
        """A full medium is 413 (S-02)."""
        self.assert_answer(StoreFull(), 413, "Image storage media is full")
        self.assert_answer(StoreFull(), 413, "Image storage media is full", "write")

    def test_read_only(self):
        """A store that was set up so is 410 (S-02)."""
        self.assert_answer(StoreReadOnly(), 410, "Adding images to store is disabled")

    def test_forbidden(self):
        """A medium that denies writing is 503 (S-02)."""
        fragment = "Insufficient permissions on image storage media"
        self.assert_answer(StoreForbids(), 503, fragment)

    def test_unavailable(self):
        """A store out of reach is 500, as every other failure."""
        self.assert_answer(StoreUnavailable(), 500, f"Failed to upload image {AN_ID}")

    def test_duplicate(self):
        """Bytes that are there already are not overwritten."""
        self.assert_answer(DataExists(AN_ID), 409, "Attempt to upload duplicate image")

    def test_mistake(self):
        """An error that nobody foresaw is 500, and tells nothing of itself."""
        self.assert_answer(ValueError("secret"), 500, "")
        self.assertNotIn(b"secret", self.head(AN_ID).body)
        self.assertEqual(self.record(AN_ID).status_reason, "Internal error")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


@implementer(IReadableStore)
class _ReadOnly:
    """Gives nothing, and takes nothing."""

    async def open(self, key, offset=0, length=None):
        raise NoSuchData()


class ReadOnlySchemeTests(ApiCase):
    """A store that only gives."""

    def make_api(self) -> Api:
        return Api(more_stores=(ShelvedStore("attic", _ReadOnly(), frozenset({"http"})),))

    def test_named(self):
        """To name it for an upload is 410, and kills (C-14)."""
        response = self.post({**UPLOAD, "x-image-meta-store": "http"}, HELLO)
        self.assert_status(response, 410, "Adding images to store is disabled")
        self.assert_killed_without_bytes()


class BrokenBodyTests(ApiCase):
    """Bodies that do not arrive."""

    def test_client_leaves(self):
        """The image is killed and nothing is left (S-01)."""
        client = self.begin("POST", "/v1/images", UPLOAD, length=50)
        client.send(HELLO)
        self.assert_kept(AN_ID, "saving")
        client.disconnect()
        self.assert_killed_without_bytes()
        reason = "Client disconnected before sending all data to backend"
        self.assertEqual(self.record(AN_ID).status_reason, reason)

    def test_client_stops_sending(self):
        """A client that ends its side early is told so."""
        client = self.begin("POST", "/v1/images", UPLOAD, length=50)
        client.send(HELLO)
        client.close_our_side()
        self.assert_status(client.response(), 400, "Client disconnected before sending all data")
        self.assert_killed_without_bytes()

    def test_malformed_chunks(self):
        """So is one whose chunks make no sense."""
        client = self.begin("POST", "/v1/images", {**UPLOAD, "Transfer-Encoding": "chunked"})
        client.send_chunk(HELLO)
        client.send(b"zz\r\n")
        self.assert_status(client.response(), 400, "Client disconnected before sending all data")
        self.assert_killed_without_bytes()

    def test_silent_client(self):
        """A client that sends nothing for too long is cut, and its image killed."""
        client = self.begin("POST", "/v1/images", UPLOAD, length=50)
        client.send(HELLO)
        for _ in range(20):
            self.api.clock.advance(10)
        self.assertTrue(client.transport.disconnecting)
        client.disconnect()
        self.assert_killed_without_bytes()


class _Sulking(MemoryStore):
    """Fails when it is told to stop."""

    async def add(self, image_id, data):
        try:
            return await super().add(image_id, data)
        except CancelledError:
            raise StoreUnavailable() from None


class LeftTests(ApiCase):
    """What else goes wrong when the client has left."""

    def make_api(self) -> Api:
        return Api(store=_Sulking(None))

    def test_client_leaves(self):
        """Nobody is there to be told, and it is not an error that nobody has handled."""
        client = self.begin("POST", "/v1/images", UPLOAD, length=50)
        client.send(HELLO)
        self.assert_kept(AN_ID, "saving")
        client.disconnect()
        self.assertEqual(self.record(AN_ID).status_reason, f"Failed to upload image {AN_ID}")
        self.assertEqual(self.flushLoggedErrors(), [])


class RaceTests(ApiCase):
    """Two requests for one image."""

    def setUp(self):
        super().setUp()
        self.uploader = self.begin("POST", "/v1/images", UPLOAD, length=5)
        self.uploader.send(b"he")
        self.addCleanup(self.uploader.disconnect)

    def test_second_upload(self):
        """A second upload is refused, the first one succeeds (S-03) (U-22)."""
        self.assert_status(self.put(AN_ID, FORMATS, b"other"), 409, "Cannot upload to an unqueued")
        self.uploader.send(b"llo")
        self.assert_status(self.uploader.response(), 201)
        self.assertEqual(self.get(AN_ID).body, HELLO)

    def test_deletion(self):
        """A deletion ends the upload at once, and nothing is left (S-04)."""
        self.assert_status(self.delete(AN_ID), 200)
        fragment = f"Image {AN_ID} could not be found after upload"
        self.assert_status(self.uploader.response(), 412, fragment)
        self.assert_kept(AN_ID, "deleted", locations=())
        self.assertEqual(self.stored(), {})

    def test_deletion_by_its_owner(self):
        """The same holds for everybody who may delete it (S-05)."""
        self.api.caller = Caller(owner="t1", is_authenticated=True)
        image_id = self.queued(FORMATS)
        uploader = self.begin("PUT", f"/v1/images/{image_id}", FORMATS, length=5)
        uploader.send(b"he")
        self.assert_status(self.delete(image_id), 200)
        self.assert_status(uploader.response(), 412, "could not be found after upload")
        self.assertEqual(self.stored(), {})

    def test_killed_image(self):
        """A killed image takes no more data (S-06) (U-22)."""
        killed = self.in_status(Status.KILLED, FORMATS)
        self.assert_status(self.put(killed, FORMATS, HELLO), 409, "Cannot upload to an unqueued")

    def test_status_by_header(self):
        """No header makes an image active (S-07)."""
        image_id = self.queued()
        response = self.put(image_id, {"x-image-meta-status": "active"})
        self.assert_status(response, 403, "Forbidden to modify 'status' of image")
        self.assert_kept(image_id, "queued")
