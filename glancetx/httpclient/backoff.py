"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

#: Statuses that say: try again.
PASSING = frozenset({408, 429, 500, 502, 503, 504})

#: More make no difference, but for numbers too large to reckon with.
MOST_DOUBLINGS = 64


@frozen
class Backoff:
    """
    At most ``attempts`` further tries.

    Before the n-th it waits up to ``wait`` · 2ⁿ⁻¹ seconds, at most ``longest``, by ``jitter`` (a
    function that gives a number from 0 to 1), so that those who failed together do not come again
    together.
    """

    clock: IReactorTime
    attempts: int = 5
    wait: float = 0.5
    longest: float = 30.0
    jitter: Callable[[], float] = random.random

    def pause(self, failures: int) -> Deferred[None]:
        """The wait after so many failures, from 1 on; it may be cancelled."""
        doublings = min(failures - 1, MOST_DOUBLINGS)
        longest = min(self.wait * 2**doublings, self.longest)
        return deferLater(self.clock, self.jitter() * longest, lambda: None)
