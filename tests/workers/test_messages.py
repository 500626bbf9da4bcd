"""What supervisor and workers say to each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.workers.messages import Lines, decode, encode


class MessageTests(SynchronousTestCase):
    """Messages as lines."""

    @given(st.text(), st.integers(1, 9))
    def test_round_trip(self, text: str, size: int) -> None:
        """A message arrives as it was sent, however the line is cut on its way."""
        data, lines = encode(["log", text]), Lines()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        received = [line for piece in pieces for line in lines.cut(piece)]
        self.assertEqual([decode(line) for line in received], [["log", text]])
        self.assertEqual(lines.rest(), [])

    def test_no_message(self) -> None:
        """What a library prints is none."""
        for line in (b"", b"hello", b"5", b"[]", b"[1]", b'{"a": 1}', b"\xff"):
            self.assertIsNone(decode(line), line)

    def test_rest(self) -> None:
        """Last words may lack the end of their line."""
        lines = Lines()
        self.assertEqual(lines.cut(b"one\ntwo"), [b"one"])
        self.assertEqual((lines.rest(), lines.rest()), ([b"two"], []))
