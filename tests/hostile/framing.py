"""Families about where a message ends: lengths, chunks, lines, and what is pipelined."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, repeat

from tests.hostile.message import (
    IMAGE,
    NOWHERE,
    QUEUED,
    SMUGGLED,
    UPLOAD,
    Message,
    chunked,
    head,
    image_path,
    with_body,
)

POST = b"POST /v1/images"
GET = head(b"GET /v1/images?limit=1")

LENGTHS = (
    b"-1 +5 0x5 5.0 5e0 1_0 5,5 5,6 '5' 5; 05 00 0 999999999999999999999 9223372036854775807 "
    b"9223372036854775808 18446744073709551616 NaN \xb2 \xd9\xa5 \x00 5\x00 5\x0b 5\x0c 5\xa0"
).split(b" ") + [b"", b" ", b"5 5", b"5, 5", b"9" * 4301, b"0" * 5000 + b"5", b"5\r", b"5\n"]

ENCODINGS = (
    b"chunked",
    b"Chunked",
    b"CHUNKED",
    b"identity",
    b"gzip",
    b"gzip, chunked",
    b"chunked, gzip",
    b"chunked, identity",
    b"identity, chunked",
    b"chunked, chunked",
    b"xchunked",
    b"chunkedx",
    b'"chunked"',
    b"chunked;q=1",
    b"chun\x00ked",
    b"\x0bchunked",
    b"chunked\x0c",
    b"\xa0chunked",
    b"chunk\xe9d",
    b"",
    b",",
    b"chunked,",
    b",chunked",
    b"trailers",
)

#: How the name of a field that frames may be hidden from one of two readers.
DISGUISES = (
    b"%b: %b",
    b"%b:%b",
    b"%b:\t%b\t",
    b"%b : %b",
    b"%b\t: %b",
    b" %b: %b",
    b"\t%b: %b",
    b"X: y\n%b: %b",
    b"X: y\r%b: %b",
    b"X: y\x00%b: %b",
    b"%b:\r\n %b",
    b"%b:\n %b",
    b"%b\x00: %b",
    b"\x00%b: %b",
    b"%b;x: %b",
    b"\xef\xbb\xbf%b: %b",
    b"x%b: %b",
)


def lengths() -> Iterator[Message]:
    """Content-Length and Transfer-Encoding: wrong, twice, together, disguised."""
    chunks = chunked(b"hello")
    for length in LENGTHS:
        yield _post([b"Content-Length: " + length], b"hello")
        yield _post([b"Content-Length: 5", b"Content-Length: " + length], b"hello")
        yield _post([b"Content-Length: " + length, b"Content-Length: 5"], b"hello")
    for encoding in ENCODINGS:
        field = b"Transfer-Encoding: " + encoding
        yield _post([field], chunks)
        for length in (b"0", b"5", b"%d" % len(chunks), b"%d" % (len(chunks) + len(SMUGGLED))):
            yield _post([field, b"Content-Length: " + length], chunks)
            yield _post([b"Content-Length: " + length, field], chunks)
        yield _post([field, b"Transfer-Encoding: chunked"], chunks)
        yield _post([b"Transfer-Encoding: chunked", field], chunks)
        yield _post([field], chunks, version=b"HTTP/1.0")
    for disguise in DISGUISES:
        for name in (b"Content-Length", b"content-length", b"Content_Length", b"CONTENT-LENGTH"):
            yield _post([disguise % (name, b"5")], b"hello")
            yield _post([disguise % (name, b"0"), b"Content-Length: 5"], b"hello")
        for name in (b"Transfer-Encoding", b"Transfer_Encoding", b"tRANSFER-eNCODING"):
            yield _post([disguise % (name, b"chunked")], chunks)
            yield _post([disguise % (name, b"chunked"), b"Content-Length: 5"], chunks)
            yield _post([b"Content-Length: 5", disguise % (name, b"chunked")], chunks)
    for method in (b"GET", b"HEAD", b"DELETE", b"PUT", b"OPTIONS", b"CONNECT"):
        request = b"%b %b" % (method, image_path(NOWHERE))
        yield Message(head(request, b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED)
        yield Message(head(request, b"Transfer-Encoding: chunked") + chunked(SMUGGLED))
        yield Message(head(request, b"Content-Length: 1048577") + SMUGGLED)


def _post(fields: list[bytes], body: bytes, version: bytes = b"HTTP/1.1") -> Message:
    """An upload that is framed so, and a request that must be nobody's if the frame is none."""
    return Message(head(POST + b" " + version, *UPLOAD, *fields) + body + SMUGGLED)


SIZES = (
    b"g 0x5 -5 +5 5.0 5_0 ffffffffffffffff 10000000000000000 fffffffffffffffffffff 00000005 "
    b'5; 5;; 5;a 5;a= 5;a=b 5;a="b" 5;a="\r\n" 5;\x00 5;\n 5;a\nb 5\n 5\r 5\x0b 5\x00 5\xa0 '
    b"\xd9\xa5 \xef\xbb\xbf5 ' 5z 5,5"
).split(b" ") + [b"", b" 5", b"5 ", b"\t5", b"5\t", b"5 ;a", b"5 5", b"0" * 1100 + b"5"]

TRAILERS = (
    b"X: y\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: other\r\n",
    b"x-image-meta-name: t\r\n",
    b"no colon\r\n",
    b": empty\r\n",
    b"X : y\r\n",
    b" folded\r\n",
    b"X: y\n",
    b"X: y\n\n",
    b"X: y\r",
    b"X: \x00\r\n",
    b"X: y\n\nGET /v1/images HTTP/1.1\r\n",
    b"\xff: \xff\r\n",
    b"GET /smuggled HTTP/1.1\r\n",
    b"X: %b\r\n" % (b"y" * 70000),
    b"X: y\r\n" * 12000,
)


def chunks() -> Iterator[Message]:
    """Chunked bodies: sizes, extensions, ends and trailers; very many, very small, endless."""
    for size in SIZES:
        yield _chunks(size + b"\r\nhello\r\n0\r\n\r\n")
        yield _chunks(b"1\r\nx\r\n" + size + b"\r\nhello\r\n0\r\n\r\n")
    for zero in (b"0", b"00", b"-0", b"0;x", b"0 ", b"0x0", b"", b"0\n", b"000000000000000000"):
        yield _chunks(b"5\r\nhello\r\n" + zero + b"\r\n\r\n")
    for end in (b"", b"\n", b"\r", b"\r\n\r\n", b"\n\r", b"x\r\n", b"\x00\x00", b"  "):
        yield _chunks(b"5\r\nhello" + end + b"0\r\n\r\n")
        yield _chunks(b"5" + end + b"hello\r\n0\r\n\r\n")
        yield _chunks(b"5\r\nhello\r\n0" + end)
    for trailer in TRAILERS:
        yield _chunks(b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n")
    for extension in (b";" + b"a" * 900, b";" + b"a" * 1100, b";a" * 400, b";" * 1000):
        yield _chunks(b"".join(b"1%b\r\nx\r\n" % extension for _ in range(50)) + b"0\r\n\r\n")
    chunked_post = head(POST, *UPLOAD, b"Transfer-Encoding: chunked")
    tiny = b"1\r\na\r\n" * 10000
    yield Message(chunked_post, lambda: repeat(tiny, 60))
    yield Message(chunked_post, lambda: repeat(b"1;aaaaaaaaa\r\na\r\n" * 4000, 60))
    yield Message(chunked_post, lambda: islice(repeat(b"1;" + b"a" * 1000), 64))
    yield Message(chunked_post + b"0\r\n", lambda: repeat(b"X: y\r\n" * 10000, 100))
    unwanted = head(b"PUT " + image_path(NOWHERE), *UPLOAD, b"Transfer-Encoding: chunked")
    yield Message(unwanted, lambda: repeat(tiny, 60))
    yield Message(
        head(POST + b"/x/members", b"Transfer-Encoding: chunked"), lambda: repeat(tiny, 60)
    )


def _chunks(body: bytes) -> Message:
    return Message(head(POST, *UPLOAD, b"Transfer-Encoding: chunked") + body + SMUGGLED)


#: What may be taken for the end of a line, or for nothing.
ENDS = (
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\n\r",
    b"\n\n",
    b"\x0b",
    b"\x0c",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\x00",
)


def lines() -> Iterator[Message]:
    """Line ends, folded lines, blanks around colons, and NUL, wherever they can stand."""
    plain = head(b"GET /v1/images?limit=1", b"A: b", b"Content-Length: 0")
    for end in ENDS:
        for at in (b"HTTP/1.1\r\n", b"Host: h\r\n", b"A: b\r\n", b"Length: 0\r\n", b"\r\n\r\n"):
            yield Message(plain.replace(at, at.rstrip(b"\r\n") + end, 1) + SMUGGLED)
            yield Message(plain.replace(at, end + at, 1) + SMUGGLED)
        yield Message(plain.replace(b"\r\n", end) + SMUGGLED)
        yield Message(end + plain)
        yield Message(
            head(b"GET /v1/images?limit=1", b"A: b" + end + b"Content-Length: 43") + SMUGGLED
        )
        yield Message(head(b"GET /v1/images" + end, b"A: b") + SMUGGLED)
    for fold in (b" ", b"\t", b"  \t ", b" :", b" Content-Length: 5", b"\x0b", b"\xa0"):
        yield Message(head(b"GET /v1/images", b"A: b", fold + b"c") + SMUGGLED)
        yield Message(head(b"GET /v1/images", fold + b"c", b"A: b") + SMUGGLED)
        yield Message(b"GET /v1/images HTTP/1.1\r\n" + fold + b"Host: h\r\n\r\n" + SMUGGLED)
    for field in (
        b"A : b",
        b"A\t: b",
        b": b",
        b":",
        b"",
        b"A",
        b"A b: c",
        b"(A): b",
        b"A,: b",
        b'"A": b',
        b"\xc3\xa4: b",
        b"\x7f: b",
        b"{}: b",
        b"A\x00: b",
        b"A: \x00",
        b"A: \x01\x02\x1b[0m",
        b"A: \x7f",
        b"A: \xff\xfe",
        b"Host: two",
        b"Host : two",
    ):
        yield Message(head(b"GET /v1/images?limit=1", field) + SMUGGLED)
    for blanks in (
        b"\r\n",
        b"\r\n" * 2,
        b"\r\n" * 3,
        b"\r\n" * 60000,
        b"\n",
        b" \r\n",
        b"\x00\r\n",
    ):
        yield Message(blanks + GET)


def pipelines() -> Iterator[Message]:
    """Several requests in one go, behind bodies that are taken, refused, or awaited."""
    put = b"PUT " + image_path(NOWHERE)
    for body in (b"", b"x", b"x" * 5000, b"x" * 200_000):
        upload = with_body(POST, body, *UPLOAD)
        in_chunks = head(POST, *UPLOAD, b"Transfer-Encoding: chunked") + chunked(body or b"y")
        refused = with_body(put, body, *UPLOAD)
        yield Message(upload + GET)
        yield Message(in_chunks + GET)
        yield Message(refused + GET)
        yield Message(head(put, b"Transfer-Encoding: chunked") + chunked(body or b"y") + GET)
        yield Message((upload + refused + GET) * 3)
        yield Message(in_chunks * 5 + GET)
    for first in (
        b"GET " + image_path(),
        b"HEAD " + image_path(),
        b"DELETE " + image_path(NOWHERE),
    ):
        yield Message(head(first) * 40)
        yield Message(head(first, b"Connection: close") + SMUGGLED)
        yield Message(head(first + b" HTTP/1.0") + SMUGGLED)
        yield Message(head(first, b"Upgrade: h2c", b"Connection: upgrade, close") + SMUGGLED)
    yield Message(GET * 400)
    yield Message(head(b"GET /healthcheck") * 2000)
    yield Message(b"".join(with_body(POST, b"x" * n, *UPLOAD) for n in range(40)) + GET)
    yield Message(head(b"GET " + image_path()) + b"x" * 100_000)
    yield Message(with_body(b"PUT " + image_path(QUEUED) + b"/members/m", b"{}") * 30)
    yield Message(GET, lambda: repeat(GET * 100, 10))
    for cut in (1, 10, len(GET) - 1):
        yield Message(GET + GET[:cut])
        yield Message(with_body(POST, b"x" * 100, *UPLOAD)[:-cut])


EXPECTATIONS = (
    b"100-continue",
    b"100-Continue",
    b"100-continue, 100-continue",
    b"100-continue;q=1",
    b"200-ok",
    b"x" * 8000,
    b"",
    b"\x00",
    b"\xff",
)


def expectations() -> Iterator[Message]:
    """Expect, with bodies that come, are refused, or were never needed."""
    for expectation in EXPECTATIONS:
        expect = b"Expect: " + expectation
        for version in (b" HTTP/1.1", b" HTTP/1.0"):
            yield Message(with_body(POST + version, b"hello", *UPLOAD, expect) + GET)
            yield Message(with_body(b"PUT " + image_path(NOWHERE) + version, b"hello", expect))
            yield Message(with_body(b"PUT " + image_path(IMAGE) + version, b"x", *UPLOAD, expect))
            yield Message(head(b"GET /v1/images?limit=1" + version, expect))
            yield Message(
                head(POST + version, *UPLOAD, expect, b"Transfer-Encoding: chunked")
                + chunked(b"hello")
                + GET
            )
            yield Message(head(POST + version, *UPLOAD, expect, b"Content-Length: 5"))
        yield Message(head(POST, *UPLOAD, expect, expect, b"Content-Length: 5") + b"hello" + GET)
        yield Message(head(POST, *UPLOAD, expect, b"Content-Length: 5") + SMUGGLED)
        yield Message(head(b"PUT /v1/nope", expect, b"Content-Length: 99999999") + SMUGGLED)
