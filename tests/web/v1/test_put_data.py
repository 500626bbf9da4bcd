"""PUT with data: the bytes of a reserved image (contract §7.1)."""

from __future__ import annotations

from glancetx.image import Status
from tests.web.api import FORMATS
from tests.web.v1.case import (
    ADMIN,
    EMPTY_MD5,
    HELLO,
    HELLO_MD5,
    OwnerCase,
)


class UploadTests(OwnerCase):
    """PUT with data, into a reserved image."""

    def upload(self, image_id, headers=None, body=HELLO):
        return self.put(image_id, {**FORMATS, **(headers or {})}, body)

    def test_properties(self):
        """Properties are kept when data comes, whatever the purge header says (U-08)."""
        for purge in ({}, {"x-glance-registry-purge-props": "true"}):
            image_id = self.queued({"x-image-meta-property-a": "1"})
            response = self.upload(image_id, {"x-image-meta-property-b": "2", **purge})
            document = self.document(response)
            self.assertEqual(document["status"], "active")
            self.assertEqual(document["properties"], {"a": "1", "b": "2"})
            self.assertEqual(response.header("ETag"), HELLO_MD5)

    def test_not_queued(self):
        """Bytes are written once (U-22)."""
        for status in (Status.ACTIVE, Status.SAVING, Status.KILLED, Status.DEACTIVATED):
            image_id = self.in_status(status, {"x-image-meta-name": "old"})
            response = self.upload(image_id, {"x-image-meta-name": "new"})
            self.assert_status(response, 409, "Cannot upload to an unqueued image")
            self.assert_kept(image_id, status.value, name="old")
        self.api.caller = ADMIN
        image_id = self.in_status(Status.PENDING_DELETE)
        self.assert_status(self.upload(image_id), 409, "Cannot upload to an unqueued image")

    def test_json(self):
        """A JSON body is data like any other (U-23)."""
        headers = {"Content-Type": "application/json"}
        body = b'{"image": {"name": "n"}}'
        self.assert_status(self.put(self.active(), headers, body), 409)
        self.assert_status(self.put(self.queued(), headers, body), 400, "Disk format is not")

    def test_content_type(self):
        """The wrong content type kills (U-28)."""
        image_id = self.queued(FORMATS)
        response = self.upload(image_id, {"Content-Type": "text/plain"})
        self.assert_status(response, 400, "Content-Type must be application/octet-stream")
        self.assert_killed_without_bytes(image_id)

    def test_formats(self):
        """Missing formats do not kill, and another try may bring them (U-29)."""
        image_id = self.queued()
        response = self.put(image_id, {"Content-Type": "application/octet-stream"}, HELLO)
        self.assert_status(response, 400, "Disk format is not specified")
        self.assert_kept(image_id, "queued")
        self.assertEqual(self.document(self.upload(image_id))["status"], "active")

    def test_reserved_size(self):
        """The size that was reserved must come (U-30)."""
        image_id = self.queued({"x-image-meta-size": "9"})
        self.assert_status(self.upload(image_id), 400, "Supplied size (9)")
        self.assert_killed_without_bytes(image_id)
        image_id = self.queued({"x-image-meta-size": "5"})
        self.assert_status(self.upload(image_id), 200)

    def test_reserved_checksum(self):
        """And the checksum (U-31)."""
        image_id = self.queued({"x-image-meta-checksum": "abc"})
        self.assert_status(self.upload(image_id), 400, "Supplied checksum (abc)")
        self.assert_killed_without_bytes(image_id)

    def test_chunked_nothing(self):
        """An empty chunked body is an empty image (U-32)."""
        image_id = self.queued(FORMATS)
        response = self.chunked("PUT", f"/v1/images/{image_id}", FORMATS)
        document = self.document(response)
        self.assertEqual((document["status"], document["checksum"]), ("active", EMPTY_MD5))

    def test_unknown_store(self):
        """An unknown store leaves the image waiting."""
        image_id = self.queued()
        response = self.upload(image_id, {"x-image-meta-store": "bad"})
        self.assert_status(response, 400, "Store for scheme bad not found")
        self.assert_kept(image_id, "queued")
