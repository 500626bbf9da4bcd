"""Images as JSON and as headers (contract §4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from glancetx.image import Image, Location, Status, Visibility
from glancetx.image_document import detailed
from glancetx.web.v1 import render
from tests.unhurried import given

IMAGE = Image(
    image_id="i",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    updated_at=datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC),
    locations=(Location("file", "secret"),),
    digests={"sha256": "x"},
    status_reason="because",
    properties={"k": "v", "n": None},
)


class DocumentTests(SynchronousTestCase):
    """The JSON of an image."""

    def test_detailed(self):
        """Exactly 18 keys, and the times with six digits and no zone (O-16)."""
        self.assertEqual(
            detailed(IMAGE),
            {
                "id": "i",
                "name": None,
                "status": "queued",
                "size": 0,
                "virtual_size": None,
                "checksum": None,
                "disk_format": None,
                "container_format": None,
                "min_disk": 0,
                "min_ram": 0,
                "is_public": False,
                "protected": False,
                "deleted": False,
                "owner": None,
                "created_at": "2026-01-02T03:04:05.000000",
                "updated_at": "2026-01-02T03:04:05.000060",
                "deleted_at": None,
                "properties": {"k": "v", "n": None},
            },
        )
        self.assertEqual(len(detailed(IMAGE)), 18)

    def test_brief(self):
        """Exactly six keys (O-16)."""
        keys = {"id", "name", "size", "disk_format", "container_format", "checksum"}
        self.assertEqual(set(render.brief(IMAGE)), keys)

    def test_documents(self):
        """The spacing is that of Python's json."""
        self.assertEqual(render.list_document([]), b'{"images": []}')
        self.assertEqual(render.list_document([{"a": 1}, {}]), b'{"images": [{"a": 1}, {}]}')
        document = json.loads(render.image_document(IMAGE))
        self.assertEqual(document, {"image": detailed(IMAGE)})

    def test_visibility(self):
        """Only what is public is public."""
        for visibility in Visibility:
            image = Image(image_id="i", visibility=visibility)
            self.assertIs(detailed(image)["is_public"], visibility is Visibility.PUBLIC)

    def test_deleted(self):
        """What is being deleted is deleted already."""
        for status in Status:
            image = Image(image_id="i", status=status)
            self.assertIs(detailed(image)["deleted"], status.is_gone)


class HeaderTests(SynchronousTestCase):
    """The metadata headers of HEAD and GET."""

    def test_no_secrets(self):
        """Neither location, nor digest, nor reason."""
        text = repr(list(render.meta_headers(IMAGE)))
        for secret in ("secret", "sha256", "because", "location"):
            self.assertNotIn(secret, text)

    def test_null(self):
        """What is null has no header."""
        names = [name for name, _ in render.meta_headers(IMAGE)]
        self.assertNotIn(b"x-image-meta-name", names)
        self.assertNotIn(b"x-image-meta-property-n", names)
        self.assertIn(b"x-image-meta-property-k", names)

    @given(
        st.text(st.characters(codec="utf-8"), max_size=20),
        st.text(st.characters(codec="utf-8"), max_size=20),
    )
    def test_any_text(self, key, value):
        """Whatever a property is, its header is one line that Twisted accepts."""
        image = Image(image_id="i", name=value, owner=value, properties={key: value})
        headers = Headers()
        for name, raw in render.meta_headers(image):
            headers.addRawHeader(name, raw)
            self.assertNotRegex(raw, rb"[\x00-\x1f\x7f]")
        ((values),) = [v for n, v in headers.getAllRawHeaders() if b"Property" in n]
        self.assertEqual(len(values), 1)

    @given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
    def test_different_keys(self, one, other):
        """Keys that differ have headers that differ, in more than case."""
        image = Image(image_id="i", properties={one.lower(): "1", other.lower(): "2"})
        names = [name.lower() for name, _ in render.meta_headers(image)]
        self.assertEqual(len(names), len(set(names)))

    def test_control_characters(self):
        """They are blanks; all other text is UTF-8."""
        self.assertEqual(render.header_value("a\r\nb\x00\x7fc ü"), b"a  b  c \xc3\xbc")
