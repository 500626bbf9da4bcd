"""Random requests, most of them well formed, until the time is over."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis
from attrs import evolve, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import eventually, folder, start
from tests.outbound.server import Resource, Server
from tests.registry.server import fresh_database

SECONDS = float(os.environ.get("GLANCE_RANDOM_SECONDS", 40))
SEED = int(os.environ.get("GLANCE_RANDOM_SEED", time.time_ns() % 10**9))
MIB = 1 << 20

#: The images of one run are few, so that requests meet; the next run has others.
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(4)]
RUN = "-4000-8000-"

CONFIG = """
image_size_cap = 4000
user_storage_quota = 200000
image_member_quota = 1
image_property_quota = 2
transfer_lease = 5
"""


@frozen
class Request:
    """A request as it is to be sent."""

    method: str
    path: str
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes | None = field(default=None, repr=lambda body: repr(body and body[:100]))
    is_chunked: bool = False

    def in_run(self, number: int) -> Request:
        """The same, about the images of this run."""
        run = f"-{0x4000 + (number >> 16):04x}-{number & 0xFFFF:04x}-"
        headers = [
            (name, value.replace(RUN.encode(), run.encode())) for name, value in self.headers
        ]
        return evolve(self, path=self.path.replace(RUN, run), headers=tuple(headers))


def header_text() -> Any:
    """Text that may stand in a header, as bytes."""
    letters = st.characters(min_codepoint=32, blacklist_categories=["Cs", "Cc"])
    return st.text(letters, max_size=20).map(lambda text: text.strip().encode())


def either(usual: Any, odd: Any) -> Any:
    """Mostly something usual."""
    return st.integers(0, 15).flatmap(lambda dice: odd if dice == 0 else usual)


def words(*values: str) -> Any:
    """One of these words, or anything."""
    return either(st.sampled_from([value.encode() for value in values]), header_text())


BOOLEANS = words("True", "False", "true", "0", "1", "None", "")
NUMBERS = either(
    st.integers(0, 5000).map(lambda number: str(number).encode()),
    words("-1", "", "1.5", "99999999999999999999", "2147483648", "9223372036854775807"),
)
TIMES = words("2026-01-01T00:00:00Z", "2026-01-01", "2999-12-31T23:59:59+02:00", "yesterday", "")

FIELDS = {
    "name": header_text(),
    "owner": words("one", "two", ""),
    "is_public": BOOLEANS,
    "protected": words("False", "False", "False", "True"),
    "min_disk": NUMBERS,
    "min_ram": NUMBERS,
    "size": NUMBERS,
    "virtual_size": NUMBERS,
    "checksum": words("d41d8cd98f00b204e9800998ecf8427e", "0" * 32, "", "xyz"),
    "status": words("queued", "active", "deleted"),
    "deleted": BOOLEANS,
    "created_at": TIMES,
    "store": words("file", "http", "memory", ""),
    "property-a": header_text(),
    "property-os_distro": words("debian", ""),
    "property-": header_text(),
}
FORMATS = {
    "disk_format": words("raw", "qcow2", "iso", "ami", ""),
    "container_format": words("bare", "ovf", "ami", ""),
}
IMAGE_IDS = either(st.sampled_from(IDS), st.sampled_from(["x", "0" * 32, "a/b", "%00", "ü", "-1"]))
QUERY = {
    "limit": NUMBERS,
    "marker": IMAGE_IDS.map(str.encode),
    "name": header_text(),
    "status": words("active", "queued", "deleted", "killed", "pending_delete"),
    "disk_format": words("raw", "iso"),
    "container_format": words("bare"),
    "size_min": NUMBERS,
    "size_max": NUMBERS,
    "min_ram": NUMBERS,
    "min_disk": NUMBERS,
    "protected": BOOLEANS,
    "is_public": BOOLEANS,
    "changes-since": TIMES,
    "property-os_distro": words("debian"),
    "sort_key": words("name", "status", "size", "id", "created_at", "updated_at", "disk_format"),
    "sort_dir": words("asc", "desc"),
    "nonsense": header_text(),
}
RANGES = either(
    st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda ends: b"bytes=%d-%d" % ends),
    words(
        "bytes=-5", "bytes=5-", "bytes=-0", "bytes=0-0,5-9", "lines=1-2", "bytes=9-1", "bytes=a-"
    ),
)
NAMES = st.sampled_from(["one", "two", "three", "four", "ü", "x" * 255, "x" * 256])
MEMBER = st.fixed_dictionaries(
    {},
    optional={
        "member_id": either(NAMES, st.none() | st.integers() | st.text(max_size=3)),
        "can_share": either(st.booleans(), st.none() | st.text(max_size=3)),
    },
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def meta(draw: Any) -> list[tuple[str, bytes]]:
    """Headers of a POST or PUT."""
    optional = {**FIELDS, "id": IMAGE_IDS.map(str.encode)}
    some = draw(st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True))
    fields = {name: draw(optional[name]) for name in some}
    if draw(st.integers(0, 9)):
        fields.update({name: draw(strategy) for name, strategy in FORMATS.items()})
    return [(f"x-image-meta-{name}", value) for name, value in fields.items()]


@st.composite
def writes(draw: Any, source: str) -> Request:
    """POST or PUT, with data, with a source, or with neither."""
    headers = draw(meta())
    if draw(st.booleans()):
        method, path = "POST", "/v1/images"
        headers.append(("x-image-meta-id", draw(st.sampled_from(IDS)).encode()))
    else:
        method, path = "PUT", f"/v1/images/{quote(draw(IMAGE_IDS))}"
        headers.append(("x-glance-registry-purge-props", draw(BOOLEANS)))
    kind = draw(st.sampled_from(["data", "data", "data", "nothing", "source"]))
    if kind == "source":
        url = words(
            f"{source}/image", f"{source}/missing", "http://127.0.0.1:1/", "file:///etc/passwd",
            "http://", "HTTP://x/", "http://[::1/", "ftp://x/y",
        )  # fmt: skip
        name = st.sampled_from(["x-glance-api-copy-from", "x-image-meta-location"])
        headers.append((draw(name), draw(url)))
    if kind != "data":
        return Request(method, path, tuple(headers))
    headers.append(("Content-Type", draw(words("application/octet-stream", "text/plain"))))
    size = draw(st.integers(0, 5000))
    return Request(method, path, tuple(headers), bytes(size), draw(st.booleans()))


@st.composite
def lists(draw: Any) -> Request:
    """A listing."""
    some = draw(st.lists(st.sampled_from(sorted(QUERY)), max_size=4, unique=True))
    query = urlencode([(name, draw(QUERY[name])) for name in some])
    path = draw(st.sampled_from(["/v1/images", "/v1/images/detail", "/v1/"]))
    return Request("GET", f"{path}?{query}")


@st.composite
def reads(draw: Any) -> Request:
    """GET, HEAD or DELETE of an image."""
    headers = [("Range", draw(RANGES))] if draw(st.booleans()) else []
    if draw(st.booleans()):
        headers.append(("Accept", draw(words("application/json", "text/plain", "*/*"))))
    method = draw(st.sampled_from(["GET", "GET", "HEAD", "DELETE"]))
    return Request(method, f"/v1/images/{quote(draw(IMAGE_IDS))}", tuple(headers))


@st.composite
def sharing(draw: Any) -> Request:
    """Anything about members."""
    if draw(st.integers(0, 4)) == 0:
        return Request("GET", f"/v1/shared-images/{quote(draw(NAMES))}")
    path = f"/v1/images/{quote(draw(IMAGE_IDS))}/members"
    method = draw(st.sampled_from(["PUT", "PUT", "PUT", "GET", "DELETE"]))
    usual: Any = MEMBER.map(lambda member: {"member": member})
    if draw(st.booleans()) and method != "GET":
        path += f"/{quote(draw(NAMES))}"
    else:
        usual = st.lists(MEMBER, max_size=4).map(lambda members: {"memberships": members})
    if method != "PUT":
        return Request(method, path)
    text = draw(either(either(usual, ANY_JSON).map(json.dumps), st.text(max_size=9)))
    return Request(method, path, (("Content-Type", b"application/json"),), text.encode())


_USUAL = (
    ("Content-Type", b"application/octet-stream"),
    ("x-image-meta-disk_format", b"raw"),
    ("x-image-meta-container_format", b"bare"),
)

#: What every run begins with: an image that is there, and one that waits for its bytes.
BEGIN = [
    Request("POST", "/v1/images", (("x-image-meta-id", IDS[0].encode()), *_USUAL), bytes(100)),
    Request("POST", "/v1/images", (("x-image-meta-id", IDS[1].encode()), *_USUAL)),
]


def send(port: int, request: Request) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; blocks."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(request.method, request.path)
        for name, value in request.headers:
            connection.putheader(name, value)
        body = request.body
        if request.is_chunked and body is not None:
            connection.putheader("Transfer-Encoding", "chunked")
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return response.status, fields, response.read()
    finally:
        connection.close()


class RandomRequestsTests(TestCase):
    """Whatever is asked, the answer is of this API."""

    timeout = SECONDS + 400

    async def test_requests(self):
        """No status from 500 on, JSON where it is said, no traceback, no leak, nothing stuck."""
        print(f"GLANCE_RANDOM_SEED={SEED} GLANCE_RANDOM_SECONDS={SECONDS:g}", flush=True)
        config = folder(self) / "glance.toml"
        config.write_text(CONFIG)
        self.daemon = await start(
            self,
            "--config",
            config,
            "--registry",
            f"postgres:{await fresh_database(self)}",
            "--store",
            f"file:{config.parent}/images",
            "--store",
            "http:allow=127.0.0.1:connect=1",
        )
        source = Server(self, Resource(b"from far away " * 100)).url
        idle = self.daemon.memory()
        self.counts: dict[str, int] = {}
        await deferToThread(self.ask_at_random, source)
        grown = self.daemon.memory() - idle
        print(f"{dict(sorted(self.counts.items()))}, memory +{grown / MIB:.0f} MiB", flush=True)
        self.daemon.assert_quiet()
        self.assertLess(grown, 64 * MIB)
        for status in ("200", "201", "204", "400", "404", "409"):
            self.assertIn(status, self.counts)
        await eventually(self.nothing_is_saving)
        self.assertEqual(await self.daemon.stop(), 0)

    def ask_at_random(self, source):
        """Ask until the time is over, or something is wrong; then make it small; blocks."""
        deadline = time.monotonic() + SECONDS
        failed = False
        run = 0
        requests = st.lists(
            st.one_of(writes(source), writes(source), lists(), reads(), sharing()),
            min_size=8,
            max_size=20,
        )

        @hypothesis.seed(SEED)
        @settings(
            max_examples=10**6,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(requests)
        def ask(requests):
            nonlocal failed, run
            run += 1
            if time.monotonic() > deadline and not failed:
                raise _TimeIsOver
            try:
                for request in [each.in_run(run) for each in [*BEGIN, *requests]]:
                    self.check(request, *send(self.daemon.port, request))
            except Exception:
                failed = True
                raise

        try:
            ask()
        except _TimeIsOver:
            pass

    def check(self, request, status, headers, body):
        """The answer is one that this API gives."""
        self.counts[str(status)] = self.counts.get(str(status), 0) + 1
        self.assertLess(status, 500, request)
        self.assertTrue(headers.get("x-openstack-request-id", "").startswith("req-"), request)
        if request.method == "HEAD":
            self.assertEqual(body, b"")
        elif headers.get("content-type", "").startswith("application/json"):
            json.loads(body)
        if status in (200, 206) and request.method == "GET" and "x-image-meta-size" in headers:
            self.assertEqual(len(body), int(headers["content-length"]))
        if status == 206:
            self.assertTrue(headers["content-range"].startswith("bytes "), request)

    async def nothing_is_saving(self):
        """Whether no image is half way in."""
        answer = await self.daemon.ask("GET", "/v1/images/detail?is_public=None&status=saving")
        return answer.json["images"] == []


class _TimeIsOver(BaseException):
    """Ends Hypothesis, which takes no other word for an end without a mistake."""
