"""Tests of how much each of many clients may bring at once."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.web.receivers import (
    LARGE_READS,
    LARGEST_READ,
    PATIENCE,
    READ_AT_ONCE,
    REST,
    SMALLEST_READ,
    Receivers,
)
from glancetx.web.rounds import Rounds

#: Of a machine with two cores.
TURNS = 4


class Reader:
    """Notes what it is told to do."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def read_much(self) -> int:
        self.told.append("much")
        return 0

    def read_on(self) -> None:
        self.told.append("on")


class ReceiversCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.receivers = Receivers(self.clock, Rounds(self.clock))
        self.readers = [Reader() for _ in range(TURNS + 2)]
        for _ in self.readers:
            self.receivers.join()

    def ask(self, *readers: Reader) -> list[bool]:
        """Whether each of them is to wait."""
        answers = [self.receivers.ask(reader) for reader in readers]
        self.clock.advance(0)
        return answers

    @property
    def told(self) -> list[list[str]]:
        return [reader.told for reader in self.readers]


class ShareTests(ReceiversCase):
    """What each of them may bring at any time."""

    def test_shares(self) -> None:
        """All reads together are bounded, and none is tiny."""
        for count, share in (
            (0, LARGEST_READ),
            (1, LARGEST_READ),
            (64, READ_AT_ONCE // 64),
            (10_000, SMALLEST_READ),
        ):
            self.receivers.count = count
            self.assertEqual(self.receivers.share, share)

    def test_turns(self) -> None:
        """Each thread that hashes has two turns to work on; together they have the same memory."""
        for threads, turns in ((1, 4), (2, 4), (8, 16), (1000, 2000)):
            receivers = Receivers(self.clock, Rounds(self.clock), threads)
            self.assertEqual(receivers.turns, turns)
            self.assertEqual(receivers.large_read, max(LARGE_READS // turns, SMALLEST_READ))


class TurnTests(ReceiversCase):
    """A few at a time read much."""

    def test_in_order(self) -> None:
        """Who comes when all reads are lent waits for the next one that is given back."""
        self.assertEqual(self.ask(*self.readers), [True] * len(self.readers))
        self.assertEqual(self.told, [["much"]] * TURNS + [[], []])
        self.receivers.give_back(self.readers[1])
        self.clock.advance(0)
        self.assertEqual(self.told, [["much"]] * (TURNS + 1) + [[]])
        self.receivers.give_back(self.readers[1])
        self.clock.advance(0)
        self.assertEqual(self.told[-1], [])

    def test_with_others_between(self) -> None:
        """It is read in a round of the reactor, not at once."""
        self.receivers.ask(self.readers[0])
        self.assertEqual(self.told[0], [])
        self.assertTrue(self.receivers.has_turn(self.readers[0]))

    def test_withdrawn(self) -> None:
        """Who wants no turn any more gets none, and blocks none."""
        self.ask(*self.readers)
        self.receivers.withdraw(self.readers[-2])
        self.receivers.withdraw(self.readers[0])
        self.clock.advance(0)
        self.assertEqual(self.told, [["much"]] * TURNS + [[], ["much"]])

    def test_gone(self) -> None:
        """Who sends no more counts no more, and leaves its turn to others."""
        self.ask(*self.readers)
        self.receivers.leave(self.readers[0])
        self.clock.advance(0)
        self.assertEqual(self.told[TURNS], ["much"])
        self.assertEqual(self.receivers.count, TURNS + 1)


class SlowTests(ReceiversCase):
    """Stores that are slower than the hash."""

    def test_rests(self) -> None:
        """Who keeps a read for long has only its share for a while."""
        slow, *others = self.readers
        self.ask(slow)
        self.clock.advance(PATIENCE + 1)
        self.receivers.give_back(slow)
        self.assertEqual(self.ask(slow, others[0]), [False, True])
        self.clock.advance(REST)
        self.assertEqual(self.ask(slow), [True])

    def test_rest_is_forgotten(self) -> None:
        """Nothing is kept of one who has left."""
        self.ask(self.readers[0])
        self.clock.advance(PATIENCE + 1)
        self.receivers.leave(self.readers[0])
        self.assertEqual(self.receivers._resting, {})

    def test_nothing_is_given_back(self) -> None:
        """Nobody waits for long: whoever waits reads on, and others do not begin to wait."""
        self.ask(*self.readers)
        self.clock.advance(PATIENCE)
        self.assertEqual(self.told, [["much"]] * TURNS + [["on"]] * 2)
        self.clock.advance(1)
        self.assertEqual(self.ask(self.readers[-1]), [False])
        self.receivers.give_back(self.readers[0])
        self.assertEqual(self.ask(self.readers[-1]), [True])
        self.assertEqual(self.told[-1], ["on", "much"])

    def test_something_is_given_back(self) -> None:
        """As long as one after the other is done, it is worth the while."""
        self.ask(*self.readers)
        self.clock.advance(PATIENCE * 0.9)
        self.receivers.give_back(self.readers[0])
        self.clock.advance(PATIENCE * 0.9)
        self.assertEqual(self.told[-1], [])
        self.clock.advance(PATIENCE * 0.1)
        self.assertEqual(self.told[-1], ["on"])

    def test_no_clock_runs_on(self) -> None:
        """When nobody waits nothing is looked at."""
        self.ask(*self.readers)
        for reader in self.readers:
            self.receivers.leave(reader)
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(PATIENCE)
        self.assertEqual(self.clock.getDelayedCalls(), [])
