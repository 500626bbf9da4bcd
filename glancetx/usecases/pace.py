"""Work that nobody waits for leaves room for work that somebody waits for."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

#: Shorter pauses than so many seconds are saved up.
SHORTEST_PAUSE = 0.05


class Pace:
    """So many units in a second at most; without a rate as many as come."""

    def __init__(self, clock: IReactorTime, rate: float | None = None) -> None:
        self._clock = clock
        self._rate = rate
        #: When all that was done so far would be done at this rate.
        self._even_at = 0.0

    async def spend(self, units: float) -> None:
        """Wait, after so many units, for as long as they were too fast."""
        if self._rate is None:
            return
        now = self._clock.seconds()
        self._even_at = max(now, self._even_at) + units / self._rate
        if self._even_at - now >= SHORTEST_PAUSE:
            await deferLater(self._clock, self._even_at - now)
