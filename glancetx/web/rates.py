"""How often somebody may ask."""

from __future__ import annotations

import os
from hashlib import blake2b
from math import ceil
from mmap import mmap

from twisted.internet.interfaces import IReactorTime

from glancetx.access import Caller
from glancetx.errors import TooManyRequests

#: Bytes of the salt, and how many buckets there are behind it.
SALT = 16
BUCKETS = 1 << 16

_TIME = 8

#: Seconds by which a clock that counts in large numbers may be wrong.
TOLERANCE = 1e-6


class Buckets:
    """
    When each of so many buckets will be full, in memory that processes may share.

    Whoever asks has the bucket that his name falls on; nobody can tell which one that is, nor with
    whom he shares it by chance.
    Two processes that change one at the same time may count one request for both: nobody waits.
    """

    def __init__(self, descriptor: int) -> None:
        """``descriptor`` is of a file from `new_buckets`, which may be closed afterwards."""
        memory = memoryview(mmap(descriptor, SALT + BUCKETS * _TIME))
        self._salt = bytes(memory[:SALT])
        self._full_at = memory[SALT:].cast("d")

    def place_of(self, name: str) -> int:
        """The number of the bucket of whoever is called so."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=self._salt)
        return int.from_bytes(digest.digest(), "big") % BUCKETS

    def __getitem__(self, place: int) -> float:
        return self._full_at[place]

    def __setitem__(self, place: int, full_at: float) -> None:
        self._full_at[place] = full_at


def new_buckets() -> int:
    """A file in memory with buckets that are full; its descriptor."""
    descriptor = os.memfd_create("glancetx-rates")
    os.ftruncate(descriptor, SALT + BUCKETS * _TIME)
    os.pwrite(descriptor, os.urandom(SALT), 0)
    return descriptor


def own_buckets() -> Buckets:
    """Buckets that nobody shares."""
    descriptor = new_buckets()
    try:
        return Buckets(descriptor)
    finally:
        os.close(descriptor)


class RequestRate:
    """
    A bucket of ``burst`` tokens for each of those who ask, filled by ``rate`` of them a second.

    Of each bucket only the time is kept at which it will be full again (the *generic cell rate
    algorithm* of ATM).
    A rate or burst of 0 is no limit.
    """

    def __init__(
        self, clock: IReactorTime, rate: float, burst: int, buckets: Buckets | None = None
    ) -> None:
        self._clock = clock
        self._is_limited = rate > 0 and burst > 0
        self._interval = 1 / rate if self._is_limited else 0.0
        self._depth = burst * self._interval
        self._buckets = buckets or own_buckets()

    def take(self, name: str) -> None:
        """
        Take a token of theirs.

        :raises TooManyRequests: when none is left; nothing is taken.
        """
        if not self._is_limited:
            return
        now, place = self._clock.seconds(), self._buckets.place_of(name)
        full_at = max(self._buckets[place], now)
        if full_at > now + self._depth + TOLERANCE:
            # An empty bucket is not later than that: it was filled by a worker of other limits.
            full_at = self._buckets[place] = now + self._depth
        wait = full_at + self._interval - now - self._depth
        if wait > TOLERANCE:
            raise TooManyRequests(ceil(wait))
        self._buckets[place] = full_at + self._interval

    def check(self, caller: Caller, client: str | None) -> None:
        """
        Count a request: for its caller's project, or for the client's address when he has none.

        Operators may ask as often as they like.

        :raises TooManyRequests: when there have been too many.
        """
        if not caller.is_admin:
            self.take(f"address {client}" if caller.owner is None else f"owner {caller.owner}")
