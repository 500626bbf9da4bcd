"""What a POST may decide about the new record, and which error wins (contract §3.2 to §3.6)."""

from __future__ import annotations

from glancetx.image import Status
from glancetx.limits import Limits
from tests.web.api import FORMATS, Api
from tests.web.v1.case import ADMIN, AN_ID, ANOTHER_ID, HELLO, OWNER, STRANGER, AttributeCase


class IdTests(AttributeCase):
    """Ids that the client chooses."""

    def test_no_uuid(self):
        """An id looks like a UUID (H-25)."""
        for text in ("abc", f"urn:uuid:{AN_ID}", f"{{{AN_ID}}}", f"{AN_ID}0"):
            self.assert_refused("id", text, "Invalid image id format")

    def test_verbatim(self):
        """It is kept as it was written (H-26)."""
        for text in (AN_ID.replace("-", ""), "ABCDEF00-2222-3333-4444-555555555555"):
            self.assert_stored("id", text, text)
            self.assertEqual(self.head(text).status, 200)
        self.assertEqual(self.head("abcdef00-2222-3333-4444-555555555555").status, 404)

    def test_generated(self):
        """An empty one is like none."""
        self.assertRegex(self.create({"x-image-meta-id": ""})["id"], "^[0-9a-f-]{36}$")

    def test_taken(self):
        """An id is used once, also when its image is gone (H-27) (D-18, R18)."""
        headers = {"x-image-meta-id": self.active()}
        self.assert_status(self.post(headers), 409, "already exists")
        self.delete(headers["x-image-meta-id"])
        self.assert_status(self.post(headers), 409, "already exists")
        self.api.caller = STRANGER
        self.assert_status(self.post(headers), 409, "already exists")


class ServerDecidesTests(AttributeCase):
    """What a client may say without effect."""

    def test_status(self):
        """The state of a new image is not the client's to choose (H-28, R16)."""
        self.assert_stored("status", "killed", "queued")

    def test_owner(self):
        """Only an operator gives images to others (H-31)."""
        self.api.caller = OWNER
        self.assert_stored("owner", "zz", "t1")
        self.api.caller = ADMIN
        self.assert_stored("owner", "zz", "zz")
        self.assert_stored("owner", "None", "None")
        self.assertEqual(self.create()["owner"], "t9")

    def test_no_owner(self):
        """An operator may leave an image without an owner (H-32)."""
        self.api.caller = ADMIN
        self.assert_stored("owner", "", None)

    def test_replicator(self):
        """What the replicator sends back is accepted (H-36)."""
        headers = {
            "x-image-meta-deleted": "False",
            "x-image-meta-virtual_size": "None",
            "x-image-meta-status": "active",
        }
        self.assertEqual(self.create(headers)["status"], "queued")

    def test_deleted(self):
        """No image is born deleted (R16)."""
        self.assert_stored("deleted", "True", False)


class StoreHeaderTests(AttributeCase):
    """The store that a client names."""

    def test_unknown(self):
        """An unknown store is refused before a record is made (H-33)."""
        self.assert_refused("store", "bad", "Required store bad is invalid")


class PropertyQuotaTests(AttributeCase):
    """The number of properties."""

    def post_with(self, count):
        headers = {f"x-image-meta-property-k{n}": "v" for n in range(count)}
        return self.post({**headers, "x-image-meta-id": ANOTHER_ID})

    def test_default(self):
        """More than 128 are too many (H-34, R21)."""
        self.assert_status(
            self.post_with(129), 413, "image properties. Attempted: 129, Maximum: 128"
        )
        self.assert_no_record(ANOTHER_ID)
        self.assert_status(self.post_with(128), 201)

    def test_unlimited(self):
        """A negative quota lifts the limit."""
        self.api = Api(limits=Limits(image_property_quota=-1))
        self.assert_status(self.post_with(200), 201)

    def test_none(self):
        """A quota of 0 forbids them."""
        self.api = Api(limits=Limits(image_property_quota=0))
        self.assert_status(self.post_with(1), 413)
        self.assert_status(self.post_with(0), 201)


class OrderTests(AttributeCase):
    """Which error wins (§3.6)."""

    def test_headers_before_quota(self):
        """A bad header is told before a quota is."""
        self.api = Api(limits=Limits(image_property_quota=0))
        headers = {"x-image-meta-foo": "1", "x-image-meta-property-k": "v"}
        self.assert_status(self.post(headers), 400, "Bad header")

    def test_unknown_before_numbers_before_formats(self):
        """Unknown names come first, then integers, then formats."""
        headers = {"x-image-meta-disk_format": "bad", "x-image-meta-size": "bad"}
        self.assert_status(self.post({**headers, "x-image-meta-foo": "1"}), 400, "Bad header")
        self.assert_status(self.post(headers), 400, "Cannot convert")

    def test_store_before_duplicate(self):
        """The store is judged before the id."""
        headers = {"x-image-meta-id": self.queued(), "x-image-meta-store": "bad"}
        self.assert_status(self.post(headers), 400, "Required store")

    def test_duplicate_before_data(self):
        """A duplicate is refused before its data is looked at."""
        headers = {**FORMATS, "x-image-meta-id": self.queued(), "Content-Type": "text/plain"}
        self.assert_status(self.post(headers, HELLO), 409)
        self.assert_kept(headers["x-image-meta-id"], Status.QUEUED.value)

    def test_bad_host_before_record(self):
        """A Host header that cannot make a Location is refused before a record is made."""
        client = self.api.connect()
        client.send(
            b"POST /v1/images HTTP/1.1\r\nHost: a b\r\nContent-Length: 0\r\n"
            b"x-image-meta-id: %b\r\n\r\n" % AN_ID.encode()
        )
        self.assertIn(b"HTTP/1.1 400 ", client.written)
        self.assert_no_record()


class ExternalSourceTests(AttributeCase):
    """No store here reads what lies elsewhere."""

    def test_location(self):
        """A location is refused before a record is made, whatever its scheme."""
        for source in ("http://x/", "file:///etc/passwd", "swift+config://x", "FILE:///x"):
            self.assert_refused("location", source, "External sources are not supported")

    def test_empty(self):
        """An empty one is told apart."""
        self.assert_refused("location", "", "External source should not be empty")

    def test_copy_from(self):
        """So is a source to copy from."""
        headers = {"x-image-meta-id": AN_ID}
        for text, fragment in (("http://x/", "not supported"), ("", "should not be empty")):
            response = self.post({**headers, "x-glance-api-copy-from": text})
            self.assert_status(response, 400, fragment)
            self.assert_no_record()
        image_id = self.queued()
        self.assert_status(self.put(image_id, {"x-glance-api-copy-from": "http://x/"}), 400)
        self.assert_status(self.put(image_id, {"x-image-meta-location": "http://x/"}), 400)

    def test_secrets(self):
        """What the client gave is not repeated beyond its scheme."""
        response = self.post({"x-image-meta-location": "swift://user:secret@host/x"})
        self.assertNotIn(b"secret", response.body)
