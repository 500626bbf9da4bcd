"""What the host of a virtual machine takes of the processors that it has lent."""

from __future__ import annotations

from pathlib import Path


class Host:
    """From now on: how much of the processors' time somebody else has had (proc(5), steal)."""

    def __init__(self) -> None:
        self._begun = _ticks()

    @property
    def stolen(self) -> float:
        """The share of all time, from 0 to 1."""
        stolen, time = (now - then for now, then in zip(_ticks(), self._begun, strict=True))
        return stolen / time if time else 0.0


def _ticks() -> tuple[int, int]:
    """Of all processors: time that was stolen, and all time."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    # What guests had is part of the user's time: user, nice, system, idle, iowait, irq, softirq.
    ticks = [int(each) for each in line.split()[1:9]]
    return ticks[7], sum(ticks)
