"""How many faults there were of each kind, and which are still to come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import TypeVar

from attrs import define, field

from tests.load.model import Model

T = TypeVar("T")


@define
class Ledger:
    """Counts the faults that somebody could feel: those that came while requests were under way."""

    model: Model
    injected: Counter[str] = field(factory=Counter, init=False)
    idle: Counter[str] = field(factory=Counter, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def inject(self, kind: str) -> None:
        """A fault happens now."""
        with self._lock:
            (self.injected if self.model.in_flight else self.idle)[kind] += 1

    def table(self) -> str:
        """All of them by kind, and their sum."""
        rows = [*sorted(self.injected.items()), ("all", self.injected.total())]
        return "\n".join(f"{count:6}  {kind}" for kind, count in rows)


def shuffled(shares: Mapping[T, float], count: int, chance: random.Random) -> list[T]:
    """So many faults at random, each kind at least once and else by its share."""
    kinds = list(shares)
    deck = kinds[: max(count, 0)]
    rest = count - len(deck)
    if rest > 0:
        total = sum(shares.values())
        whole = {kind: shares[kind] * count / total - 1 for kind in kinds}
        sure = [kind for kind in kinds for _ in range(max(0, int(whole[kind])))]
        chance.shuffle(sure)
        deck += sure[:rest]
        deck += chance.choices(kinds, [shares[kind] for kind in kinds], k=count - len(deck))
    chance.shuffle(deck)
    return deck
