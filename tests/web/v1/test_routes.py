"""Which path and method is answered how, before any image comes into it."""

from __future__ import annotations

import json

from glancetx.web.context import request_id
from glancetx.web.errors import HttpError
from glancetx.web.root import Front
from tests.web.api import FORMATS, Api
from tests.web.v1.case import AN_ID, HELLO, OWNER, ApiCase

VERSIONS = (
    b'{"versions": ['
    b'{"id": "v1.1", "status": "DEPRECATED", '
    b'"links": [{"rel": "self", "href": "http://glance.example:9292/v1/"}]}, '
    b'{"id": "v1.0", "status": "DEPRECATED", '
    b'"links": [{"rel": "self", "href": "http://glance.example:9292/v1/"}]}]}'
)
REQUEST_ID = "X-Openstack-Request-Id"
VENDOR = "application/vnd.openstack.images-"


class VersionTests(ApiCase):
    """How a version is picked (contract §1.2, §1.3)."""

    def assert_versions(self, status, path, headers=None, method="GET"):
        response = self.request(method, path, headers)
        self.assert_status(response, status)
        self.assertEqual(response.header("Content-Type"), "application/json")
        self.assertEqual(response.body, b"" if method == "HEAD" else VERSIONS)
        self.assertIsNone(response.header(REQUEST_ID))

    def test_root(self):
        """The root lists the versions, without a request id (V-01)."""
        self.assert_versions(300, "/")

    def test_root_by_head(self):
        """HEAD of the root has the list's headers only (V-02)."""
        self.assert_versions(300, "/", method="HEAD")

    def test_versions(self):
        """/versions is 200, by any method (V-03) (E-04)."""
        self.assert_versions(200, "/versions")
        self.assert_versions(200, "/versions", method="POST")

    def test_below_versions(self):
        """Whatever follows /versions does not matter (V-04)."""
        self.assert_versions(200, "/versions/x")
        self.assert_versions(200, "/versions/")

    def test_unknown_versions(self):
        """What is no version of ours gets the list, by any method (V-09)."""
        for path in ("/v1.2/images", "/V1/images", "/v3/images", "/v2/images", "/images", "/foo"):
            self.assert_versions(300, path)
            self.assert_versions(300, path, method="DELETE")

    def test_version_by_accept(self):
        """The vendor type in Accept names the version, and the path none (V-10)."""
        response = self.request("GET", "/images", {"Accept": f"{VENDOR}v1.1"})
        self.assertEqual((response.status, response.body), (200, b'{"images": []}'))
        self.assertEqual(self.request("GET", "/", {"Accept": f"{VENDOR}v1"}).status, 200)

    def test_version_by_accept_and_path(self):
        """With a vendor type the path is left as it is (V-11)."""
        self.assert_status(self.request("GET", "/v1/images", {"Accept": f"{VENDOR}v1"}), 404)

    def test_vendor_type_with_more(self):
        """Anything behind the vendor type makes it unknown (V-12)."""
        self.assert_versions(300, "/images", {"Accept": f"{VENDOR}v1, */*"})
        self.assert_versions(300, "/images", {"Accept": f"{VENDOR}v1;q=0.5"})

    def test_leading_slashes(self):
        """Several leading slashes count as one (V-23)."""
        self.assert_status(self.request("GET", "//v1/images"), 200)


class DisabledTests(ApiCase):
    """A server whose v1 is switched off."""

    def make_api(self) -> Api:
        return Api(front=Front(enable_v1_api=False))

    def test_no_v1(self):
        """It answers the list of versions, in which v1 is missing (V-13)."""
        response = self.request("GET", "/v1/images")
        self.assertEqual((response.status, response.body), (300, b'{"versions": []}'))


class RootTests(ApiCase):
    """The root of v1 (§1.4)."""

    def test_without_slash(self):
        """The version alone leads to /v1/, whatever its form (V-05) (V-06)."""
        for path in ("/v1", "/v1.0", "/v1.1"):
            response = self.request("GET", path)
            self.assertEqual((response.status, response.body), (302, b""))
            self.assertEqual(response.header("Location"), "http://glance.example:9292/v1/")
            self.assertEqual(response.header("Content-Type"), "text/plain; charset=utf8")

    def test_with_slash(self):
        """The root with its slash is the list of images (V-07)."""
        response = self.request("GET", "/v1/")
        self.assertEqual((response.status, response.body), (200, b'{"images": []}'))
        self.assertEqual(response.header("Content-Type"), "application/json")

    def test_with_slash_by_head(self):
        """HEAD has the length of the list, and no list."""
        response = self.request("HEAD", "/v1/")
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertEqual(response.header("Content-Length"), "14")

    def test_other_methods(self):
        """Only GET and HEAD make sense there."""
        response = self.request("DELETE", "/v1/")
        self.assert_status(response, 405)
        self.assertEqual(response.header("Allow"), "GET, HEAD")

    def test_all_tokens(self):
        """All three tokens are the same API (V-08)."""
        for token in ("v1", "v1.0", "v1.1"):
            response = self.request("GET", f"/{token}/images")
            self.assertEqual((response.status, response.body), (200, b'{"images": []}'))


class MethodTests(ApiCase):
    """Methods that a known path does not offer (§2.1)."""

    def assert_not_allowed(self, method, path, allow):
        response = self.request(method, path)
        self.assertEqual((method, response.status), (method, 405))
        self.assertEqual(response.header("Allow"), allow)

    def test_list(self):
        """The list offers GET and POST, and no other method is known (R-01) (R-02) (R-03)."""
        for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO"):
            self.assert_not_allowed(method, "/v1/images", "GET, POST")

    def test_detail_by_head(self):
        """HEAD of the detailed list is refused (R-04)."""
        self.assert_not_allowed("HEAD", "/v1/images/detail", "GET")

    def test_detail(self):
        """The others learn that HEAD is allowed, as they always did (R-05)."""
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO"):
            self.assert_not_allowed(method, "/v1/images/detail", "GET, HEAD")

    def test_image(self):
        """An image offers four methods, also when there is no such image (R-06)."""
        for method in ("POST", "PATCH", "OPTIONS", "FOO"):
            self.assert_not_allowed(method, f"/v1/images/{AN_ID}", "GET, HEAD, PUT, DELETE")

    def test_method_override(self):
        """A query cannot change the method."""
        image_id = self.active()
        self.assertEqual(self.get(f"{image_id}?_method=DELETE").status, 200)
        self.assertEqual(self.get(image_id).body, HELLO)


class UnknownPathTests(ApiCase):
    """Paths that are none, and ids that are no image (§1.6, §2.1)."""

    def assert_unknown(self, path, method="GET"):
        response = self.request(method, path)
        self.assert_status(response, 404)
        self.assertEqual(response.header("Content-Type"), "text/plain; charset=UTF-8")
        self.assertRegex(response.header(REQUEST_ID) or "", "^req-[0-9a-f-]{36}$")

    def test_no_such_path(self):
        """404, in plain text, with a request id (V-14)."""
        self.assert_unknown("/v1/nope")
        self.assert_unknown("/v1/images/x/y/z")
        self.assert_unknown(f"/v1/images/{AN_ID}/file")

    def test_unknown_method(self):
        """An unknown method on an unknown path is 501 (V-15)."""
        self.assert_status(self.request("FOO", "/v1/nope"), 501)
        self.assert_status(self.request("OPTIONS", "/v1/nope"), 501)
        self.assert_status(self.request("PATCH", "/v1/nope"), 404)

    def test_trailing_slash(self):
        """There are no trailing slashes (V-16) (R-07)."""
        image_id = self.active()
        for path in ("/v1/images/", "/v1/images/detail/", f"/v1/images/{image_id}/"):
            self.assert_unknown(path)
        self.assert_unknown("/v1/images/", "DELETE")

    def test_odd_ids(self):
        """An id may be anything, and is simply unknown (R-08)."""
        for odd in (f"{AN_ID}0", "-1", "zzzz", "detail.json", "new", "%C3%A9", "a%2Fb", "%00"):
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                self.assertEqual(self.request(method, f"/v1/images/{odd}").status, 404, odd)

    def test_no_formats(self):
        """No format extensions (R-09)."""
        self.assert_unknown("/v1/images.json")

    def test_no_cache_management(self):
        """Where it is not deployed, its paths are none (R-10)."""
        self.assert_unknown("/v1/cached_images")
        self.assert_unknown("/v1/queued_images")

    def test_not_utf8(self):
        """A path must be UTF-8."""
        self.assert_status(self.request("GET", "/v1/images/%ff"), 400)


class ErrorFormTests(ApiCase):
    """Error pages are negotiated (§1.5)."""

    def test_json(self):
        """JSON for those who ask for it (V-17)."""
        response = self.request("GET", "/v1/images/zz", {"Accept": "application/json"})
        self.assert_status(response, 404)
        self.assertEqual(response.header("Content-Type"), "application/json")
        document = json.loads(response.body)
        self.assertEqual(set(document), {"message", "code", "title"})
        self.assertEqual((document["code"], document["title"]), ("404 Not Found", "Not Found"))
        self.assertIn("Image with identifier zz not found", document["message"])

    def test_html(self):
        """HTML for those who take anything (V-18)."""
        response = self.request("GET", "/v1/images/zz", {"Accept": "*/*"})
        self.assert_status(response, 404, "<h1>404 Not Found</h1>")
        self.assertEqual(response.header("Content-Type"), "text/html; charset=UTF-8")

    def test_echoed_text_is_no_html(self):
        """What a client sent is escaped in HTML, and its tags vanish from plain text."""
        headers = {"x-image-meta-disk_format": "<b>x</b>"}
        as_html = self.post({**headers, "Accept": "*/*"})
        self.assert_status(as_html, 400, "&lt;b&gt;x&lt;/b&gt;")
        self.assertNotIn(b"<b>", as_html.body)
        self.assertNotIn(b"<b>", self.post(headers).body)

    def test_head(self):
        """HEAD errors have no body and say so."""
        response = self.head("zz")
        self.assertEqual((response.status, response.body), (404, b""))
        self.assertEqual(response.header("Content-Length"), "0")


class RequestIdTests(ApiCase):
    """Ids of requests (§1.7)."""

    def test_own_id(self):
        """An authenticated caller's id is repeated, with its prefix (V-19)."""
        self.assertEqual(request_id("abc", OWNER), "req-abc")

    def test_own_id_with_prefix(self):
        """The prefix does not come twice (V-20)."""
        self.assertEqual(request_id("req-abc", OWNER), "req-abc")

    def test_long_id(self):
        """An id of 65 characters is refused (V-21)."""
        self.assertEqual(len(request_id("x" * 64, OWNER)), 68)
        refused = self.assertRaises(HttpError, request_id, "x" * 65, OWNER)
        self.assertEqual(refused.status, 431)

    def test_unauthenticated(self):
        """Whoever nobody identified gets a new id, each time."""
        responses = [self.request("GET", "/v1/images", {REQUEST_ID: "abc"}) for _ in range(2)]
        ids = [response.header(REQUEST_ID) for response in responses]
        self.assertNotIn("req-abc", ids)
        self.assertEqual(len(set(ids)), 2)


class IgnoredBodyTests(ApiCase):
    """Bodies of requests that take none."""

    def test_get(self):
        """A body of GET, HEAD or DELETE is ignored (V-24)."""
        image_id = self.active()
        self.assert_status(self.request("GET", "/v1/images", body=b"xx"), 200)
        self.assertEqual(self.request("GET", f"/v1/images/{image_id}", body=b"xx").body, HELLO)
        self.assert_status(self.request("HEAD", f"/v1/images/{image_id}", body=b"xx"), 200)
        self.assert_status(self.request("DELETE", f"/v1/images/{image_id}", body=b"xx"), 200)

    def test_connection_goes_on(self):
        """The ignored body is not taken for the next request."""
        client = self.api.connect()
        client.request("GET", "/v1/images", body=b"DELETE / HTTP/1.1\r\n\r\n")
        self.assertEqual(client.request("GET", "/v1/images").body, b'{"images": []}')


class StatusTests(ApiCase):
    """The happy path's statuses, which clients compare exactly."""

    def test_statuses(self):
        """POST is 201, PUT is 200, DELETE is 200 (E-01)."""
        response = self.post(FORMATS, HELLO)
        self.assertEqual(response.status, 201)
        image_id = self.document(response, 201)["id"]
        self.assertEqual(self.put(image_id).status, 200)
        self.assertEqual(self.delete(image_id).status, 200)
