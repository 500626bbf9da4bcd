"""Which faults there are, drawn at random."""

from __future__ import annotations

import random
from typing import Literal

from attrs import frozen

from tests.services import FaultProxy

MIB = 1 << 20

Cut = Literal["close_after", "reset_after"]
Way = Literal["up", "down", "both"]

#: The most that an image has.
LARGEST = 24 * MIB


@frozen
class Fault:
    """
    What happens to the connections of one transfer, in both ways or in one.

    It is over after ``lasts`` seconds, or holds for as long as the transfer goes on.
    """

    kind: Cut | Literal["stall", "corrupt", "refuse"]
    way: Way
    value: int
    lasts: float | None

    def begin(self, proxy: FaultProxy) -> None:
        """Let it be so from now on; blocks."""
        proxy.clear()
        proxy.disturb(self.way, **{self.kind: self.value})


def draw(chance: random.Random, way: Literal["up", "down"]) -> Fault:
    """A fault of a transfer whose bytes go this way: cuts above all, and anywhere."""
    lasts = chance.choice([None, chance.uniform(0.0, 3.0)])
    match chance.randrange(10):
        case 0:
            return Fault("refuse", "both", 1, lasts)
        case 1:
            return Fault("stall", chance.choice(["up", "down", "both"]), 1, lasts)
        case 2 if way == "up":
            # In the bytes of the image, for nothing tells a changed answer from a true one.
            return Fault("corrupt", "up", chance.randrange(MIB, LARGEST), lasts)
        case _:
            # As often within a head as in the middle of a large body.
            position = int(10 ** chance.uniform(0, 7.4))
            kind: Cut = chance.choice(["close_after", "reset_after"])
            return Fault(kind, chance.choice(["up", "down"]), position, lasts)
