"""A book in the formats that Prometheus reads, by its own library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from attrs import frozen
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from glancetx.metrics.book import Book, Value
from glancetx.metrics.families import FAMILIES, Family, Kind


def exposition(book: Book, accept: str) -> tuple[bytes, str]:
    """The text and its media type, by what the client accepts: Prometheus' own or OpenMetrics."""
    encode, media_type = choose_encoder(accept)
    text: bytes = encode(_Collected(book))
    return text, media_type


@frozen
class _Collected:
    """What the library takes for a registry."""

    _book: Book

    def collect(self) -> Iterator[Metric]:
        for name, series in self._book.values.items():
            family = FAMILIES[name]
            metric: Any = _metric(family)
            for labels, value in sorted(series.items()):
                metric.add_metric(labels, **_sample(family, value))
            yield metric


def _metric(family: Family) -> Metric:
    make: Any = {
        Kind.COUNTER: CounterMetricFamily,
        Kind.GAUGE: GaugeMetricFamily,
        Kind.HISTOGRAM: HistogramMetricFamily,
    }[family.kind]
    metric: Metric = make(family.name, family.meaning, labels=family.labels)
    return metric


def _sample(family: Family, value: Value) -> dict[str, Any]:
    if not isinstance(value, list):
        return {"value": value}
    *counts, total = value
    bounds = (*map(floatToGoString, family.buckets), "+Inf")
    return {"buckets": list(zip(bounds, accumulate(counts), strict=True)), "sum_value": total}
