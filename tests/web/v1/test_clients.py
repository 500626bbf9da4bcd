"""What known clients do (contract §13)."""

from __future__ import annotations

import json

from tests.web.api import FORMATS
from tests.web.v1.case import HELLO, HELLO_MD5, ApiCase

OCTETS = {"Content-Type": "application/octet-stream"}


class GlanceclientTests(ApiCase):
    """python-glanceclient, and what is built upon it."""

    def test_content_type_everywhere(self):
        """The content type alone is no data (T-01)."""
        image_id = self.document(self.post(OCTETS), 201)["id"]
        self.assert_kept(image_id, "queued")
        self.assertEqual(self.document(self.put(image_id, OCTETS))["status"], "queued")
        for method, status in (("HEAD", 200), ("GET", 404), ("DELETE", 200)):
            path = f"/v1/images/{image_id}"
            self.assertEqual(self.request(method, path, OCTETS).status, status)

    def test_chunked_with_size(self):
        """Uploads are chunked, with the size of the file in a header (T-03)."""
        image_id = self.queued()
        headers = {
            **FORMATS,
            "x-image-meta-size": "5",
            "x-glance-registry-purge-props": "false",
            "User-Agent": "python-glanceclient",
        }
        response = self.chunked("PUT", f"/v1/images/{image_id}", headers, HELLO)
        self.assertEqual(self.document(response)["status"], "active")

    def test_paging(self):
        """It follows markers until a page is short (T-04)."""
        for _ in range(45):
            self.queued({"x-image-meta-is_public": "True"})
        sizes: list[int] = []
        seen: set[str] = set()
        marker = ""
        while not sizes or sizes[-1] == 20:
            response = self.request("GET", f"/v1/images/detail?limit=20{marker}")
            page = json.loads(response.body)["images"]
            sizes.append(len(page))
            seen |= {image["id"] for image in page}
            marker = f"&marker={page[-1]['id']}"
        self.assertEqual((sizes, len(seen)), ([20, 20, 5], 45))

    def test_headers_are_attributes(self):
        """Whatever begins with x-image-meta- is an attribute or a property (T-05)."""
        broken = self.post(
            {**FORMATS, "x-image-meta-size": "6", "x-image-meta-id": "1" * 32}, HELLO
        )
        self.assertEqual(broken.status, 400)
        document = self.create({"x-image-meta-property-k": "v"})
        for image_id in ("1" * 32, document["id"]):
            for name, _ in self.head(image_id).headers.getAllRawHeaders():
                text = name.decode().lower()
                if text.startswith("x-image-meta-property-"):
                    self.assertEqual(text, "x-image-meta-property-k")
                elif text.startswith("x-image-meta-"):
                    self.assertIn(text.removeprefix("x-image-meta-"), document)

    def test_snapshot(self):
        """Nova reserves with properties, and uploads without purging them (T-08)."""
        image_id = self.queued({"x-image-meta-property-a": "1", "x-image-meta-name": "snapshot"})
        headers = {**FORMATS, "x-glance-registry-purge-props": "False"}
        document = self.document(self.put(image_id, headers, HELLO))
        self.assertEqual((document["status"], document["name"]), ("active", "snapshot"))
        self.assertEqual(document["properties"], {"a": "1"})


class ReplicatorTests(ApiCase):
    """The replicator sends back what HEAD told it."""

    def test_replay(self):
        """All headers but the times make the same image again (T-07)."""
        image_id = self.active(
            {
                "x-image-meta-name": "ü",
                "x-image-meta-is_public": "True",
                "x-image-meta-protected": "True",
                "x-image-meta-owner": "t1",
                "x-image-meta-min_ram": "5",
                "x-image-meta-property-k": "v",
                "x-image-meta-property-n": "",
            }
        )
        headers: dict[str, str | bytes] = {
            name.decode(): values[0]
            for name, values in self.head(image_id).headers.getAllRawHeaders()
            if name.lower().startswith(b"x-image-meta-") and not name.endswith(b"_at")
        }
        copy_id = "22222222" + image_id[8:]
        headers.update({"X-Image-Meta-Id": copy_id, **OCTETS, "x-image-meta-property-n": ""})
        copy = self.create(headers, HELLO)
        original = json.loads(self.put(image_id, {"x-glance-registry-purge-props": "no"}).body)
        for key in set(copy) - {"id", "created_at", "updated_at"}:
            self.assertEqual(copy[key], original["image"][key], key)
        self.assertEqual((copy["status"], copy["checksum"]), ("active", HELLO_MD5))
        self.assert_status(self.post(headers, HELLO), 409)
