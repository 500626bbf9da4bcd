"""Small bodies are read whole, and never more of them than is allowed."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import BadRequest, BodyCutShort, TooLarge
from glancetx.testing.streams import HANG, ScriptedStream
from glancetx.web.bodies import DEEPEST, parse_json, read_body


class ReadTests(SynchronousTestCase):
    """From a stream to bytes."""

    def read(self, *args, limit=10, **options):
        self.stream = ScriptedStream(*args, **options)
        return as_deferred(read_body(self.stream, limit))

    def test_whole(self):
        """All pieces are one body, and none are an empty one."""
        self.assertEqual(self.successResultOf(self.read([b"ab", b"c", b"defghij"])), b"abcdefghij")
        self.assertEqual(self.successResultOf(self.read([])), b"")

    def test_slow_client(self):
        """It waits for the end."""
        reading = self.read([b"ab", b"cd"], then=HANG)
        self.assertNoResult(reading)
        self.stream.finish()
        self.assertEqual(self.successResultOf(reading), b"abcd")

    def test_announced_too_large(self):
        """A body that says that it is too large is not read at all."""
        error = self.failureResultOf(self.read([b"x" * 11], length=11), TooLarge)
        self.assertIn("larger than 10 bytes", error.getErrorMessage())
        self.assertFalse(self.stream.was_poured)
        self.successResultOf(self.read([b"x" * 10], length=10))

    def test_too_large(self):
        """One that does not say so is stopped where it goes beyond."""
        self.failureResultOf(self.read([b"1234"] * 100), TooLarge)
        self.assertTrue(self.stream.was_stopped)
        self.assertLess(self.stream.written, 20)

    def test_broken(self):
        """A body that breaks off is no body."""
        self.failureResultOf(self.read([b"ab"], then=BodyCutShort()), BodyCutShort)

    def test_cancelled(self):
        """Nobody waits for a client when the handler is called off."""
        reading = self.read([b"ab"], then=HANG)
        reading.cancel()
        self.failureResultOf(reading, CancelledError)
        self.assertTrue(self.stream.has_ended)


class JsonTests(SynchronousTestCase):
    """From bytes to values."""

    def refused(self, body):
        error = self.assertRaises(BadRequest, parse_json, body)
        self.assertIn("Malformed JSON in request body", str(error))

    def test_values(self):
        """Every value of JSON is one of Python's."""
        self.assertEqual(
            parse_json('{"a": [1, 2.5, "ü\\u00fc", true, null]} '.encode()),
            {"a": [1, 2.5, "üü", True, None]},
        )

    def test_no_json(self):
        """Anything else is refused."""
        for body in (b"", b"junk", b"{", b'{"a": 1} x', b"NaN", b"[-Infinity]", b"1" * 5000):
            self.refused(body)

    def test_no_utf8(self):
        """JSON is UTF-8, and nothing before it."""
        for body in (b'"\xff"', '"a"'.encode("utf-16"), b'\xef\xbb\xbf"a"'):
            self.refused(body)

    def test_depth(self):
        """What is nested too deeply is refused, however it is made (R28)."""
        parse_json(b"[" * DEEPEST + b"]" * DEEPEST)
        for depth in (DEEPEST + 1, 500, 30000):
            self.refused(b"[" * depth + b"]" * depth)
            self.refused(b'{"a":' * depth + b"1" + b"}" * depth)
        self.refused(b"[" * 65536)
