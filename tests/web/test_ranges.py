"""Tests of byte ranges against a simple model (RFC 9110 §14)."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import RangeOutside
from glancetx.web.ranges import Span, requested_span
from tests.unhurried import given
from tests.web.case import IMAGE_ID, TransportCase

TOTALS = st.integers(1, 300)
POSITIONS = st.integers(0, 400)
BLANKS = st.sampled_from(["", " ", "  "])


def selected(header: str, total: int) -> list[int] | None:
    """The selected positions, or None for all of them."""
    try:
        span = requested_span(header, total)
    except RangeOutside as error:
        assert error.size == total
        return []
    if span is None:
        return None
    assert span.total == total
    return list(range(span.first, span.first + span.length))


class ModelTests(SynchronousTestCase):
    """A range selects what one would pick out by hand."""

    @given(TOTALS, POSITIONS, POSITIONS)
    def test_from_to(self, total: int, first: int, last: int) -> None:
        """Both ends are included; a range the wrong way round is ignored."""
        expected = [i for i in range(total) if first <= i <= last] if first <= last else None
        self.assertEqual(selected(f"bytes={first}-{last}", total), expected)

    @given(TOTALS, POSITIONS)
    def test_from(self, total: int, first: int) -> None:
        """Up to the end."""
        expected = [i for i in range(total) if i >= first]
        self.assertEqual(selected(f"bytes={first}-", total), expected)

    @given(TOTALS, POSITIONS)
    def test_last(self, total: int, count: int) -> None:
        """The last bytes, and all when there are not as many."""
        self.assertEqual(
            selected(f"bytes=-{count}", total), list(range(total))[-count:] if count else []
        )

    @given(TOTALS, POSITIONS, POSITIONS, BLANKS, st.sampled_from(["bytes", "Bytes", "BYTES"]))
    def test_blanks_and_case(self, total: int, first: int, last: int, _: str, unit: str) -> None:
        """Blanks and the case of the unit do not matter."""
        spaced = f"{_}{unit}{_}={_}{first}{_}-{_}{last}{_}"
        self.assertEqual(selected(spaced, total), selected(f"bytes={first}-{last}", total))

    @given(TOTALS, st.text(max_size=30))
    def test_anything(self, total: int, text: str) -> None:
        """Any other text selects everything, or nothing, or some; it never fails."""
        selected(text, total)
        selected("bytes=" + text, total)

    @given(TOTALS, POSITIONS, POSITIONS)
    def test_header_of_the_answer(self, total: int, first: int, length: int) -> None:
        """Content-Range names first, last and total."""
        text = Span(first, length, total).content_range
        self.assertEqual(text, f"bytes {first}-{first + length - 1}/{total}")


class IgnoredTests(SynchronousTestCase):
    """What is not one well-formed range of bytes is ignored."""

    def test_ignored(self) -> None:
        """Several ranges, other units, and nonsense."""
        for header in (
            None, "", "bytes", "bytes=", "bytes=-", "bytes=0-1,3-4", "bytes=0-0,", "items=0-1",
            "bytes=a-b", "bytes=1", "bytes=--1", "bytes=-1-2", "bytes=+1-2", "bytes=0x1-2",
            "bytes=1-" + "9" * 5000, "bytes=\u0661-\u0662", "0-1",
        ):  # fmt: skip
            self.assertIsNone(requested_span(header, 10), header)

    def test_many_blanks(self) -> None:
        """R28: a header full of blanks is no work; it took seconds to try all ways to part them."""
        blanks = " " * 200_000
        for header in (
            f"bytes={blanks}x",
            f"bytes={blanks}-{blanks}x",
            f"bytes{blanks}={blanks}x",
        ):
            self.assertIsNone(requested_span(header, 10))
        self.assertEqual(requested_span(f"bytes={blanks}1-{blanks}2", 10), Span(1, 2, 10))

    def test_largest_numbers(self) -> None:
        """Numbers that no image reaches are numbers."""
        span = requested_span("bytes=0-9999999999999999999", 10)
        self.assertEqual(span, Span(0, 10, 10))


class IfRangeTests(SynchronousTestCase):
    """A range that holds only for the image one knows."""

    def ask(self, if_range: str | None, etag: str | None = "abc") -> Span | None:
        return requested_span("bytes=1-2", 10, if_range=if_range, etag=etag)

    def test_same(self) -> None:
        """The entity tag as we send it, or as it should be sent."""
        for if_range in (None, "abc", '"abc"', ' "abc" '):
            self.assertEqual(self.ask(if_range), Span(1, 2, 10), if_range)

    def test_other(self) -> None:
        """Another tag, a weak one, a date, nothing: then everything is sent."""
        for if_range in ("abd", '"abd"', 'W/"abc"', "Mon, 23 Nov 2026 13:00:00 GMT", "", '""'):
            self.assertIsNone(self.ask(if_range), if_range)

    def test_unknown(self) -> None:
        """An image without a checksum is not known to be the same."""
        for if_range in ("abc", "", "None", "*"):
            self.assertIsNone(self.ask(if_range, None), if_range)


class WireTests(TransportCase):
    """Ranges on the wire."""

    def ask(self, **headers: str):
        self.have_image(b"0123456789")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.request("GET", f"/v1/images/{IMAGE_ID}", sent)

    def test_part(self) -> None:
        """206 with the part, its length, and where it is from."""
        response = self.ask(Range="bytes=2-4")
        self.assertEqual((response.status, response.body), (206, b"234"))
        self.assertEqual(response.header("content-range"), "bytes 2-4/10")
        self.assertEqual(response.header("content-length"), "3")
        self.assertEqual(response.header("accept-ranges"), "bytes")
        self.assertEqual(response.header("x-image-meta-size"), "10")

    def test_outside(self) -> None:
        """416 with the size; the connection is kept."""
        response = self.ask(Range="bytes=10-")
        self.assertEqual(response.status, 416)
        self.assertEqual(response.header("content-range"), "bytes */10")

    def test_whole(self) -> None:
        """200 with everything when the range does not hold."""
        response = self.ask(Range="bytes=2-4", If_Range='"other"')
        self.assertEqual((response.status, response.body), (200, b"0123456789"))
        self.assertIsNone(response.header("content-range"))

    def test_repeated(self) -> None:
        """Two Range headers are several ranges."""
        self.have_image(b"0123456789")
        self.client.send(
            b"GET /v1/images/%b HTTP/1.1\r\nHost: h\r\n"
            b"Range: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n" % IMAGE_ID.encode()
        )
        self.assertEqual(self.client.response().status, 200)
