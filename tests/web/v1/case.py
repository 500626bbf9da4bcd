"""What the tests of v1's routes share: an API in memory, and short ways to speak to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import Caller
from glancetx.change import move
from glancetx.deferreds import as_deferred
from glancetx.image import Image, Status
from glancetx.testing.http import MemoryClient, Response
from tests.web.api import FORMATS, Api

HELLO = b"hello"
HELLO_MD5 = "5d41402abc4b2a76b9719d911017c592"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
AN_ID = "11111111-2222-3333-4444-555555555555"
ANOTHER_ID = "99999999-2222-3333-4444-555555555555"

OWNER = Caller(owner="t1", is_authenticated=True)
STRANGER = Caller(owner="t2", is_authenticated=True)
ADMIN = Caller(owner="t9", is_admin=True, is_authenticated=True)

Headers = Mapping[str, str | bytes]


class ApiCase(SynchronousTestCase):
    """A test of requests and their answers, each on a connection of its own."""

    def setUp(self) -> None:
        self.api = self.make_api()

    def make_api(self) -> Api:
        return Api()

    def do(self, work: Awaitable[Any]) -> Any:
        """The result of work that waits for nothing."""
        return self.successResultOf(as_deferred(work))

    # -- requests

    def request(
        self, method: str, path: str, headers: Headers | None = None, body: bytes | None = None
    ) -> Response:
        return self.api.request(method, path, headers, body)

    def post(self, headers: Headers | None = None, body: bytes | None = None) -> Response:
        return self.request("POST", "/v1/images", headers, body)

    def put(
        self, image_id: str, headers: Headers | None = None, body: bytes | None = None
    ) -> Response:
        return self.request("PUT", f"/v1/images/{image_id}", headers, body)

    def head(self, image_id: str) -> Response:
        return self.request("HEAD", f"/v1/images/{image_id}")

    def get(self, image_id: str, headers: Headers | None = None) -> Response:
        return self.request("GET", f"/v1/images/{image_id}", headers)

    def delete(self, image_id: str) -> Response:
        return self.request("DELETE", f"/v1/images/{image_id}")

    def begin(
        self, method: str, path: str, headers: Headers, length: int | None = None
    ) -> MemoryClient:
        """A client that has sent the head of a request."""
        client = self.api.connect()
        client.begin(method, path, headers, length)
        return client

    def chunked(self, method: str, path: str, headers: Headers, *chunks: bytes) -> Response:
        """Send a chunked body, and its end."""
        client = self.begin(method, path, {**headers, "Transfer-Encoding": "chunked"})
        for chunk in (*chunks, b""):
            client.send_chunk(chunk)
        return client.response()

    # -- images

    def create(self, headers: Headers | None = None, body: bytes | None = None) -> dict[str, Any]:
        """The image object that answers a POST."""
        return self.document(self.post(headers, body), 201)

    def active(self, headers: Headers | None = None, body: bytes = HELLO) -> str:
        """The id of a new active image."""
        image_id: str = self.create({**FORMATS, **(headers or {})}, body)["id"]
        return image_id

    def queued(self, headers: Headers | None = None) -> str:
        """The id of a new reserved image."""
        image_id: str = self.create(headers)["id"]
        return image_id

    def in_status(self, status: Status, headers: Headers | None = None) -> str:
        """The id of a new image in this state."""
        if status is Status.QUEUED:
            return self.queued(headers)
        if status in (Status.SAVING, Status.KILLED):
            image_id = self.queued(headers)
            path = [Status.SAVING] if status is Status.SAVING else [Status.SAVING, status]
        else:
            image_id = self.active(headers)
            path = [] if status is Status.ACTIVE else [status]
        for step in path:
            self.move(image_id, step)
        return image_id

    def move(self, image_id: str, status: Status) -> None:
        """Move an image behind the API's back."""
        image = self.record(image_id)
        self.do(self.api.registry.update(image_id, move(status), {image.status}))

    def record(self, image_id: str) -> Image:
        image: Image = self.do(self.api.registry.fetch(image_id))
        return image

    def stored(self) -> dict[str, bytes]:
        """What the store holds, by key."""
        return {key: bytes(data) for key, data in self.api.store._images.items()}

    # -- answers

    def document(self, response: Response, status: int = 200) -> dict[str, Any]:
        """The image object of an answer to POST or PUT."""
        self.assert_status(response, status)
        image: dict[str, Any] = json.loads(response.body)["image"]
        return image

    def assert_status(self, response: Response, status: int, fragment: str = "") -> None:
        """The status is this, and the body holds the fragment."""
        self.assertEqual(response.status, status, response.body)
        self.assertTrue(response.is_whole)
        self.assertIn(fragment, response.body.decode("utf-8"))

    def assert_no_record(self, image_id: str = AN_ID) -> None:
        self.assertEqual(self.head(image_id).status, 404)

    def assert_kept(self, image_id: str, status: str, **attributes: Any) -> None:
        """The image has this status and these attributes."""
        record = self.record(image_id)
        self.assertEqual(record.status.value, status)
        for name, value in attributes.items():
            self.assertEqual(getattr(record, name), value, name)

    def assert_killed_without_bytes(self, image_id: str = AN_ID) -> None:
        self.assert_kept(image_id, "killed", locations=())
        self.assertEqual(self.stored(), {})


class AttributeCase(ApiCase):
    """A test of single headers of a POST."""

    def assert_stored(self, attribute, text, value):
        """A POST with this header answers this value."""
        document = self.create({f"x-image-meta-{attribute}": text})
        self.assertEqual(document[attribute], value)
        return document

    def assert_refused(self, attribute, text, fragment=""):
        """A POST with this header is refused, and no record is made."""
        headers = {f"x-image-meta-{attribute}": text, "x-image-meta-id": AN_ID}
        if attribute == "id":
            headers = {"x-image-meta-id": text}
        self.assert_status(self.post(headers), 400, fragment)
        self.assert_no_record()


class OwnerCase(ApiCase):
    """Whoever asks is the tenant who owns the images, unless a test says otherwise."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER

    def assert_forbidden(self, image_id, headers, fragment):
        before = self.record(image_id)
        self.assert_status(self.put(image_id, headers), 403, fragment)
        self.assertEqual(self.record(image_id), before)
