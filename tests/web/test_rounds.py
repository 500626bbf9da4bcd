"""Rounds: many who take much, and whoever wants something small between them."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.web.rounds import ROUND, Rounds


class RoundsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.rounds = Rounds(self.clock)
        self.order: list[str] = []

    def one_round(self) -> None:
        """What the reactor does at once, without what is put off to its next turn."""
        call: Any
        [call] = self.clock.getDelayedCalls()
        run = call.func
        call.cancel()
        run()

    def want(self, name: str, size: int, times: int = 1) -> None:
        """Have somebody wait who gets so many bytes in each of so many turns."""

        def step() -> int:
            self.order.append(name)
            if times > 1:
                self.want(name, size, times - 1)
            return size

        self.rounds.wait(step)

    def test_nothing_at_once(self) -> None:
        """Whoever wants something gets it in the next round, not within his own call."""
        self.want("a", 1)
        self.assertEqual(self.order, [])
        self.one_round()
        self.assertEqual(self.order, ["a"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bounded(self) -> None:
        """A round ends when enough was sent; the reactor looks at others before the next."""
        for name in "abcde":
            self.want(name, ROUND // 2)
        for seen in ("ab", "abcd", "abcde"):
            self.one_round()
            self.assertEqual("".join(self.order), seen)

    def test_in_turn(self) -> None:
        """Whoever wants more gets it after those who wait already."""
        self.want("a", ROUND, times=3)
        self.want("b", ROUND, times=3)
        for _ in range(6):
            self.one_round()
        self.assertEqual("".join(self.order), "ababab")

    def test_nothing_to_send(self) -> None:
        """Those who had no use for their turn cost the others nothing."""
        for name in "abc":
            self.want(name, 0)
        self.want("d", 1)
        self.one_round()
        self.assertEqual("".join(self.order), "abcd")

    def test_failure(self) -> None:
        """When the turn of one fails, the others have theirs."""

        def fail() -> int:
            raise RuntimeError("one")

        self.rounds.wait(fail)
        self.want("b", 1)
        self.assertRaises(RuntimeError, self.one_round)
        self.one_round()
        self.assertEqual(self.order, ["b"])
