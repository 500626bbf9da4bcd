"""Tests of the root: version negotiation (contract §1.2 to §1.7), and hostile requests."""

from __future__ import annotations

import json

from glancetx.testing.http import Response
from glancetx.web.root import Front
from tests.web.api import Api
from tests.web.case import IMAGE_ID, TransportCase

VENDOR = "application/vnd.openstack.images-"
ANY_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO")


class RootCase(TransportCase):
    def get(self, path: str, accept: str | None = None, method: str = "GET") -> Response:
        headers = {} if accept is None else {"Accept": accept}
        return self.api.request(method, path, headers)

    def raw(self, *lines: bytes) -> Response:
        client = self.api.connect()
        client.send(b"\r\n".join(lines) + b"\r\n\r\n")
        [response] = client.responses()
        return response


class VersionTests(RootCase):
    """Which API is meant, by path and Accept."""

    def assert_versions(self, response: Response, status: int) -> None:
        self.assertEqual(response.status, status)
        self.assertEqual(response.header("content-type"), "application/json")
        self.assertIsNone(response.header("x-openstack-request-id"))
        document = json.loads(response.body)
        self.assertEqual([entry["id"] for entry in document["versions"]], ["v1.1", "v1.0"])
        for entry in document["versions"]:
            self.assertEqual(entry["status"], "DEPRECATED")
            link = {"rel": "self", "href": "http://glance.example:9292/v1/"}
            self.assertEqual(entry["links"], [link])

    def test_v_01_v_02_root(self) -> None:
        """V-01, V-02: the list of versions, 300; for HEAD without a body."""
        self.assert_versions(self.get("/"), 300)
        head = self.get("/", method="HEAD")
        self.assertEqual((head.status, head.body), (300, b""))
        self.assertEqual(head.header("content-type"), "application/json")

    def test_v_03_v_04_versions(self) -> None:
        """V-03, V-04: 200 below /versions, whatever follows."""
        for path in ("/versions", "/versions/", "/versions/x", "//versions", "/versions/x/y"):
            self.assert_versions(self.get(path), 200)

    def test_any_method(self) -> None:
        """Versions, 300s and redirects do not depend on the method."""
        for method in ANY_METHODS:
            self.assertEqual(self.get("/", method=method).status, 300, method)
            self.assertEqual(self.get("/versions", method=method).status, 200, method)
            self.assertEqual(self.get("/v1", method=method).status, 302, method)

    def test_v_05_v_06_redirect(self) -> None:
        """V-05, V-06: without a slash, a redirect to /v1/."""
        for path in ("/v1", "/v1.0", "/v1.1", "//v1"):
            response = self.get(path)
            self.assertEqual((response.status, response.body), (302, b""))
            self.assertEqual(response.header("location"), "http://glance.example:9292/v1/")
            self.assertEqual(response.header("content-type"), "text/plain; charset=utf8")

    def test_v_07_v_08_v_23_v1(self) -> None:
        """V-07, V-08, V-23: every spelling of v1 is the same API."""
        paths = ("/v1/", "/v1.0/", "/v1.1/", "/v1.0/images", "/v1.1/images", "//v1/images")
        for path in paths:
            response = self.get(path)
            self.assertEqual((response.status, response.body), (200, b'{"images": []}'), path)
            self.assertRegex(str(response.header("x-openstack-request-id")), "^req-[0-9a-f-]{36}$")

    def test_v_09_unknown(self) -> None:
        """V-09: anything else is 300."""
        for path in ("/v1.2/images", "/V1/images", "/v3/images", "/images", "/foo", "/1", "/v2"):
            self.assert_versions(self.get(path), 300)

    def test_v_10_v_11_v_12_accept(self) -> None:
        """V-10, V-11, V-12: the whole rest of a vendor type is the version."""
        self.assertEqual(self.get("/images", VENDOR + "v1.1").body, b'{"images": []}')
        self.assertEqual(self.get("/", VENDOR + "v1").body, b'{"images": []}')
        self.assertEqual(self.get("/v1/images", VENDOR + "v1").status, 404)
        for rest in ("v1, */*", "v1;q=0.5", "", "v2"):
            self.assert_versions(self.get("/images", VENDOR + rest), 300)
        self.assert_versions(self.get("/versions", VENDOR + "v1"), 200)

    def test_v_13_disabled(self) -> None:
        """V-13: without v1 there is nothing."""
        self.api = Api(front=Front(enable_v1_api=False))
        for path in ("/v1/images", "/v1", "/v1/", "/"):
            response = self.get(path)
            self.assertEqual((response.status, response.body), (300, b'{"versions": []}'))
        self.assertEqual(self.get("/images", VENDOR + "v1").status, 300)
        self.assertEqual(self.get("/versions").status, 200)

    def test_v_14_v_15_v_16_not_found(self) -> None:
        """V-14, V-15, V-16: 404 with a request id; 501 for methods nobody knows."""
        for path in ("/v1/nope", "/v1/images/", "/v1/images/x/y/z", "/v1/nope/images"):
            response = self.get(path)
            self.assertEqual(response.status, 404, path)
            self.assertEqual(response.header("content-type"), "text/plain; charset=UTF-8")
            self.assertIsNotNone(response.header("x-openstack-request-id"))
            self.assertEqual(self.get(path, method="FOO").status, 501, path)
            self.assertEqual(self.get(path, method="OPTIONS").status, 501, path)

    def test_v_17_v_18_error_forms(self) -> None:
        """V-17, V-18: errors in the form that is accepted."""
        found = self.get("/v1/images/zz", "application/json")
        self.assertEqual((found.status, found.header("content-type")), (404, "application/json"))
        error = json.loads(found.body)
        self.assertEqual(set(error), {"message", "code", "title"})
        self.assertEqual((error["code"], error["title"]), ("404 Not Found", "Not Found"))
        found = self.get("/v1/images/zz", "*/*")
        self.assertEqual(found.header("content-type"), "text/html; charset=UTF-8")

    def test_inbound_request_id(self) -> None:
        """§1.7: without authentication a client's id is ignored, however long."""
        for inbound in ("abc", "x" * 65):
            headers = {"X-Openstack-Request-ID": inbound}
            response = self.api.request("GET", "/v1/images", headers)
            self.assertEqual(response.status, 200)
            self.assertNotIn(inbound, str(response.header("x-openstack-request-id")))

    def test_f_06_public_endpoint(self) -> None:
        """F-06: version links, but not redirects, are built from the public endpoint."""
        for endpoint in ("https://img.example", "https://img.example/"):
            self.api = Api(front=Front(public_endpoint=endpoint))
            self.assertIn(b'"https://img.example/v1/"', self.get("/").body)
            location = self.get("/v1").header("location")
            self.assertEqual(location, "http://glance.example:9292/v1/")

    def test_healthcheck(self) -> None:
        """§1.8: OK, without a request id; other methods are asked for a version."""
        response = self.get("/healthcheck")
        self.assertEqual((response.status, response.body), (200, b"OK"))
        self.assertIsNone(response.header("x-openstack-request-id"))
        self.assertEqual(self.get("/healthcheck", method="HEAD").body, b"")
        self.assertEqual(self.get("/healthcheck", method="POST").status, 300)

    def test_healthcheck_at_the_end(self) -> None:
        """Who keeps his connection while the server ends is told to go elsewhere."""
        client = self.api.connect()
        client.send(b"GET /healthcheck HTTP/1.1\r\n")
        self.api.site.drain(60)
        client.send(b"Host: h\r\n\r\n")
        response = client.response()
        self.assertEqual((response.status, response.body), (503, b"ENDING"))
        self.assertEqual(response.header("connection"), "close")
        client.disconnect()

    def test_healthcheck_while_another_takes_over(self) -> None:
        """Who retires has a successor, and nothing is wrong."""
        client = self.api.connect()
        client.request("GET", "/healthcheck")
        self.api.site.drain(None, grace=5)
        self.assertEqual(client.request("GET", "/healthcheck").status, 200)
        client.disconnect()

    def test_method_override(self) -> None:
        """§1.8: ``_method`` in a query changes nothing."""
        self.have_image(b"x")
        self.assertEqual(self.get(f"/v1/images/{IMAGE_ID}?_method=DELETE").status, 200)
        self.assertEqual(self.get(f"/v1/images/{IMAGE_ID}").status, 200)


class HostTests(RootCase):
    """No Host header makes us fail; trial fails these tests when anything is logged."""

    def test_bad_hosts(self) -> None:
        """What is not a host is 400, whatever is asked for."""
        for host in (
            b"h/path",
            b"h\xff",
            "bücher.example".encode(),
            b"a b",
            b"user@h",
            b"h:port",
            b"h:123456",
            b"[::1",
            b"<script>",
            b"h, i",
        ):
            for path in (b"/v1", b"/v1/images", b"/"):
                response = self.raw(b"GET " + path + b" HTTP/1.1", b"Host: " + host)
                self.assertEqual(response.status, 400, host)

    def test_odd_hosts(self) -> None:
        """What looks like a host is taken as it is."""
        for host in (b"a..b", b"x" * 64, b"x" * 300 + b".example", b"under_score", b"[::1]:9292"):
            response = self.raw(b"GET /v1 HTTP/1.1", b"Host: " + host)
            self.assertEqual(response.status, 302, host)
            self.assertEqual(response.header("location"), f"http://{host.decode()}/v1/")
            self.assertEqual(self.raw(b"GET /v1/images HTTP/1.1", b"Host: " + host).status, 200)

    def test_no_host(self) -> None:
        """In HTTP/1.0, or without a name, our own address stands in."""
        for line in ((b"GET /v1 HTTP/1.0",), (b"GET /v1 HTTP/1.1", b"Host:")):
            response = self.raw(*line)
            self.assertEqual(response.header("location"), "http://127.0.0.1:9292/v1/")

    def test_host_is_missing(self) -> None:
        """A request of HTTP/1.1 without the header is 400 (RFC 9112 §3.2), wherever it goes."""
        for path in (b"/", b"/v1/images", b"/healthcheck", b"/nope"):
            self.assertEqual(self.raw(b"GET %b HTTP/1.1" % path).status, 400, path)

    def test_two_hosts(self) -> None:
        """Two are none."""
        self.assertEqual(self.raw(b"GET / HTTP/1.1", b"Host: a", b"Host: b").status, 400)


class TargetTests(RootCase):
    """The ways to write a request target."""

    def target(self, target: bytes, method: bytes = b"GET") -> Response:
        return self.raw(method + b" " + target + b" HTTP/1.1", b"Host: h")

    def test_absolute_form(self) -> None:
        """A proxy's form is understood, and its host is the one that counts."""
        self.assertEqual(self.target(b"http://other:80/v1/images?limit=1").status, 200)
        self.assertEqual(self.target(b"HTTPS://other/v1/images").status, 200)
        location = self.target(b"http://other:80/v1").header("location")
        self.assertEqual(location, "http://other:80/v1/")
        for target in (b"http://other", b"http://other?x", b"http://other/"):
            self.assertEqual(self.target(target).status, 300, target)
        self.assertEqual(self.target(b"http://us%65r@other/v1").status, 400)

    def test_asterisk(self) -> None:
        """OPTIONS * is answered; other methods have no business there."""
        self.assertEqual(self.target(b"*", b"OPTIONS").status, 200)
        response = self.target(b"*")
        self.assertEqual((response.status, response.header("allow")), (405, "OPTIONS"))

    def test_no_path(self) -> None:
        """A target that is neither is 400; its first letter is not taken for a slash."""
        for target in (b"v1/images", b"xv1/images", b"h:9292", b"ftp://h/v1", b"?x"):
            self.assertEqual(self.target(target).status, 400, target)
        self.assertEqual(self.target(b"h:9292", b"CONNECT").status, 400)

    def test_odd_bytes(self) -> None:
        """A path that is not UTF-8 is 400."""
        for path in (b"/%ff", b"/v1/images/%ff", b"/v1/%c3%28", b"/v1/images/\xb0", b"/%ed%a0%80"):
            self.assertEqual(self.target(path).status, 400, path)

    def test_odd_ids(self) -> None:
        """No id makes us fail."""
        long_id = b"x" * 8000
        ids = (b"%00", b"..", b".", b"%2e%2e", b"%C3%A9", b"a%0d%0ab", b"%3Cb%3E", b"-1", long_id)
        for image_id in ids:
            for method in (b"GET", b"HEAD", b"PUT", b"DELETE"):
                response = self.target(b"/v1/images/" + image_id, method)
                self.assertEqual(response.status, 404, (method, image_id[:20]))

    def test_encoded_slash(self) -> None:
        """An encoded slash is a slash, as it was in the original."""
        self.assertEqual(self.target(b"/v1%2Fimages").status, 300)
        self.assertEqual(self.target(b"/v1/images%2Fdetail").status, 200)
        self.assertEqual(self.target(b"/v1/images/a%2Fb").status, 404)

    def test_encoded_letters(self) -> None:
        """A path may be written with more escapes than it needs."""
        self.assertEqual(self.target(b"/%76%31/images").status, 200)

    def test_odd_bytes_in_headers(self) -> None:
        """No byte in a header that we look at makes us fail."""
        self.have_image(b"hello")
        names = (
            b"Accept",
            b"Range",
            b"If-Range",
            b"User-Agent",
            b"X-Openstack-Request-Id",
            b"Content-Type",
            b"Cookie",
            b"X-Auth-Token",
            b"Connection",
        )
        for name in names:
            for path in (b"/v1/images", b"/v1/images/" + IMAGE_ID.encode(), b"/v1/nope", b"/"):
                odd = name + b": \xff\xfe=\xe9;"
                response = self.raw(b"GET %b HTTP/1.1" % path, b"Host: h", odd)
                self.assertIn(response.status, (200, 300, 404), (name, path))

    def test_odd_bytes_in_a_query(self) -> None:
        """Nor in a query."""
        for query in (b"limit=%ff", b"%ff=%ff", b"&&==&;", b"marker=%00", b"x" * 8000):
            response = self.target(b"/v1/images?" + query)
            self.assertIn(response.status, (200, 400), query[:20])

    def test_repeated_headers(self) -> None:
        """§1.8: the values of a repeated header are joined."""
        response = self.raw(
            b"GET /images HTTP/1.1",
            b"Host: h",
            b"Accept: application/vnd.openstack.images-v1",
            b"Accept: */*",
        )
        self.assertEqual(response.status, 300)
