"""How many transfers there may be at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from glancetx.errors import Overloaded


class Slots:
    """So many of something may run at the same time; 0 is no limit."""

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self.taken = 0

    @contextmanager
    def slot(self, is_needed: bool = True) -> Iterator[None]:
        """
        Have one, if it is needed, for as long as the block takes; nobody waits for it.

        :raises Overloaded: when all are taken.
        """
        if not is_needed:
            yield
            return
        if 0 < self._most <= self.taken:
            raise Overloaded()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
