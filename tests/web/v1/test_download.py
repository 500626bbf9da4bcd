"""HEAD and GET of an image, byte by byte (contract §4)."""

from __future__ import annotations

from glancetx.errors import StoreUnavailable
from glancetx.image import Status
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore, SlowStore
from tests.web.api import FORMATS, Api
from tests.web.v1.case import ADMIN, AN_ID, HELLO, HELLO_MD5, OWNER, STRANGER, ApiCase

COMMON = (
    b"X-Image-Meta-Id: 11111111-2222-3333-4444-555555555555\r\n"
    b"X-Image-Meta-Name: n\r\n"
    b"X-Image-Meta-Status: active\r\n"
    b"X-Image-Meta-Size: 5\r\n"
    b"X-Image-Meta-Virtual_size: 9\r\n"
    b"X-Image-Meta-Checksum: 5d41402abc4b2a76b9719d911017c592\r\n"
    b"X-Image-Meta-Disk_format: raw\r\n"
    b"X-Image-Meta-Container_format: bare\r\n"
    b"X-Image-Meta-Min_disk: 0\r\n"
    b"X-Image-Meta-Min_ram: 0\r\n"
    b"X-Image-Meta-Is_public: False\r\n"
    b"X-Image-Meta-Protected: False\r\n"
    b"X-Image-Meta-Deleted: False\r\n"
    b"X-Image-Meta-Owner: t1\r\n"
    b"X-Image-Meta-Created_at: 1970-01-01T00:00:00.000000\r\n"
    b"X-Image-Meta-Updated_at: 1970-01-01T00:00:00.000002\r\n"
    b"X-Image-Meta-Property-Os_x: \xc3\xbc\r\n"
    b"ETag: 5d41402abc4b2a76b9719d911017c592\r\n"
)
FULL = {
    **FORMATS,
    "x-image-meta-id": AN_ID,
    "x-image-meta-name": "n",
    "x-image-meta-virtual_size": "9",
    "x-image-meta-property-os-x": "ü",
}


class WireTests(ApiCase):
    """The whole response, as it goes over the wire."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER
        self.create(FULL, HELLO)
        self.client = self.api.connect()

    def headers(self, method):
        """Everything but what Twisted adds, and the request id."""
        self.client.request(method, f"/v1/images/{AN_ID}")
        status, *lines = self.client.written.split(b"\r\n")
        self.assertEqual(status, b"HTTP/1.1 200 OK")
        others = (b"Server: ", b"Date: ", b"X-Openstack-Request-Id: ")
        return b"\r\n".join(line for line in lines if not line.startswith(others))

    def test_head(self):
        """HEAD has the metadata, the type of an empty page, and no length (O-03)."""
        self.assertEqual(
            self.headers("HEAD"),
            COMMON + b"Content-Type: text/html; charset=UTF-8\r\nContent-Length: 0\r\n\r\n",
        )

    def test_get(self):
        """GET has the metadata, a type that nobody renders, length, and the bytes (O-05, R25)."""
        self.assertEqual(
            self.headers("GET"),
            COMMON + b"Content-Type: application/octet-stream\r\n"
            b"Content-Length: 5\r\nAccept-Ranges: bytes\r\n\r\nhello",
        )

    def test_no_more_headers_than_needed(self):
        """Only Server, Date and the request id come beside: clients bear 100 fields at most."""
        self.client.request("GET", f"/v1/images/{AN_ID}")
        fields = self.client.written.split(b"\r\n\r\n")[0].count(b"\r\n")
        self.assertEqual(fields, COMMON.count(b"\r\n") + 3 + 3)


class DocumentTests(ApiCase):
    """The image object, and what comes with it."""

    def test_created(self):
        """POST answers location, tag and exactly 18 keys (O-01) (O-02)."""
        response = self.request("POST", "/v1.1/images", FULL, HELLO)
        self.assert_status(response, 201)
        self.assertEqual(
            response.header("Location"), f"http://glance.example:9292/v1/images/{AN_ID}"
        )
        self.assertEqual(response.header("ETag"), HELLO_MD5)
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(
            response.body,
            b'{"image": {"id": "11111111-2222-3333-4444-555555555555", "name": "n", '
            b'"status": "active", "size": 5, "virtual_size": 9, '
            b'"checksum": "5d41402abc4b2a76b9719d911017c592", "disk_format": "raw", '
            b'"container_format": "bare", "min_disk": 0, "min_ram": 0, "is_public": false, '
            b'"protected": false, "deleted": false, "owner": null, '
            b'"created_at": "1970-01-01T00:00:00.000000", '
            b'"updated_at": "1970-01-01T00:00:00.000002", "deleted_at": null, '
            b'"properties": {"os_x": "\\u00fc"}}}',
        )

    def test_reserved(self):
        """A reserved image has no tag, no checksum and a size of 0 (O-02)."""
        response = self.post()
        document = self.document(response, 201)
        self.assertEqual(len(document), 18)
        self.assertEqual((document["checksum"], document["size"]), (None, 0))
        self.assertIsNone(response.header("ETag"))

    def test_head_of_a_reserved_image(self):
        """What is null has no header (O-04)."""
        response = self.head(self.queued())
        self.assertEqual(response.header("x-image-meta-size"), "0")
        for name in (
            "name",
            "checksum",
            "disk_format",
            "container_format",
            "virtual_size",
            "deleted_at",
            "owner",
        ):
            self.assertIsNone(response.header(f"x-image-meta-{name}"), name)
        self.assertIsNone(response.header("ETag"))


class StateTests(ApiCase):
    """What GET and HEAD say about images that are not active (§4.5)."""

    def test_not_active(self):
        """There is nothing to get, for nobody (O-07)."""
        states = (Status.QUEUED, Status.SAVING, Status.KILLED, Status.PENDING_DELETE)
        for status in states:
            self.api.caller = OWNER
            image_id = self.in_status(status)
            self.api.caller = ADMIN
            self.assert_status(self.get(image_id), 404, f"Image {image_id} is not active")

    def test_deactivated(self):
        """Withdrawn bytes are withheld from everybody (O-08)."""
        image_id = self.in_status(Status.DEACTIVATED)
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            self.assert_status(self.get(image_id), 403, "is deactivated")

    def test_head(self):
        """HEAD tells the state (O-09)."""
        for status in (Status.QUEUED, Status.SAVING, Status.KILLED, Status.DEACTIVATED):
            response = self.head(self.in_status(status))
            self.assertEqual(response.status, 200)
            self.assertEqual(response.header("x-image-meta-status"), status.value)

    def test_invisible(self):
        """Another tenant's image is unknown."""
        self.api.caller = OWNER
        image_id = self.active()
        self.api.caller = STRANGER
        self.assert_status(self.get(image_id), 404, "not found")
        self.assert_status(self.head(image_id), 404)


class ReasonTests(ApiCase):
    """Why an upload failed is told to those who may try again."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER
        headers = {**FULL, "x-image-meta-size": "6", "x-image-meta-is_public": "True"}
        self.assert_status(self.post(headers, HELLO), 400)

    def reason(self, caller):
        self.api.caller = caller
        return self.head(AN_ID).header("X-Glancetx-Status-Reason")

    def test_owner_and_operator(self):
        """They are told."""
        for caller in (OWNER, ADMIN):
            self.assertIn("Supplied size (6)", self.reason(caller) or "")

    def test_stranger(self):
        """Others are not, also when they see the image."""
        self.assertIsNone(self.reason(STRANGER))

    def test_no_reason(self):
        """An image with which nothing is wrong has none."""
        image_id = self.active()
        self.assertIsNone(self.head(image_id).header("X-Glancetx-Status-Reason"))


class RangeTests(ApiCase):
    """A broken download may be resumed."""

    def setUp(self):
        super().setUp()
        self.image_id = self.active()

    def test_part(self):
        """One range of bytes is served (O-06, superseded)."""
        response = self.get(self.image_id, {"Range": "bytes=1-2"})
        self.assertEqual((response.status, response.body), (206, b"el"))
        self.assertEqual(response.header("Content-Range"), "bytes 1-2/5")
        self.assertEqual(response.header("Content-Length"), "2")
        self.assertEqual(response.header("x-image-meta-size"), "5")
        self.assertEqual(response.header("ETag"), HELLO_MD5)

    def test_outside(self):
        """A range beyond the end is 416, and says where the end is."""
        response = self.get(self.image_id, {"Range": "bytes=5-"})
        self.assert_status(response, 416)
        self.assertEqual(response.header("Content-Range"), "bytes */5")
        self.assertIsNone(response.header("x-image-meta-size"))

    def test_changed(self):
        """If-Range with another tag gives the whole."""
        headers = {"Range": "bytes=1-2", "If-Range": "other"}
        self.assertEqual(self.get(self.image_id, headers).body, HELLO)
        headers["If-Range"] = HELLO_MD5
        self.assertEqual(self.get(self.image_id, headers).body, b"el")

    def test_conditions(self):
        """No conditional request is honoured."""
        headers = {"If-None-Match": HELLO_MD5, "If-Modified-Since": "Mon, 23 Nov 2026 00:00:00 GMT"}
        response = self.get(self.image_id, {**headers, "Accept-Encoding": "gzip"})
        self.assertEqual((response.status, response.body), (200, HELLO))


class StoreTests(ApiCase):
    """What the store says when it is asked."""

    def test_bytes_are_gone(self):
        """404 when the store has lost them; the record is still there (O-11)."""
        image_id = self.active()
        self.do(self.api.store.delete(image_id))
        response = self.get(image_id)
        self.assert_status(response, 404, "could not find")
        self.assertIsNone(response.header("Accept-Ranges"))
        self.assertEqual(self.head(image_id).status, 200)

    def test_unavailable(self):
        """503 when it cannot be reached."""
        store = FailingStore(MemoryStore(None), StoreUnavailable(), on={"open"})
        self.api = Api(store=store)
        self.assert_status(self.get(self.active()), 503)

    def test_size_at_this_moment(self):
        """GET tells the size that the store tells, HEAD the recorded one."""
        image_id = self.active()
        self.api.store._images[image_id] += b"!!"
        response = self.get(image_id)
        self.assertEqual((response.body, response.header("Content-Length")), (b"hello!!", "7"))
        self.assertEqual(response.header("x-image-meta-size"), "7")
        self.assertEqual(self.head(image_id).header("x-image-meta-size"), "5")

    def test_breaks_off(self):
        """When the store fails on the way the connection is broken off (O-14)."""
        store = FailingStore(MemoryStore(None), StoreUnavailable(), on={"read"})
        self.api = Api(store=store)
        client = self.api.connect()
        image_id = self.active()
        client.begin("GET", f"/v1/images/{image_id}")
        self.assertTrue(client.transport.is_aborted)
        client.disconnect()

    def test_client_leaves(self):
        """A client that leaves while the store is slow is nobody's error."""
        store = SlowStore(MemoryStore(None), on={"open"})
        self.api = Api(store=store)
        image_id = self.active()
        client = self.begin("GET", f"/v1/images/{image_id}", {})
        self.assertEqual(store.waiting, 1)
        client.disconnect()
        self.assertEqual(store.waiting, 0)

    def test_not_asked_for_an_empty_image(self):
        """An empty image is served without the store (O-10)."""
        self.api = Api(store=FailingStore(MemoryStore(None), StoreUnavailable()))
        image_id = self.queued({"x-image-meta-size": "0"})
        self.assertEqual((self.get(image_id).status, self.get(image_id).body), (200, b""))

    def test_not_asked_before_the_decision(self):
        """Whoever may not have the bytes does not make the store work (R1)."""
        store = FailingStore(MemoryStore(None), ZeroDivisionError(), on={"open"})
        self.api = Api(store=store, caller=OWNER)
        image_id = self.active()
        self.api.caller = STRANGER
        self.assert_status(self.get(image_id), 404)
