"""Tests of how chunks are taken apart: as Twisted does it, but all at once, and never too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web import http

from glancetx.web import chunked
from glancetx.web.channel import StreamingChannel
from glancetx.web.chunked import MOST_STEPS, ChunkedDecoder
from tests.web.case import CHUNKED, IMAGE_ID, TransportCase

Decoder = Callable[[Callable[[bytes], None], Callable[[bytes], None]], Any]

#: Chunks of a letter, for more turns than one.
MANY = MOST_STEPS
TINY = b"1\r\na\r\n" * MANY

#: Enough of them that a store has work.
SMALL = b"a\r\n0123456789\r\n" * MANY


class Decoded:
    """What a decoder makes of what comes in several reads."""

    def __init__(self, decoder: Decoder, reads: Sequence[bytes]) -> None:
        self.pieces: list[bytes] = []
        self.behind: bytes | None = None
        self.is_malformed = False
        self._decoder = decoder(self.pieces.append, self._finish)
        for data in reads:
            if self.behind is not None or self.is_malformed:
                break
            self._feed(data)

    def _finish(self, behind: bytes) -> None:
        self.behind = behind
        self.whole = b"".join(self.pieces)

    def _feed(self, data: bytes) -> None:
        try:
            self._decoder.dataReceived(data)
            while rest := getattr(self._decoder, "rest", b""):
                self._decoder.dataReceived(rest)
        except http._MalformedChunkedDataError:
            self.is_malformed = True

    @property
    def outcome(self) -> tuple[object, ...]:
        trailers = list(map(bytes, self._decoder._trailerHeaders))
        return b"".join(self.pieces), self.behind, self.is_malformed, trailers


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The data as it comes in reads that end at these places."""
    ends = sorted({each % (len(data) + 1) for each in places} | {0, len(data)})
    return [data[begin:end] for begin, end in zip(ends, ends[1:], strict=False)]


def chunk(piece: bytes, extension: bytes) -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(piece), extension, piece)


EXTENSIONS = st.sampled_from([b"", b"", b"", b";a=b", b";\n", b";\x00", b"\r", b" "])
CHUNKS = st.lists(st.builds(chunk, st.binary(max_size=40), EXTENSIONS), max_size=8).map(b"".join)
ENDS = st.sampled_from([b"0\r\n\r\n", b"00;x\r\nA: b\r\n\r\nGET", b"0\r\nA: b\r\n\r\n\r\n", b""])
NOISE = st.text("0123456789aAfFgx;\r\n -+", max_size=30).map(str.encode)
PLACES = st.lists(st.integers(0, 400), max_size=6)


class EquivalenceTests(SynchronousTestCase):
    """R31: nothing is a chunk, or an end, that is none for Twisted, however it comes."""

    def assert_as_twisted(self, data: bytes, places: Sequence[int]) -> None:
        reads = cut(data, places)
        expected = Decoded(http._ChunkedTransferDecoder, reads).outcome
        self.assertEqual(Decoded(ChunkedDecoder, reads).outcome, expected, reads)
        for steps in (1, 2, 3):
            with patch.object(chunked, "MOST_STEPS", steps):
                self.assertEqual(Decoded(ChunkedDecoder, reads).outcome, expected, (reads, steps))

    @given(CHUNKS, ENDS, PLACES)
    def test_chunks(self, chunks: bytes, end: bytes, places: list[int]) -> None:
        """Chunks of all sizes, with extensions and trailers that may not be right."""
        self.assert_as_twisted(chunks + end, places)

    @given(CHUNKS, NOISE, CHUNKS, PLACES)
    def test_noise(self, before: bytes, noise: bytes, behind: bytes, places: list[int]) -> None:
        """What is left out, doubled or in the wrong place."""
        self.assert_as_twisted(before + noise + behind, places)

    def test_each_place(self) -> None:
        """A read may end anywhere."""
        data = b"5\r\nhello\r\n1;a=b\r\n \r\n00005\r\nworld\r\n0\r\nA: b\r\n\r\nGET"
        for place in range(len(data) + 1):
            self.assert_as_twisted(data, [place])
            self.assert_as_twisted(data, [place, place + 1])
        self.assert_as_twisted(data, range(len(data)))

    def test_each_place_of_mistakes(self) -> None:
        """Nor does what is wrong become right by where a read ends."""
        for data in (
            b"1\r\na\r\r\n1\r\nb\r\n",
            b"1\r\na\n\n1\r\nb\r\n",
            b"1\r\nab\r\n1\r\nb\r\n",
            b"\r\n1\r\na\r\n",
            b"1\r\na\r\n\r\n1\r\nb\r\n",
            b"1\r\na\r\n1\n\r\nb\r\n",
            b"1\r\na\r\n1\r\r\nb\r\n",
            b"1\r\na\r\n-1\r\nb\r\n",
            b"1\r\na\r\n 1\r\nb\r\n",
            b"1\r\na\r\n1_0\r\n0123456789abcdef\r\n",
            b"1\r\na\r\n+1\r\nb\r\n",
            b"1\r\na\r\n1g\r\nb\r\n",
        ):
            for place in range(len(data) + 1):
                self.assert_as_twisted(data + b"0\r\n\r\n", [place])

    def test_long_lines(self) -> None:
        """The line of a chunk is bounded, and so are trailers."""
        end = b"1\r\na\r\n0\r\n\r\n"
        for line in (
            b"1" * 1023,
            b"1;" + b"a" * 2000,
            *(b"0" * size + end for size in (1022, 1023)),
        ):
            self.assert_as_twisted(line, [])
            self.assert_as_twisted(b"1\r\na\r\n" + line, [])
        self.assert_as_twisted(b"1\r\na\r\n0\r\n" + b"A: b\r\n" * 12_000, [50_000])

    def test_after_the_end(self) -> None:
        """What comes when all is in is a mistake of the program's."""
        decoder = ChunkedDecoder(lambda _: None, lambda _: None)
        decoder.dataReceived(b"0\r\n\r\n")
        self.assertRaises(RuntimeError, decoder.dataReceived, b"1\r\na\r\n")


class PieceTests(SynchronousTestCase):
    """What one read has brought is passed on at once, and in one piece."""

    def pieces(self, *reads: bytes) -> list[bytes]:
        return Decoded(ChunkedDecoder, reads).pieces

    def test_one_piece(self) -> None:
        """However many chunks there are in it."""
        reads = (b"2\r\nab\r\n1;x\r\nc\r\n4\r\nde", b"fg\r\n1\r\nh\r\n", b"0\r\n\r\n")
        self.assertEqual(self.pieces(*reads), [b"abcde", b"fgh"])

    def test_before_the_end(self) -> None:
        """The last piece comes before the end is told."""
        decoded = Decoded(ChunkedDecoder, [b"2\r\nab\r\n0\r\n\r\nGET"])
        self.assertEqual((decoded.whole, decoded.behind), (b"ab", b"GET"))

    def test_before_a_mistake(self) -> None:
        """And so does what came before a mistake."""
        self.assertEqual(self.pieces(b"2\r\nab\r\nzz\r\n"), [b"ab"])

    def test_rest(self) -> None:
        """R27: of more chunks than can be taken apart at once the rest is given back."""
        pieces: list[bytes] = []
        decoder = ChunkedDecoder(pieces.append, lambda _: None)
        decoder.dataReceived(TINY)
        self.assertEqual(pieces, [b"a" * (MOST_STEPS // 2)])
        self.assertEqual(len(decoder.rest), len(TINY) // 2 + 2)
        decoder.dataReceived(decoder.rest)
        self.assertEqual(len(pieces), 2)
        decoder.dataReceived(decoder.rest)
        self.assertEqual((b"".join(pieces), decoder.rest), (b"a" * MANY, b""))


class TurnTests(TransportCase):
    """R27: whoever sends nothing but tiny chunks does not keep the others waiting."""

    def begin(self, data: bytes = TINY) -> None:
        self.client.begin("POST", "/v1/images", CHUNKED)
        self.client.send(data)

    def channel(self) -> StreamingChannel:
        [found] = (each for each in self.api.site._channels if each.transport is self.transport)
        return found

    def received(self) -> int:
        [request] = self.channel().requests
        return request.body.received

    def stored(self) -> bytes:
        return self.api.request("GET", f"/v1/images/{IMAGE_ID}").body

    def test_in_turns(self) -> None:
        """Meanwhile nothing more is read of him, and it all arrives."""
        self.begin()
        self.assertEqual(self.received(), MANY // 2)
        self.assertFalse(self.transport.is_reading)
        self.assertEqual(self.api.request("GET", "/versions").status, 200)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.received(), MANY)
        self.assertTrue(self.transport.is_reading)
        self.client.send(b"0\r\n\r\n")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.stored(), b"a" * MANY)

    def test_store_is_slow(self) -> None:
        """One whose store makes him wait is read on when both are done."""
        self.store.on = frozenset({"write"})
        self.begin(SMALL)
        self.assertFalse(self.transport.is_reading)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertFalse(self.transport.is_reading)
        self.store.open_gate()
        self.assertTrue(self.transport.is_reading)
        self.assertEqual(self.received(), 10 * MANY)

    def test_no_more_is_sent(self) -> None:
        """A client that has closed his side has sent a whole body all the same."""
        self.begin(TINY + b"0\r\n\r\n")
        self.client.close_our_side()
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.stored(), b"a" * MANY)

    def test_cut_short(self) -> None:
        """One who has closed it too early has not."""
        self.begin()
        self.client.close_our_side()
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.client.response().status, 400)
        self.assert_killed()

    def test_client_leaves(self) -> None:
        """Nothing is left to do for one who is gone."""
        self.begin()
        self.client.disconnect()
        self.assert_killed()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_next_request(self) -> None:
        """What follows the last chunk is the next request, and after it the client is heard."""
        self.begin(TINY + b"0\r\n\r\nGET /versions HTTP/1.1\r\nHost: h\r\n\r\n")
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual([each.status for each in self.client.responses("POST")], [201, 200])
        self.assertTrue(self.transport.is_reading)
        self.assertEqual(self.client.request("GET", "/versions").status, 200)

    def test_trailers_come_late(self) -> None:
        """A body whose end is not all there is waited for."""
        self.begin(TINY + b"0\r\nA: b")
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertTrue(self.transport.is_reading)
        self.client.send(b"\r\n\r\n")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.stored(), b"a" * MANY)

    def test_response_is_taken(self) -> None:
        """He is not read before his turn because he takes what was written to him."""
        self.begin()
        self.channel().pauseProducing()
        self.channel().resumeProducing()
        self.assertFalse(self.transport.is_reading)

    def test_program_error(self) -> None:
        """An error in a later turn breaks the connection, as it does in the first one."""
        self.begin()

        def fail(data: bytes) -> None:
            raise ZeroDivisionError

        self.channel()._transferDecoder.dataCallback = fail
        self.assertRaises(ZeroDivisionError, self.clock.advance, 0)
        self.assertTrue(self.transport.is_aborted)

    def test_mistake_in_the_rest(self) -> None:
        """A mistake that comes late ends the upload as any other."""
        self.begin(TINY + b"zz\r\n")
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.client.response().status, 400)
        self.assert_killed()

    def test_refused_early(self) -> None:
        """What comes after the answer is thrown away, in turns too."""
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", CHUNKED)
        self.assertEqual(self.client.response().status, 404)
        self.client.send(TINY)
        self.assertFalse(self.transport.is_reading)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertTrue(self.transport.is_reading)
        self.wait(2)
        self.assertTrue(self.transport.is_aborted)
