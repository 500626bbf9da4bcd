"""Whose bodies are being read, and how much one read of a socket may bring of them."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from glancetx.streams.meter import BACKLOG_IN_A_CROWD, HELD_BESIDE, MEMORY
from glancetx.web.rounds import Rounds

#: Bytes that one read of each client's socket may bring together. With many of them that is just a
#: batch (`glancetx.streams.meter`), which then need not be put together.
READ_AT_ONCE = MEMORY // (BACKLOG_IN_A_CROWD + HELD_BESIDE)
#: Bytes that it brings at most (measured: 64 KiB cost a single client a quarter of the throughput).
LARGEST_READ = 4 << 20
SMALLEST_READ = FileDescriptor.bufferSize

#: Bytes that all clients together may have taken beyond their shares.
LARGE_READS = 16 << 20

#: Seconds within which one of them is done, where stores are as fast as hashes.
PATIENCE = 0.5

#: Seconds for which one who was not has no more than his share.
REST = 10.0


class Reader(Protocol):
    """One who may read a socket."""

    def read_much(self) -> int:
        """Read what there is now, up to a large read; how many bytes that were."""

    def read_on(self) -> None:
        """Read as the reactor finds something, no more than one's share."""


class Receivers:
    """
    The clients whose bodies are read, and who of them may bring much at once.

    A batch costs about as much for few bytes as for many.
    So of many clients a few at a time bring ``large_read`` bytes, in turns, and whoever waits for
    his leaves his bytes in the network: that takes less memory than small reads of all of them.
    For each of the threads that hash there are two ``turns``, so that it has enough to do.

    A read is lent until its bytes are hashed and stored.
    Stores that are slower than the hash would keep all of them: who keeps one for too long has none
    for a while, and when none is given back nobody waits for one.
    """

    def __init__(self, clock: IReactorTime, rounds: Rounds, hash_threads: int = 2) -> None:
        self.count = 0
        self.turns = 2 * max(hash_threads, 2)
        self.large_read = max(LARGE_READS // self.turns, SMALLEST_READ)
        self._clock = clock
        self._rounds = rounds
        #: Who waits, in order.
        self._waiting: dict[Reader, None] = {}
        #: Who has one, and since when.
        self._lent: dict[Reader, float] = {}
        #: Who has been slow, and until when that counts.
        self._resting: dict[Reader, float] = {}
        #: When a read was lent last.
        self._lent_at = 0.0
        self._look_again: IDelayedCall | None = None

    @property
    def share(self) -> int:
        """How many bytes a read of each of them may bring at any time."""
        return min(max(READ_AT_ONCE // max(self.count, 1), SMALLEST_READ), LARGEST_READ)

    def join(self) -> None:
        """Another client sends a body that is read."""
        self.count += 1

    def leave(self, reader: Reader) -> None:
        """It sends no more."""
        self.count -= 1
        self.withdraw(reader)
        self._resting.pop(reader, None)

    def ask(self, reader: Reader) -> bool:
        """
        Have it read much when its turn comes, or read on when that takes too long.

        False when it should not wait.
        """
        now = self._clock.seconds()
        is_stuck = len(self._lent) >= self.turns and now - self._lent_at > PATIENCE
        if is_stuck or self._resting.get(reader, now) > now:
            return False
        self._waiting[reader] = None
        self._lend()
        return True

    def withdraw(self, reader: Reader) -> None:
        """It wants no turn any more, and gives back what it has."""
        self._waiting.pop(reader, None)
        self.give_back(reader)
        self._watch()

    def has_turn(self, reader: Reader) -> bool:
        """Whether a read is lent to it."""
        return reader in self._lent

    def give_back(self, reader: Reader) -> None:
        """What it has read is out of memory; nothing when no read was lent to it."""
        since = self._lent.pop(reader, None)
        if since is None:
            return
        now = self._clock.seconds()
        if now - since > PATIENCE:
            self._resting[reader] = now + REST
        self._lend()

    def _lend(self) -> None:
        now = self._clock.seconds()
        while self._waiting and len(self._lent) < self.turns:
            reader = next(iter(self._waiting))
            del self._waiting[reader]
            self._lent[reader] = self._lent_at = now
            self._rounds.wait(reader.read_much)
        self._watch()

    def _watch(self) -> None:
        """Look after those who wait, as long as there are any."""
        if self._waiting and self._look_again is None:
            self._look_again = self._clock.callLater(PATIENCE, self._look)
        elif not self._waiting and self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None

    def _look(self) -> None:
        """Let those who wait read on, when no read has been given back for too long."""
        self._look_again = None
        left = self._lent_at + PATIENCE - self._clock.seconds()
        if left > 0:
            self._look_again = self._clock.callLater(left, self._look)
            return
        waiting, self._waiting = list(self._waiting), {}
        for reader in waiting:
            reader.read_on()
