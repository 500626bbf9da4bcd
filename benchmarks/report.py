"""Medians of all rounds, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from attrs import define, field

from benchmarks.targets import GLANCETX

#: Measure → unit → target → a value of each round.
Values = dict[str, dict[str, dict[str, list[float]]]]


@define
class Report:
    """The values of all rounds."""

    values: Values = field(factory=dict)

    def add(self, measure: str, target: str, values: Mapping[str, float]) -> None:
        for unit, value in values.items():
            targets = self.values.setdefault(measure, {}).setdefault(unit, {})
            targets.setdefault(target, []).append(value)

    def median(self, measure: str, unit: str, target: str) -> float | None:
        values = self.values.get(measure, {}).get(unit, {}).get(target)
        return median(values) if values else None

    def table(self, before: Report | None = None) -> str:
        """
        A line for each measure and unit.

        Beside the median of another server stands ours as a multiple of it: the median of what it
        was in each round.
        """
        names = self._targets()
        heads = ["", "", *names, *(["before"] if before else [])]
        lines = [heads, *self._lines(names, before)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def to_json(self, **about: Any) -> str:
        return json.dumps({"machine": machine(), **about, "values": self.values}, indent=1)

    @classmethod
    def from_json(cls, path: Path) -> Report:
        return cls(json.loads(path.read_text("utf-8"))["values"])

    def _targets(self) -> list[str]:
        names = {
            target: None
            for units in self.values.values()
            for targets in units.values()
            for target in targets
        }
        return sorted(names, key=lambda name: name != GLANCETX)

    def _lines(self, names: list[str], before: Report | None) -> Iterator[list[str]]:
        for measure, units in self.values.items():
            for number, (unit, targets) in enumerate(units.items()):
                line = [measure if not number else "", unit]
                line += [self._cell(targets, name) for name in names]
                if before is not None:
                    then = before.median(measure, unit, GLANCETX)
                    now = self.median(measure, unit, GLANCETX)
                    line.append(_against(then, now / then if now and then else None))
                yield line

    def _cell(self, targets: Mapping[str, list[float]], name: str) -> str:
        values, ours = targets.get(name), targets.get(GLANCETX)
        if not values:
            return ""
        if name == GLANCETX or not ours:
            return _against(median(values), None)
        ratios = [mine / other for mine, other in zip(ours, values, strict=False) if other]
        return _against(median(values), median(ratios) if ratios else None)


def _against(value: float | None, ratio: float | None) -> str:
    if value is None:
        return ""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    text = f"{value:.{digits}f}"
    return text if ratio is None else f"{text} (×{ratio:.2f})"


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    processors = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processors": f"{os.cpu_count()} × {processors[0] if processors else platform.machine()}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    root = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
