"""The judges of the hostile suite judge rightly."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.hostile.answers import Malformed, read_answers
from tests.hostile.attack import is_fair
from tests.hostile.families import FAMILIES
from tests.hostile.message import SMUGGLED, Message, chunked, head, image_path, with_body
from tests.hostile.mutation import mutants
from tests.hostile.reading import read_requests

GET = head(b"GET /a")


class RequestTests(SynchronousTestCase):
    """How many requests there may be."""

    def assert_seen(self, data: bytes, number: int, *, clean: bool) -> None:
        found = read_requests(data)
        self.assertEqual((len(found.seen), found.is_clean), (number, clean), data)

    def test_whole(self) -> None:
        """Requests follow each other, with bodies of either framing and an empty line between."""
        chunks = head(b"PUT /b", b"Transfer-Encoding: chunked") + chunked(b"hello", SMUGGLED)
        self.assert_seen(
            GET + with_body(b"POST /c", SMUGGLED) + chunks + b"\r\n" + GET, 4, clean=True
        )
        self.assert_seen(b"", 0, clean=True)
        self.assert_seen(GET + b"\r\n\r\n" + GET, 1, clean=False)

    def test_last(self) -> None:
        """Behind a request that ends the connection there is none."""
        for last in (head(b"GET /a", b"Connection: te, Close"), head(b"GET /a HTTP/1.0")):
            self.assert_seen(last + SMUGGLED, 1, clean=True)

    def test_in_doubt(self) -> None:
        """Behind a frame that is in doubt nothing is a request."""
        for fields in (
            [b"Content-Length: 5", b"Content-Length: 5"],
            [b"Content-Length: +5"],
            [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: gzip, chunked"],
            [b"Content-Length : 5"],
            [b"A: b\nContent-Length: 5"],
            [b" folded"],
        ):
            self.assert_seen(GET + head(b"POST /b", *fields) + SMUGGLED, 1, clean=False)

    def test_leading_zeros(self) -> None:
        """The size of a chunk may have any number of zeros in front (RFC 9112 §7.1)."""
        start = head(b"POST /b", b"Transfer-Encoding: chunked")
        zeros = b"0" * 30
        self.assert_seen(
            start + zeros + b"5\r\nhello\r\n" + zeros + b"\r\n\r\n" + GET, 2, clean=True
        )
        self.assert_seen(start + b"5" * 17 + b"\r\nhello" + GET, 1, clean=False)

    def test_broken_body(self) -> None:
        """A request whose body breaks is one, and the last."""
        start = head(b"POST /b", b"Transfer-Encoding: chunked")
        for body in (
            b"5\r\nhel",
            b"5\r\nhello0\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"0x5\r\nhello",
        ):
            self.assert_seen(start + body + (SMUGGLED if b"\n\r" in body else b""), 1, clean=False)
        self.assert_seen(head(b"POST /b", b"Content-Length: 9") + b"x", 1, clean=False)


class AnswerTests(SynchronousTestCase):
    """What may be an answer."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    def test_several(self) -> None:
        """Bodies are passed over, also such as look like answers; HEAD has none."""
        answers = b"HTTP/1.1 100 Continue\r\n\r\n" + self.OK + b"HT" + self.OK + self.OK + b"ab"
        self.assertEqual(read_answers(answers, [b"GET", b"HEAD", b"GET"]), [200, 200, 200])
        in_chunks = b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(self.OK)
        self.assertEqual(read_answers(in_chunks, [b"GET"]), [500])

    def test_malformed(self) -> None:
        """Anything else is none: half a head, a line too many, a split one."""
        for answer in (
            b"HTTP/1.1 200 OK\r\n",
            b"OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            self.OK + b"ab" + b"more",
        ):
            self.assertRaises(Malformed, read_answers, answer, [b"GET"])


class MessageTests(SynchronousTestCase):
    """What is sent."""

    def test_fair(self) -> None:
        """What is asked for in order may not be what is guarded."""
        self.assertFalse(is_fair(Message(GET + SMUGGLED)))
        self.assertFalse(is_fair(Message(head(b"DELETE " + image_path().replace(b"0b", b"%30b")))))
        self.assertTrue(is_fair(Message(head(b"GET /a", b"Connection: close") + SMUGGLED)))
        self.assertTrue(is_fair(Message(with_body(b"POST /a", SMUGGLED))))

    def test_families(self) -> None:
        """There are many of each, most of them fair, and as many mutants as are wanted."""
        for name, family in FAMILIES.items():
            messages = list(family())
            self.assertGreater(len(messages), 40, name)
            fair = [message for message in messages if is_fair(message)]
            self.assertGreater(len(fair), len(messages) / 2, name)
            made = list(mutants(messages, 5, Random(1)))
            self.assertEqual(len(made), 5)
            self.assertEqual(made, list(mutants(messages, 5, Random(1))))
