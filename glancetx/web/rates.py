"""How often somebody may ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import ceil

from twisted.internet.interfaces import IReactorTime

from glancetx.access import Caller
from glancetx.errors import TooManyRequests

#: How many of those who ask are remembered.
MOST_KNOWN = 10_000

#: Seconds by which a clock that counts in large numbers may be wrong.
TOLERANCE = 1e-6


class RequestRate:
    """
    A bucket of ``burst`` tokens for each of those who ask, filled by ``rate`` of them a second.

    Of each bucket only the time is kept at which it will be full again (the *generic cell rate
    algorithm* of ATM); one that is full is the same as none.
    When there are too many of them, that of whoever has been silent longest is forgotten.
    A rate or burst of 0 is no limit.
    """

    def __init__(
        self, clock: IReactorTime, rate: float, burst: int, most_known: int = MOST_KNOWN
    ) -> None:
        self._clock = clock
        self._is_limited = rate > 0 and burst > 0
        self._interval = 1 / rate if self._is_limited else 0.0
        self._depth = burst * self._interval
        self._most_known = most_known
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._full_at)

    def take(self, key: Hashable) -> None:
        """
        Take a token of theirs.

        :raises TooManyRequests: when none is left; nothing is taken.
        """
        if not self._is_limited:
            return
        now = self._clock.seconds()
        full_at = max(self._full_at.get(key, now), now)
        if full_at > now + self._depth + TOLERANCE:
            # An empty bucket is not later than that: the clock was put back.
            full_at = self._full_at[key] = now + self._depth
        wait = full_at + self._interval - now - self._depth
        if wait > TOLERANCE:
            raise TooManyRequests(ceil(wait))
        self._full_at[key] = full_at + self._interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most_known:
            self._full_at.popitem(last=False)

    def check(self, caller: Caller, client: str | None) -> None:
        """
        Count a request: for its caller's project, or for the client's address when he has none.

        Operators may ask as often as they like.

        :raises TooManyRequests: when there have been too many.
        """
        if not caller.is_admin:
            self.take(("address", client) if caller.owner is None else ("owner", caller.owner))
