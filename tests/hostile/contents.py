"""Families about what requests say: texts, properties, ranges, JSON, numbers, negotiation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from urllib.parse import quote_from_bytes

from tests.hostile.message import IMAGE, QUEUED, UPLOAD, Message, head, image_path, with_body

POST = b"POST /v1/images"

TEXTS = (
    b"\x80",
    b"\xbf\xbf",
    b"\xc0\x80",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbf\xbe",
    b"\xef\xbf\xbf",
    b"\xf0\x9f\x92\xa9",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x92",
    b"a\xc3\xa4\xe2\x82\xac",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xcc\x88" * 1000,
    b"\x01",
    b"\x1b[2J",
    b"\x08",
    b"\x7f",
    b"{",
    b"{}",
    b"{0.__class__}",
    b"%s%n",
    b"'",
    b"\\",
    b"\\x00",
    b"\\u0000",
    b"<script>alert(1)</script>",
    b"<" * 16000,
    b"&" * 5000,
    b"\xc3\xa4" * 128,
    b"a" * 256,
    b"a" * 16000,
    b"None",
    b"null",
    b"NaN",
    b"=?utf-8?q?x?=",
    b"a,b;c",
)
FIELDS = (
    "name owner disk_format container_format checksum id status store location created_at size "
    "is_public protected deleted min_disk virtual_size property-a nonsense"
).split()
FILTERS = "name status disk_format property-a marker sort_key sort_dir changes-since limit".split()


def texts() -> Iterator[Message]:
    """What is no UTF-8, longer than it must be, or beyond what a database keeps; everywhere."""
    for text in TEXTS:
        for name in FIELDS:
            field = b"x-image-meta-%b: %b" % (name.encode(), text)
            yield Message(with_body(POST, b"", field))
            yield Message(head(POST, field, field, field, field))
            yield Message(with_body(b"PUT " + image_path(QUEUED), b"", field))
            agent = b"User-Agent: python-glanceclient"
            encoded = b"x-image-meta-%b: %b" % (name.encode(), _percent(text[:3000]))
            yield Message(with_body(POST, b"", agent, encoded))
        yield Message(with_body(POST, b"", b"x-image-meta-property-%b: v" % text))
        yield Message(with_body(POST, b"", b"x-image-meta-%b: v" % text))
        for name in FILTERS:
            for form in (text[:4000], _percent(text[:2000]), b"%25" + _percent(text[:1000])):
                query = b"GET /v1/images/detail?%b=%b" % (name.encode(), form)
                yield Message(head(query))
        yield Message(head(b"GET /v1/images?property-%b=v" % _percent(text[:2000])))
        yield Message(head(b"GET /v1/images?%b" % _percent(text[:2000])))
        member = b"PUT %b/members" % image_path()
        yield Message(with_body(b"%b/%b" % (member, _percent(text[:2000])), b""))
        yield Message(with_body(member, b'{"memberships": [{"member_id": "%b"}]}' % text))
        yield Message(head(b"GET /v1/shared-images/%b" % _percent(text[:2000])))
        for other in (
            b"Accept",
            b"X-Auth-Token",
            b"X-Openstack-Request-Id",
            b"User-Agent",
            b"Host",
        ):
            yield Message(head(b"GET /v1/images/nope", b"%b: %b" % (other, text)))


def _percent(text: bytes) -> bytes:
    return quote_from_bytes(text, safe="").encode()


def properties() -> Iterator[Message]:
    """Many properties, long ones, and several that are one."""
    for number in (1, 127, 128, 129, 500, 900, 999):
        fields = [b"x-image-meta-property-p%d: v" % n for n in range(number)]
        yield Message(with_body(POST, b"", *fields))
        yield Message(with_body(b"PUT " + image_path(QUEUED), b"", *fields))
        same = [b"x-image-meta-property-p: %d" % n for n in range(number)]
        yield Message(with_body(POST, b"", *same))
        mixed = [
            b"X-Image_Meta-Property_P%b: v" % (b"_-"[n % 2 : n % 2 + 1] * n) for n in range(60)
        ]
        yield Message(with_body(POST, b"", *mixed))
    for size in (0, 1, 254, 255, 256, 5000, 16000):
        for agent in (b"User-Agent: x", b"User-Agent: python-glanceclient"):
            yield Message(
                with_body(POST, b"", agent, b"x-image-meta-property-%b: v" % (b"k" * size))
            )
            yield Message(with_body(POST, b"", agent, b"x-image-meta-property-k: " + b"v" * size))
            yield Message(
                with_body(POST, b"", agent, b"x-image-meta-property-k: " + b"%41" * (size // 3))
            )
        long = [b"x-image-meta-property-k%d: %b" % (n, b"v" * min(size, 15000)) for n in range(4)]
        yield Message(with_body(POST, b"", *long))
        yield Message(with_body(POST, b"x" * 100, *UPLOAD, *long))
    for purge in (b"true", b"false", b"", b"maybe", b"\xff"):
        field = b"x-glance-registry-purge-props: " + purge
        for number in (1, 128, 129):
            fields = [b"x-image-meta-property-%d: v" % n for n in range(number)]
            yield Message(with_body(b"PUT " + image_path(QUEUED), b"", field, *fields))


RANGES = (
    b"bytes=0-0 bytes=-1 bytes=-0 bytes=0- bytes=- bytes= bytes bytes=1-0 bytes=a-b bytes=0x0-0x1 "
    b"bytes=0-0,1-1 bytes=0-,0-,0-,0- bytes=-1,-1 lines=0-1 =0-1 0-1 bytes=0-1;q=1 bytes=+0-+1 "
    b"bytes=0--1 bytes=--1 bytes=0-1-2 bytes=\xd9\xa0-\xd9\xa1 bytes=1e0-2e0 BYTES=0-1 none *"
).split(b" ") + [
    b"bytes = 0 - 1",
    b"bytes=0-" + b"9" * 19,
    b"bytes=0-" + b"9" * 20,
    b"bytes=" + b"9" * 5000 + b"-",
    b"bytes=-" + b"9" * 5000,
    b"bytes=9223372036854775807-9223372036854775808",
    b"bytes=18446744073709551615-",
    b"bytes=" + b"0-0," * 4000,
    b"bytes=" + b"-1," * 5000,
    b"bytes=" + b" " * 16000 + b"x",
    b"bytes=" + b" " * 8000 + b"-" + b" " * 8000 + b"x",
    b"bytes" + b" " * 8000 + b"=" + b" " * 8000 + b"x",
    b"bytes=" + b"0" * 16000 + b"-",
    b"bytes=0-\x00",
    b"\xff",
]
IF_RANGES = (b"", b"x", b'"x"', b"W/x", b"Wed, 01 Jan 2025 00:00:00 GMT", b'"' * 8000, b"\xff")


def ranges() -> Iterator[Message]:
    """Ranges of every form and number, of an image with bytes and of one without."""
    for value in RANGES:
        for target in (image_path(), image_path(QUEUED), b"/v1/images"):
            for method in (b"GET", b"HEAD"):
                request = b"%b %b" % (method, target)
                yield Message(head(request, b"Range: " + value))
                yield Message(head(request, *[b"Range: " + value] * 4))
        for condition in IF_RANGES:
            field = b"If-Range: " + condition
            yield Message(head(b"GET " + image_path(), b"Range: " + value, field))
        yield Message(with_body(b"PUT " + image_path(), b"x", *UPLOAD, b"Content-Range: " + value))
    start = head(b"GET " + image_path())[:-2]
    for number in (100, 900, 999):
        yield Message(start + b"Range: bytes=0-0\r\n" * number + b"\r\n")


DOCUMENTS = (
    b"",
    b" ",
    b"{",
    b"[",
    b"]",
    b"null",
    b"true",
    b"0",
    b"-0",
    b'""',
    b"{}",
    b"[]",
    b"NaN",
    b"Infinity",
    b"[1e999999]",
    b"[%b]" % (b"9" * 60000),
    b"[-%b.%be%b]" % (b"9" * 20000, b"9" * 20000, b"9" * 20000),
    b"[" * 30,
    b"[" * 33 + b"]" * 33,
    b"[" * 32000 + b"]" * 32000,
    b'{"a":' * 12000 + b"1" + b"}" * 4000,
    b"[" * 65536,
    b'{"member":' * 6000,
    b'[{"member_id":' * 4000,
    b"[" + b"[]," * 20000 + b"[]]",
    b"{" + b",".join(b'"%d":0' % n for n in range(7000)) + b"}",
    b'{"member": {"can_share": true}, "member": []}',
    b'{"member": {"can_share": ' + b"[" * 40 + b"]" * 40 + b"}}",
    b'{"memberships": [' + b'{"member_id": "a"},' * 3000 + b'{"member_id": "a"}]}',
    b'{"memberships": [' + b",".join(b'{"member_id":"m%d"}' % n for n in range(129)) + b"]}",
    b'{"memberships": [' + b",".join(b'{"member_id":"m%d"}' % n for n in range(3000)) + b"]}",
    b'{"memberships": {"member_id": "a"}}',
    b'{"memberships": [null, 1, "a", [], {}]}',
    b'{"memberships": [{"member_id": null}]}',
    b'{"memberships": [{"member_id": "\\u0000"}]}',
    b'{"memberships": [{"member_id": "\\ud800"}]}',
    b'{"memberships": [{"member_id": "\\udfff\\ud800"}]}',
    b'{"memberships": [{"member_id": "\\ud83d\\udca9"}]}',
    b'{"memberships": [{"member_id": "%b"}]}' % (b"a" * 60000),
    b'{"memberships": [{"member_id": "../../x"}]}',
    b'{"memberships": [{"member_id": "a", "can_share": 1e400}]}',
    b'{"__proto__": {"x": 1}, "constructor": 1}',
    b'{"member": "x"}',
    b'{"member": 5}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    "{}".encode("utf-32"),
    b"\xff\xfe",
    b'{"a": "\xff"}',
    b'{"a": "\x00"}',
    b"{}" + b" " * 65000,
    b"{}" * 2,
    b"{}\x00",
    b"'a'",
    b"{a: 1}",
    b"[1,]",
    b"/**/{}",
    b"x" * 65536,
    b"x" * 65537,
    b"x" * 200_000,
    b"&a=b" * 1000,
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--",
)


def documents() -> Iterator[Message]:
    """JSON that is deep, wide, large or none, as members of an image, in both framings."""
    kinds = (b"application/json", b"text/xml", b"multipart/form-data; boundary=x", b"")
    for document in DOCUMENTS:
        for target in (b"/members", b"/members/m"):
            put = b"PUT %b%b" % (image_path(), target)
            for kind in kinds:
                yield Message(with_body(put, document, b"Content-Type: " + kind))
            start = head(put, b"Transfer-Encoding: chunked")
            yield Message(start + b"%x\r\n%b\r\n0\r\n\r\n" % (len(document) or 0, document or b""))
            yield Message(with_body(put, document, b"Content-Encoding: gzip"))
        yield Message(with_body(POST, document, b"Content-Type: application/json"))
        for method in (b"GET", b"DELETE", b"POST"):
            yield Message(with_body(b"%b %b/members/m" % (method, image_path()), document))
    put = b"PUT %b/members" % image_path()
    yield Message(
        head(put, b"Transfer-Encoding: chunked"), lambda: repeat(b"1\r\n[\r\n" * 9000, 20)
    )
    yield Message(head(put, b"Content-Length: 99999999"), lambda: repeat(b"[" * 60000, 20))


NUMBERS = [
    *b"0 -0 +0 1 -1 00 1.0 1e3 0x10 0b1 0o7 1_000 1,000 NaN inf Infinity None null true".split(),
    *(b"%d" % (sign * (1 << bits) + add) for bits in (31, 32, 53, 63, 64, 128) for sign in (1, -1)
      for add in (-1, 0, 1)),
    *(b"9" * digits for digits in (18, 19, 20, 39, 40, 41, 400, 4300, 4301, 8000)),
    b"-" + b"9" * 4000,
    b"",
    b" ",
    b" 1 ",
    b"1 2",
    b"\xd9\xa3",
    b"\xef\xbc\x91",
    b"\xe2\x91\xa0",
    b"\xc2\xb2",
    b"1\x00",
    b"1;DROP TABLE images",
    b"1 OR 1=1",
    b"%s",
    b"{}",
]  # fmt: skip
TIMES = (
    b"0001-01-01 9999-12-31T23:59:59.999999 9999-12-31T23:59:59-23:59 0001-01-01T00:00:00%2B23:59 "
    b"2026-02-30 2026-W53-7 20260101 2026-01-01T24:00:00 2026-01-01T00:00:60 2026-01-01T00:00:00Z "
    b"2026-01-01T00:00:00%2B99:99 10000-01-01 -0001-01-01 1e9 now infinity -infinity epoch today"
).split(b" ")


def numbers() -> Iterator[Message]:
    """Numbers and times beyond what a machine, a database or a calendar knows."""
    for number in (*NUMBERS, *TIMES):
        for name in (b"limit", b"size_min", b"size_max", b"min_ram", b"min_disk", b"protected"):
            form = quote_from_bytes(number, safe="%").encode()[:7000]
            yield Message(head(b"GET /v1/images/detail?%b=%b" % (name, form)))
            yield Message(head(b"GET /v1/shared-images/m?%b=%b" % (name, form)))
        yield Message(
            head(b"GET /v1/images?changes-since=%b" % quote_from_bytes(number, "%").encode()[:7000])
        )
        for name in (
            b"size",
            b"min_disk",
            b"min_ram",
            b"virtual_size",
            b"created_at",
            b"deleted_at",
        ):
            field = b"x-image-meta-%b: %b" % (name, number)
            yield Message(with_body(POST, b"", field))
            yield Message(with_body(POST, b"hello", *UPLOAD, field))
            yield Message(with_body(b"PUT " + image_path(QUEUED), b"", field))
        for name in (b"Max-Forwards", b"Keep-Alive", b"Age", b"x-openstack-image-size", b"DNT"):
            yield Message(head(b"GET " + image_path(), b"%b: %b" % (name, number)))


ACCEPTS = (
    b"*/*",
    b"text/html;q=" + b"9" * 4000,
    b"text/html;q=1e999,application/json;q=-1e999",
    b"text/html;q=nan,application/json;q=inf",
    b"text/html;q=0." + b"0" * 8000 + b"1",
    b"text/html" + b";a=b" * 3900,
    b"text/html," * 1600,
    b"," * 16000,
    b";" * 16000,
    b"*/*;*/*,*,/,;q,=",
    b"application/vnd.openstack.images-" + b"v" * 8000,
    b"application/vnd.openstack.images-v1/../v2",
    b"text/\xff",
    b"text/html\x0b;q=1",
)


def negotiation() -> Iterator[Message]:
    """Accept, conditions, connection options, proxies' fields, identities, and ids of requests."""
    for accept in ACCEPTS:
        for path in (b"/", b"/v1/images/nope", b"/v1/images?limit=x", b"/v9"):
            yield Message(head(b"GET " + path, b"Accept: " + accept))
            yield Message(head(b"GET " + path, *[b"Accept: " + accept] * 4))
    values = (
        b"",
        b"*",
        b"x" * 64,
        b"x" * 65,
        b"y" * 16000,
        b"," * 9000,
        b"\xff\xfe",
        b"a\tb",
        b"close",
    )
    names = (
        "Connection Keep-Alive Proxy-Connection TE Trailer Upgrade If-Match If-None-Match Via "
        "If-Modified-Since If-Unmodified-Since Authorization Cookie X-Auth-Token X-User-Id X-Roles "
        "X-Tenant-Id X-Identity-Status X-Forwarded-For X-Forwarded-Proto Forwarded "
        "X-Real-IP X-Openstack-Request-Id X-Service-Token Openstack-System-Scope Origin Referer "
        "Accept-Encoding Accept-Language Accept-Charset Content-Type Content-Encoding "
        "Content-Language Content-Location Content-MD5 Digest Prefer Max-Forwards User-Agent"
    ).split()
    for name in names:
        for value in values:
            field = name.encode() + b": " + value
            yield Message(head(b"GET /v1/images?limit=1", field) + head(b"GET /v1/images?limit=1"))
            yield Message(head(b"GET " + image_path(IMAGE), field, field))
            yield Message(with_body(POST, b"x", *UPLOAD, field))
