"""Families about what is in a head: how much, which target, which method, and which protocol."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from tests.hostile.message import (
    IMAGE,
    NOWHERE,
    SMUGGLED,
    UPLOAD,
    VICTIM,
    Message,
    head,
    image_path,
    with_body,
)

GET = b"GET /v1/images?limit=1"


def bombs() -> Iterator[Message]:
    """Heads of many fields, of long ones, and without an end."""
    for number in (500, 998, 999, 1000, 1001, 5000):
        yield Message(head(GET, *(b"a%d: b" % n for n in range(number))))
        yield Message(head(GET, *repeat(b"a: b", number)))
        yield Message(head(GET, *repeat(b"x-image-meta-name: b", number)))
        yield Message(head(b"POST /v1/images", *repeat(b"X_Image-Meta_Name: b", number)))
    for size in (4096, 8191, 16380, 16381, 16382, 20000, 65536, 300_000):
        yield Message(head(GET, b"a: " + b"b" * size))
        yield Message(head(GET, b"a" * size + b": b"))
        yield Message(head(GET, b"a" * size))
        yield Message(head(GET, *[b"a: " + b"b" * (size // 5)] * 5))
        yield Message(head(b"GET /" + b"a" * size))
        yield Message(head(b"GET /v1/images?" + b"a" * size))
        yield Message(head(b"A" * size + b" /"))
        yield Message(b"GET / HTTP/1." + b"1" * size + b"\r\n\r\n")
        yield Message(b"a" * size)
        yield Message(b"\0" * size)
    for field in (b"Cookie: a=b;", b"Accept: text/html;q=0.1,", b"Host: h", b"Range: bytes=0-1,"):
        name, _, value = field.partition(b": ")
        yield Message(head(GET, name + b": " + value * (16000 // len(value))))
        yield Message(head(GET, *[name + b": " + value * (15000 // len(value))] * 4))
    hundred_thousand = [b"h%d: v\r\n" % n for n in range(100_000)]
    start = head(GET)[:-2]
    yield Message(start + b"".join(hundred_thousand) + b"\r\n" + SMUGGLED)
    yield Message(start, lambda: (b"".join(hundred_thousand[n::50]) for n in range(50)))
    yield Message(start, lambda: (b"h%d: %b\r\n" % (n, b"v" * 900) for n in range(20_000)))
    yield Message(start + b"a: ", lambda: repeat(b"b" * 60_000, 1000))
    yield Message(b"GET /", lambda: repeat(b"b" * 60_000, 1000))
    yield Message(b"", lambda: repeat(b"\r\n" * 30_000, 1000))
    yield Message(start, lambda: repeat(b"\r\n" * 30_000, 1000))
    yield Message(head(GET, b"a: b"), trickles=True, step=1)
    yield Message(head(GET, b"a: " + b"b" * 150), trickles=True, step=1)
    # Byte by byte, behind answers that nobody takes.
    unread = head(b"GET " + image_path()) * 40
    yield Message(unread, lambda: (b"a" for _ in range(600)), trickles=True)


UPS = (
    "..",
    "../..",
    "../../../../../../etc/passwd",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2f",
    "%2E%2E/%2e./",
    "..%2f..%2fetc%2fpasswd",
    "%252e%252e%252f",
    "%25252e%25252e%25252f",
    "..%c0%af",
    "%c0%ae%c0%ae%c0%af",
    "%e0%80%ae%e0%80%ae%e0%80%af",
    "%f0%80%80%ae",
    "..%ef%bc%8f",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
    "..\\..\\windows",
    "..%5c..%5c",
    "%2e%2e%5c",
    "....//",
    "..;/",
    ".%00.",
    "..%00/",
    "%00",
    "%",
    "%2",
    "%zz",
    "%u002e%u002e",
    "..%0d%0aX: y",
    "..%20",
    "..%09",
    "~root",
    "%7eroot",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "C:%5c",
    "CON",
    ".",
    "%2e",
    " ",
    "%20",
    "*",
    "%2a",
    "-rf",
    "--help",
    "$(id)",
    "`id`",
    "|id",
    ";id",
    "%3bid",
    "' OR '1'='1",
    "%27%20OR%201=1--",
    "\\u002e\\u002e",
    "..%e2%80%ae",
    "\ud7ff",
    "💣",
    "x" * 256,
    "x" * 4000,
    "%41" * 2000,
)
#: Where a name may end in a path on a disk, or in a statement.
PLACES = (
    "/v1/images/{}",
    "/v1/images/{}/members",
    f"/v1/images/{IMAGE}/members/{{}}",
    f"/v1/images/{IMAGE}/{{}}",
    f"/v1/images/{NOWHERE}{{}}",
    f"/v1/images/{{}}/{VICTIM}",
    "/v1/shared-images/{}",
    "/v1/cached_images/{}",
    "/v1/queued_images/{}",
    "/v1/{}",
    "/{}",
    "/v1/images?marker={}",
    "/v1/images?name={}",
    "/v1/images?property-{}={}",
)
#: Fields whose values name things.
NAMING = (
    "x-image-meta-id",
    "x-image-meta-name",
    "x-image-meta-owner",
    "x-image-meta-store",
    "x-image-meta-location",
    "x-image-meta-checksum",
    "x-image-meta-property-path",
    "x-glance-api-copy-from",
    "X-Openstack-Request-Id",
    "Host",
)


def traversals() -> Iterator[Message]:
    """Ways up and out, in ids, members, stores and queries, encoded in every way."""
    for up in UPS:
        raw = up.encode("utf-8")
        for place in PLACES:
            target = place.replace("{}", up).encode("utf-8")
            for method in (b"GET", b"PUT", b"HEAD"):
                yield Message(with_body(b"%b %b" % (method, target), b"", *UPLOAD))
            yield Message(head(b"GET " + target.replace(b" ", b"+")))
        yield Message(head(b"DELETE /v1/images/%b" % (raw or b"x")))
        for name in NAMING:
            yield Message(with_body(b"POST /v1/images", b"", name.encode() + b": " + raw))
            field = f"{name}: /{up}/{up}".encode()
            yield Message(with_body(b"POST /v1/images", b"x", *UPLOAD, field))


TARGETS = (
    b"* / // /// /./ /. /.. /%2f /%2F%2fv1 //v1//images /v1//images /v1/images/ /v1/images// "
    b"/v1/images/detail/ /V1/images /v1/Images /v1.0/images /v1.1/images /v2/images /v9/images "
    b"http://h/v1/images http://h http://h/ HTTP://H/v1/images https://h/v1/images ftp://h/x "
    b"http:///v1/images http://u:p@h/v1/images http://h:99999/ http://h:x/ http://[::1]/v1/images "
    b"http://[/ http://h/../v1/images http:h /v1/images#x /v1/images?#x # ? /? /?? h:80 h "
    b"\\\\h\\v1 \\v1 /v1\\images ../v1/images ./v1/images v1/images /v1/images;x=y /v1;/images "
    b"/v1/images?limit /v1/images?= /v1/images?& /v1/images?&&=&&& /v1/images?limit=1;marker=2 "
    b"/v1/images?limit=1&limit=2 /v1/images?%6cimit=1 /v1/images?limit=%31 /v1/images?x[]=1 "
    b"/v1/images?__class__=x /v1/images?a=%s%n%x /v1/images?a={{7*7}} /v1/images?a=${jndi:x} "
    b"/<script> /v1/images/<img/src=x> /v1/\xff\xfe /\xc3\xa4 /v1/images?\xff=\xff "
    b"/versions /versions/ /versions/x /healthcheck /healthcheck/x /HEALTHCHECK /metrics "
    b"data:,x javascript:x urn:x //h/v1/images ///h /v1/images/%ff%fe /v1/images/%ed%a0%80"
).split(b" ")


def targets() -> Iterator[Message]:
    """Absolute, authority and asterisk forms, and targets of no form at all."""
    for target in TARGETS:
        for method in (b"GET", b"HEAD", b"POST", b"OPTIONS"):
            yield Message(head(b"%b %b" % (method, target)))
        yield Message(head(b"GET " + target, host=None))
        yield Message(head(b"GET " + target, host=b"evil\x00"))
        yield Message(head(b"CONNECT " + target))
        yield Message(head(b"GET %b HTTP/1.0" % target, host=None))
        vendor = b"Accept: application/vnd.openstack.images-v1"
        yield Message(head(b"GET " + target, vendor))
    for host in (
        b"",
        b" ",
        b"h:",
        b"h:x",
        b"h:999999",
        b"[::1]",
        b"[",
        b"h/../x",
        b"h\x00",
        b"h\r",
        b"a b",
        b"h,h2",
        b"<script>",
        b"h@evil",
        b"\xff",
        b"-",
        b"." * 500,
        b"h" * 16000,
        b"%68",
        b"h#",
        b"h?x",
    ):
        for path in (b"/", b"/v1", b"/v1/images?limit=1", b"/versions"):
            yield Message(head(b"GET " + path, host=host))
        yield Message(head(b"GET /", b"Host: second", host=host))
    yield Message(head(b"GET /v1/images?" + b"&".join(b"a%d" % n for n in range(1300))))
    yield Message(head(b"GET /v1/images?" + b"&" * 8000))
    yield Message(head(b"GET /v1/images?" + b"%" * 8000))
    yield Message(head(b"GET /v1/images?name=" + b"%41" * 2600))
    yield Message(head(b"GET /" + b"/" * 8000))
    yield Message(head(b"GET /" + b"a/" * 4000))
    yield Message(head(b"GET /v1/images" + b"/members" * 900))


METHODS = (
    b"TRACE TRACK CONNECT PRI OPTIONS PATCH PROPFIND MKCOL COPY MOVE LOCK SEARCH PURGE DEBUG BREW "
    b"get Get gET HEADX XHEAD GET\x00 G\xcaT \xef\xbb\xbfGET GET: GET, <GET> $GET __init__ GET\t "
    b"! # ~ 0 -1 POST/ PUT;x"
).split(b" ") + [b"", b"G" * 100, b"G" * 8000, b"GET GET", b" GET", b"\tGET", b"X-GET_1.~"]


def methods() -> Iterator[Message]:
    """Methods that nobody knows, or that know no body, on every route."""
    paths = (
        b"/",
        b"/v1/images",
        b"/v1/images/detail",
        image_path(),
        image_path() + b"/members",
        image_path() + b"/members/m",
        b"/v1/shared-images/m",
        b"/v1/cached_images",
        b"/v1/nope",
        b"*",
        b"/healthcheck",
        b"/versions",
    )
    for method in METHODS:
        for path in paths:
            yield Message(head(b"%b %b" % (method, path)))
        yield Message(with_body(b"%b /v1/images" % method, b"x", *UPLOAD) + head(GET))
        override = b"X-HTTP-Method-Override: " + (method.replace(b"\x00", b"") or b"x")
        yield Message(head(GET, override))
    for path in paths:
        for method in (b"GET", b"HEAD", b"DELETE", b"POST"):
            if (method, path) == (b"DELETE", image_path()):
                continue
            yield Message(with_body(b"%b %b" % (method, path), SMUGGLED) + head(GET))


def protocols() -> Iterator[Message]:
    """HTTP/0.9, HTTP/2, TLS, other protocols and noise."""
    http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield Message(http2)
    yield Message(http2 + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00" * 1000)
    yield Message(head(GET) + http2)
    upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__")
    for protocol in (b"h2c", b"h2", b"websocket", b"TLS/1.3", b"HTTP/2.0", b"x" * 9000, b"\x00"):
        yield Message(head(GET, b"Upgrade: " + protocol, *upgrade) + http2)
        yield Message(
            with_body(b"POST /v1/images", b"x", *UPLOAD, b"Upgrade: " + protocol, *upgrade)
        )
    for version in (
        b"",
        b" ",
        b" HTTP/0.9",
        b" HTTP/1",
        b" HTTP/1.",
        b" HTTP/1.10",
        b" HTTP/1.2",
        b" HTTP/01.1",
        b" HTTP/2",
        b" HTTP/2.0",
        b" HTTP/3",
        b" HTTP/11",
        b" http/1.1",
        b" HTTP/1.1 ",
        b" HTTP/1.1x",
        b"  HTTP/1.1",
        b"\tHTTP/1.1",
        b" HTTP /1.1",
        b" HTTP/-1.1",
        b" ICY/1.1",
        b" RTSP/1.0",
        b" SIP/2.0",
        b" HTTP/1.1 HTTP/1.1",
        b" HTTP/\xd9\xa1.1",
    ):
        for path in (b"/v1/images?limit=1", b"/"):
            yield Message(b"GET %b%b\r\nHost: h\r\n\r\n" % (path, version) + SMUGGLED)
            yield Message(b"GET %b%b\r\n" % (path, version))
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
        b"\x16\x03\x01\xff\xff" + b"\x00" * 70000,
        b"\x80\x2e\x01\x00\x02\x00\x15",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"EHLO x\r\nMAIL FROM:<a@b>\r\n",
        b"*1\r\n$4\r\nINFO\r\n",
        b"\x05\x01\x00",
        b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + head(GET),
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x50\x00\x50",
        b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
        b"{}\n",
        b"<?xml version='1.0'?><a/>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + head(GET),
        bytes(range(256)) * 100,
        b"\xff" * 20000,
        b"\n" * 20000,
        b" " * 20000,
        b"\xef\xbb\xbf" + head(GET),
        b"G\0E\0T\0 \0/\0",
        head(GET).decode().encode("utf-16"),
    ):
        yield Message(noise)
        yield Message(noise + SMUGGLED)
        yield Message(head(GET) + noise)
