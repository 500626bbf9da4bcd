"""Numbers by name and labels: counted here, sent as JSON, and added up."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from glancetx.metrics.families import FAMILIES, Kind

Labels = tuple[str, ...]

#: Of a histogram: how many in each bucket, the last one without a bound, and the sum.
Value = float | list[float]


class Book:
    """The values of all families in `FAMILIES`, of which there are none to begin with."""

    def __init__(self) -> None:
        self.values: dict[str, dict[Labels, Value]] = {name: {} for name in FAMILIES}

    def add(self, name: str, value: float, *labels: str) -> None:
        """Add to a counter or a gauge."""
        series: dict[Labels, Any] = self.values[name]
        series[labels] = series.get(labels, 0) + value

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Count a value in its bucket of a histogram."""
        series: dict[Labels, Any] = self.values[name]
        bounds = FAMILIES[name].buckets
        row = series.get(labels)
        if row is None:
            row = series[labels] = [0] * (len(bounds) + 1) + [0.0]
        row[bisect_left(bounds, value)] += 1
        row[-1] += value

    def include(self, other: Book, *, is_over: bool = False) -> None:
        """
        Add what another process has written.

        When it ``is_over``, only what it has counted: nothing is in use there any more.
        """
        for name, series in other.values.items():
            family = FAMILIES[name]
            if is_over and family.kind is Kind.GAUGE:
                continue
            ours: dict[Labels, Any] = self.values[name]
            for labels, value in series.items():
                known = ours.get(labels)
                if isinstance(value, list):
                    ours[labels] = [
                        a + b for a, b in zip(known or [0] * len(value), value, strict=True)
                    ]
                elif family.is_all:
                    ours[labels] = value if known is None else max(known, value)
                else:
                    ours[labels] = (known or 0) + value

    def to_json(self) -> Any:
        """What `from_json` reads."""
        return {
            name: [[labels, value] for labels, value in series.items()]
            for name, series in self.values.items()
            if series
        }

    @classmethod
    def from_json(cls, document: Any) -> Book:
        """
        The book that was written, but for what is unknown here.

        A worker that retires may be of another release than its supervisor.
        """
        book = cls()
        for name, series in document.items():
            if name in book.values:
                known = {tuple(labels): value for labels, value in series}
                family = FAMILIES[name]
                book.values[name] = {
                    labels: value for labels, value in known.items() if family.fits(labels, value)
                }
        return book
