"""A stream is cut into parts of just the lengths that were asked for, and only one is held."""

from __future__ import annotations

from contextlib import aclosing

from hypothesis import given
from hypothesis import strategies as some
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import BodyCutShort
from glancetx.streams import Part, parts
from glancetx.testing.streams import HANG, ScriptedStream


class PartsTests(SynchronousTestCase):
    """What the generator yields."""

    def cut(self, script, length_of=lambda number: 4, **details):
        """The parts of a script, as tuples of number, bytes and whether it is the last."""

        async def gather():
            found = []
            async with aclosing(parts(ScriptedStream(script, **details), length_of)) as incoming:
                async for part in incoming:
                    self.assertEqual(part.size, len(b"".join(part.pieces)))
                    found.append((part.number, b"".join(part.pieces), part.is_last))
            return found

        return self.successResultOf(as_deferred(gather()))

    def test_empty(self) -> None:
        """A stream without bytes has one part, which is empty."""
        for script in ((), [b""], [b"", b""]):
            self.assertEqual(self.cut(script), [(1, b"", True)])

    def test_exact(self) -> None:
        """A part that ends where the stream does is the last one."""
        self.assertEqual(self.cut([b"abcd"]), [(1, b"abcd", True)])
        self.assertEqual(self.cut([b"abcd", b"efgh"]), [(1, b"abcd", False), (2, b"efgh", True)])

    def test_chunk_of_many_parts(self) -> None:
        """One chunk may bring several parts."""
        self.assertEqual(
            self.cut([b"abcdefghi"]),
            [(1, b"abcd", False), (2, b"efgh", False), (3, b"i", True)],
        )

    @given(some.lists(some.binary(max_size=9)), some.lists(some.integers(1, 5), min_size=1))
    def test_any(self, script, lengths) -> None:
        """All bytes come, in order, each part but the last as long as it should be."""
        found = self.cut(script, lambda number: lengths[number % len(lengths)])
        self.assertEqual(b"".join(data for _, data, _ in found), b"".join(script))
        self.assertEqual([number for number, _, _ in found], list(range(1, len(found) + 1)))
        for number, data, is_last in found[:-1]:
            self.assertEqual((len(data), is_last), (lengths[number % len(lengths)], False))
        number, data, is_last = found[-1]
        self.assertTrue(is_last)
        self.assertLessEqual(len(data), lengths[number % len(lengths)])


class HoldingTests(SynchronousTestCase):
    """What is in memory, and what becomes of the source."""

    def begin(self, source):
        """Take the first part of four bytes, and hold on until the test says ``go_on``."""
        self.seen: list[Part] = []
        self.go_on: Deferred[None] = Deferred()

        async def work():
            async with aclosing(parts(source, lambda number: 4)) as incoming:
                async for part in incoming:
                    self.seen.append(part)
                    await self.go_on

        return as_deferred(work())

    def test_source_waits(self) -> None:
        """While somebody works on a part the source is paused, and goes on afterwards."""
        source = ScriptedStream([b"abc"] * 10)
        working = self.begin(source)
        self.assertTrue(source.is_paused)
        # A chunk has begun the next part, and one more was fetched.
        self.assertLessEqual(source.written, 4 + 2 * 3)
        self.go_on.callback(None)
        self.assertIsNone(self.successResultOf(working))
        self.assertEqual(source.written, 30)

    def test_one_part_is_held(self) -> None:
        """A part's pieces are let go before the next one is gathered."""
        source = ScriptedStream([b"abcd", b"e"], then=HANG)
        working = self.begin(source)
        self.assertEqual(self.seen[0].pieces, [b"abcd"])
        self.go_on.callback(None)
        self.assertEqual(self.seen[0].pieces, [])
        source.finish()
        self.successResultOf(working)

    def test_source_fails(self) -> None:
        """What breaks the source comes out instead of a last part."""
        for script in ((), [b"abc"], [b"abcd"]):
            error = BodyCutShort()
            working = self.begin(ScriptedStream(script, then=error))
            self.assertIs(self.failureResultOf(working).value, error)
            self.assertEqual(self.seen, [])

    def test_cancelled(self) -> None:
        """Who is cancelled while he waits for a part stops the source."""
        source = ScriptedStream([b"abc"], then=HANG)
        working = self.begin(source)
        working.cancel()
        self.failureResultOf(working, CancelledError)
        self.assertTrue(source.has_ended)
        self.assertEqual(self.seen, [])

    def test_left_early(self) -> None:
        """Who leaves in the middle of a part's work stops the source."""
        source = ScriptedStream([b"abcd", b"e"], then=HANG)
        working = self.begin(source)
        working.cancel()
        self.failureResultOf(working, CancelledError)
        self.assertTrue(source.has_ended)
