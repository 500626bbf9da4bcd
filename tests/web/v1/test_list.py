"""GET of lists, as far as public images and pages go (contract §5)."""

from __future__ import annotations

import json

from glancetx.image import Status
from glancetx.limits import Limits
from tests.web.api import Api
from tests.web.v1.case import ADMIN, AN_ID, OWNER, STRANGER, ApiCase

PUBLIC = {"x-image-meta-is_public": "True"}


class ListCase(ApiCase):
    def images(self, query="", path="/v1/images"):
        response = self.request("GET", f"{path}?{query}")
        self.assert_status(response, 200)
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(response.header("Content-Length"), str(len(response.body)))
        document = json.loads(response.body)
        self.assertEqual(list(document), ["images"])
        return document["images"]

    def ids(self, query="", path="/v1/images"):
        return [image["id"] for image in self.images(query, path)]


class ElementTests(ListCase):
    """What a list tells of each image."""

    def test_brief(self):
        """Six keys (O-16)."""
        image_id = self.active({**PUBLIC, "x-image-meta-name": "n"})
        self.assertEqual(
            self.request("GET", "/v1/images").body.decode(),
            f'{{"images": [{{"id": "{image_id}", "name": "n", "size": 5, "disk_format": "raw", '
            '"container_format": "bare", "checksum": "5d41402abc4b2a76b9719d911017c592"}]}',
        )

    def test_detailed(self):
        """The image object as POST answered it (O-16)."""
        document = self.create({**PUBLIC, "x-image-meta-property-k": "v"})
        self.assertEqual(self.images(path="/v1/images/detail"), [document])
        self.assertEqual(len(document), 18)


class WhoTests(ListCase):
    """Who sees what in a list (§5.1)."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER
        self.own = self.queued()
        self.api.caller = STRANGER
        self.public, self.private = self.queued(PUBLIC), self.queued()

    def test_tenant(self):
        """Public images and one's own, whatever is asked (L-05) (T-09)."""
        self.api.caller = OWNER
        for query in ("", "is_public=none", "is_public=False"):
            self.assertEqual(self.ids(query), [self.public, self.own])

    def test_operator(self):
        """An operator sees more when he asks for it (L-02) (L-03) (L-04)."""
        self.api.caller = ADMIN
        self.assertEqual(self.ids(), [self.public])
        self.assertEqual(self.ids("is_public=None"), [self.private, self.public, self.own])
        self.assertEqual(self.ids("is_public=False"), [self.private, self.own])

    def test_without_authentication(self):
        """Without authentication a list shows public images, and all when asked."""
        self.api = Api(registry=self.api.registry, store=self.api.store)
        self.assertEqual(self.ids(), [self.public])
        self.assertEqual(self.ids("is_public=None"), [self.private, self.public, self.own])

    def test_refused(self):
        """Only real booleans are understood (L-06)."""
        for text in ("yes", ""):
            self.assert_status(self.request("GET", f"/v1/images?is_public={text}"), 400)

    def test_states(self):
        """Killed and deleted images are not listed, all others are (L-01)."""
        self.api.caller = OWNER
        hidden = (Status.KILLED, Status.DELETED, Status.PENDING_DELETE)
        for status in set(Status) - {Status.QUEUED}:
            image_id = self.in_status(status)
            self.assertEqual(image_id in self.ids(), status not in hidden, status)


class PageTests(ListCase):
    """Pages, newest image first (§5.4)."""

    def make_api(self) -> Api:
        return Api(limits=Limits(limit_param_default=4, api_limit_max=6))

    def setUp(self):
        super().setUp()
        self.all = [self.queued(PUBLIC) for _ in range(9)][::-1]

    def test_sizes(self):
        """As asked for, or the default, and never more than the maximum (L-21) (L-22) (F-02)."""
        self.assertEqual(self.ids(), self.all[:4])
        self.assertEqual(self.ids("limit=2"), self.all[:2])
        self.assertEqual(self.ids("limit=0"), [])
        self.assertEqual(self.ids("limit=99999"), self.all[:6])
        for text in ("-1", "abc", ""):
            self.assert_status(self.request("GET", f"/v1/images?limit={text}"), 400, "limit param")

    def test_markers(self):
        """Every image comes exactly once (L-25)."""
        for path in ("/v1/images", "/v1/images/detail", "/v1/"):
            seen, page = [], self.ids("limit=2", path)
            while page:
                seen += page
                page = self.ids(f"limit=2&marker={page[-1]}", path)
            self.assertEqual(seen, self.all)

    def test_bad_markers(self):
        """A marker must be an image that one sees (L-26) (L-27)."""
        self.api.caller = OWNER
        own, gone = self.queued(), self.queued()
        self.delete(gone)
        self.api.caller = STRANGER
        for marker in ("foo", AN_ID, own, gone, ""):
            response = self.request("GET", f"/v1/images?marker={marker}")
            self.assert_status(response, 400, "Invalid marker")

    def test_root(self):
        """The root of v1 is the same list (L-30)."""
        self.assertEqual(self.ids("limit=1", "/v1/"), self.all[:1])
