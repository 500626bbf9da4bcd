"""Who sends when: many clients take much, and nobody waits long for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

#: Bytes that all clients together get before whatever else has come is looked at.
ROUND = 2 << 20


class Rounds:
    """
    Gives each client that is ready its turn, in the order in which they became ready.

    A step costs about as much for few bytes as for many, so steps should be large; and whoever
    asks something small waits for all steps of a round, so a round should have few of them.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], int]] = deque()
        self._is_begun = False

    def wait(self, step: Callable[[], int]) -> None:
        """Have this called once, soon; it sends something and tells how many bytes that were."""
        self._waiting.append(step)
        if not self._is_begun:
            self._is_begun = True
            self._clock.callLater(0, self._run)

    def _run(self) -> None:
        left = ROUND
        try:
            while self._waiting and left > 0:
                left -= self._waiting.popleft()()
        finally:
            # Whatever happens to one of them, the others have their turn.
            self._is_begun = bool(self._waiting)
            if self._is_begun:
                self._clock.callLater(0, self._run)
