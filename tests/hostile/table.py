"""The table of what was sent, and what came of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import define, field

from tests.hostile.attack import Outcome
from tests.hostile.process import MIB


@define
class Row:
    """One family; ``memory`` is bytes, and ``cpu`` seconds, of its worst input."""

    inputs: int = 0
    statuses: Counter[int] = field(factory=Counter)
    unanswered: int = 0
    memory: int = 0
    cpu: float = 0.0

    def note(self, outcome: Outcome) -> None:
        self.inputs += 1
        self.statuses.update(outcome.statuses)
        self.unanswered += not outcome.statuses
        self.memory = max(self.memory, outcome.memory)
        self.cpu = max(self.cpu, outcome.cpu)


@define
class Table:
    rows: dict[str, Row] = field(factory=dict)

    def note(self, family: str, outcome: Outcome) -> None:
        self.rows.setdefault(family, Row()).note(outcome)

    def text(self) -> str:
        """For people, in Markdown."""
        lines = [
            "| family | inputs | statuses | closed without an answer | worst memory | worst CPU |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in [*self.rows.items(), ("all", self._sum())]:
            statuses = ", ".join(f"{status}: {n}" for status, n in sorted(row.statuses.items()))
            lines.append(
                f"| {name} | {row.inputs} | {statuses} | {row.unanswered} "
                f"| {row.memory / MIB:.1f} MiB | {row.cpu:.3f} s |"
            )
        return "\n".join(lines)

    def figures(self) -> dict[str, Any]:
        """For programs."""
        return {
            name: {
                "inputs": row.inputs,
                "statuses": {str(status): n for status, n in sorted(row.statuses.items())},
                "unanswered": row.unanswered,
                "memory_bytes": row.memory,
                "cpu_seconds": round(row.cpu, 4),
            }
            for name, row in self.rows.items()
        }

    def _sum(self) -> Row:
        whole = Row()
        for row in self.rows.values():
            whole.inputs += row.inputs
            whole.statuses += row.statuses
            whole.unanswered += row.unanswered
            whole.memory = max(whole.memory, row.memory)
            whole.cpu = max(whole.cpu, row.cpu)
        return whole
