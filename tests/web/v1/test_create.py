"""POST: reserving images, and taking their bytes in (contract §6)."""

from __future__ import annotations

import hashlib

from glancetx.access import Caller
from glancetx.limits import Limits
from tests.web.api import FORMATS, Api
from tests.web.v1.case import AN_ID, EMPTY_MD5, HELLO, HELLO_MD5, ApiCase

UPLOAD = {**FORMATS, "x-image-meta-id": AN_ID}


class CountTests(ApiCase):
    """An owner may have two images."""

    def make_api(self) -> Api:
        return Api(limits=Limits(image_count_total=2))

    def test_too_many(self):
        """R21: one more is 413 before its bytes are asked for; who deletes one may make another."""
        self.api.caller = Caller(owner="t1", is_authenticated=True)
        first = self.create()["id"]
        self.create(UPLOAD, HELLO)
        client = self.begin("POST", "/v1/images", {**FORMATS, "Expect": "100-continue"}, 10 << 20)
        self.assertEqual((client.response().status, client.continues), (413, 0))
        self.assertIn(
            b"exceeded on the number of allowed images. Attempted: 3, Maximum: 2",
            client.response().body,
        )
        self.assertEqual(self.post(UPLOAD).status, 409)
        self.api.caller = Caller(owner="t2", is_authenticated=True)
        self.create()
        self.api.caller = Caller(owner="t1", is_authenticated=True)
        self.assertEqual(self.request("DELETE", f"/v1/images/{first}").status, 200)
        self.create()


class ReserveTests(ApiCase):
    """A POST without data makes a record that waits."""

    def test_no_headers(self):
        """Nothing needs to be said (C-01)."""
        self.api.caller = Caller(owner="t1", is_authenticated=True)
        document = self.create()
        expected = {"status": "queued", "name": None, "size": 0, "is_public": False, "owner": "t1"}
        self.assertEqual({key: document[key] for key in expected}, expected)

    def test_no_length(self):
        """A content type does not make data of nothing (C-07)."""
        client = self.begin("POST", "/v1/images", FORMATS, length=0)
        self.assertEqual(self.document(client.response(), 201)["status"], "queued")
        self.assertEqual(self.create(FORMATS)["status"], "queued")

    def test_claimed_size(self):
        """A claimed size is answered as it was claimed."""
        document = self.create({"x-image-meta-size": "7", "x-image-meta-checksum": "abc"})
        self.assertEqual((document["size"], document["checksum"]), (7, "abc"))

    def test_empty_image(self):
        """A size of 0 and no data make an empty, active image without formats (C-10) (O-10)."""
        document = self.create({"x-image-meta-size": "0"})
        self.assertEqual((document["status"], document["checksum"]), ("active", None))
        response = self.get(document["id"])
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertEqual(response.header("Content-Length"), "0")
        self.assertEqual(response.header("Content-Type"), "application/octet-stream")
        self.assertIsNone(response.header("ETag"))

    def test_checksum_of_an_empty_image(self):
        """An empty image claims no checksum but its own."""
        empty = {"x-image-meta-size": "0"}
        self.assertIsNone(self.create({**empty, "x-image-meta-checksum": "abc"})["checksum"])
        right = self.create({**empty, "x-image-meta-checksum": EMPTY_MD5})
        self.assertEqual(right["checksum"], EMPTY_MD5)


class UploadTests(ApiCase):
    """A POST with data makes an active image."""

    def test_bytes(self):
        """The bytes are kept, counted and hashed (C-02)."""
        document = self.create({**FORMATS, "x-image-meta-name": "n"}, HELLO)
        self.assertEqual((document["status"], document["size"]), ("active", 5))
        self.assertEqual(document["checksum"], HELLO_MD5)
        self.assertEqual(self.get(document["id"]).body, HELLO)
        digests = {"md5": HELLO_MD5, "sha256": hashlib.sha256(HELLO).hexdigest()}
        self.assertEqual(self.record(document["id"]).digests, digests)

    def test_no_name(self):
        """A name is not needed (C-03)."""
        self.assertEqual(self.create(FORMATS, HELLO)["name"], None)

    def test_content_type_with_parameters(self):
        """Parameters of the content type do not matter (C-06)."""
        headers = {**FORMATS, "Content-Type": "application/octet-stream; charset=x"}
        self.assertEqual(self.create(headers, HELLO)["status"], "active")

    def test_chunked(self):
        """A length need not be known (C-08)."""
        response = self.chunked("POST", "/v1/images", FORMATS, b"he", b"llo")
        document = self.document(response, 201)
        self.assertEqual((document["status"], document["size"]), ("active", 5))

    def test_chunked_nothing(self):
        """A chunked body of nothing is data too (C-09)."""
        document = self.document(self.chunked("POST", "/v1/images", FORMATS), 201)
        self.assertEqual((document["status"], document["size"]), ("active", 0))
        self.assertEqual(document["checksum"], EMPTY_MD5)
        self.assertEqual(self.get(document["id"]).header("ETag"), EMPTY_MD5)

    def test_size_zero_and_data(self):
        """A size of 0 promises nothing (C-11)."""
        document = self.create({**FORMATS, "x-image-meta-size": "0"}, HELLO)
        self.assertEqual((document["status"], document["size"]), ("active", 5))

    def test_promises_kept(self):
        """The right size and checksum are accepted (C-12) (C-13)."""
        headers = {"x-image-meta-size": "5", "x-image-meta-checksum": HELLO_MD5}
        self.create({**FORMATS, **headers}, HELLO)

    def test_store(self):
        """A store may be named by its scheme (C-14)."""
        for name in ("file", "filesystem"):
            document = self.create({**FORMATS, "x-image-meta-store": name}, HELLO)
            self.assertEqual(document["status"], "active")
            self.assertNotIn("store", document)

    def test_no_location_anywhere(self):
        """Where the bytes lie is never shown (O-17)."""
        response = self.post(FORMATS, HELLO)
        image_id = self.document(response, 201)["id"]
        for answer in (response, self.head(image_id), self.get(image_id), self.put(image_id)):
            names = [name.lower() for name, _ in answer.headers.getAllRawHeaders()]
            self.assertNotIn(b"x-image-meta-location", names)
            self.assertNotIn(b"direct_url", answer.body)
            self.assertNotIn(b"location", answer.body)


class QueuedTests(ApiCase):
    """Some mistakes can be mended: the image waits for a PUT."""

    def test_formats_are_missing(self):
        """Both formats are needed for data (C-04)."""
        for missing, fragment in (("disk", "Disk"), ("container", "Container")):
            headers = {n: t for n, t in UPLOAD.items() if n != f"x-image-meta-{missing}_format"}
            headers["x-image-meta-id"] = image_id = f"{fragment.encode().hex():0>32.32}"
            response = self.post(headers, HELLO)
            self.assert_status(response, 400, f"{fragment} format is not specified")
            self.assert_kept(image_id, "queued")
            self.assertEqual(self.document(self.put(image_id, FORMATS, HELLO))["size"], 5)

    def test_empty_store(self):
        """An empty name of a store is judged when there is data."""
        response = self.post({**UPLOAD, "x-image-meta-store": ""}, HELLO)
        self.assert_status(response, 400, "Store for scheme  not found")
        self.assert_kept(AN_ID, "queued")

    def test_unknown_store(self):
        """An unknown one leaves no record at all (C-14)."""
        response = self.post({**UPLOAD, "x-image-meta-store": "bad"}, HELLO)
        self.assert_status(response, 400, "Required store bad is invalid")
        self.assert_no_record()


class CapTests(ApiCase):
    """The largest size (§6.5)."""

    cap = "Denying attempt to upload image larger than 5 bytes"

    def make_api(self) -> Api:
        return Api(limits=Limits(image_size_cap=5))

    def test_announced(self):
        """A length over the cap is refused at once (C-15, R7)."""
        client = self.begin("POST", "/v1/images", UPLOAD, length=6)
        self.assert_status(client.response(), 400, self.cap)
        self.assert_no_record()

    def test_chunked(self):
        """A stream that passes the cap is cut (C-16, R7)."""
        client = self.begin("POST", "/v1/images", {**UPLOAD, "Transfer-Encoding": "chunked"})
        client.send_chunk(b"hello!")
        self.assert_status(client.response(), 413, self.cap)
        self.assert_killed_without_bytes()

    def test_exactly(self):
        """The cap itself is allowed (C-16)."""
        self.assert_status(self.chunked("POST", "/v1/images", UPLOAD, HELLO), 201)
        self.create({**FORMATS}, HELLO)

    def test_claimed(self):
        """A claimed size counts when no length is announced (C-17)."""
        self.assert_status(self.post({**UPLOAD, "x-image-meta-size": "6"}), 400, self.cap)
        chunked = {**UPLOAD, "x-image-meta-size": "6"}
        self.assert_status(self.chunked("POST", "/v1/images", chunked), 400, self.cap)
        self.assert_no_record()

    def test_length_wins(self):
        """The announced length is what counts."""
        response = self.post({**UPLOAD, "x-image-meta-size": "6"}, HELLO)
        self.assert_status(response, 400, "Supplied size (6)")

    def test_lowered(self):
        """A size that was reserved under a higher cap does not lift the cap of today."""
        image_id = self.queued({**FORMATS, "x-image-meta-size": "5"})
        lower = Api(
            limits=Limits(image_size_cap=3), registry=self.api.registry, store=self.api.store
        )
        self.api = lower
        response = self.chunked("PUT", f"/v1/images/{image_id}", FORMATS, HELLO)
        self.assert_status(response, 413, "larger than 3 bytes")
