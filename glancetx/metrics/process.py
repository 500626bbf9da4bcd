"""What the system says of this process, as Prometheus' own library reads it."""

from __future__ import annotations

import sys

from prometheus_client import ProcessCollector

import twisted
from glancetx import __version__
from glancetx.metrics.book import Book

_collector = ProcessCollector(registry=None)


def add_process(book: Book, name: str) -> None:
    """Memory, descriptors and time of this process, under its name; and what it is built of."""
    for metric in _collector.collect():
        for sample in metric.samples:
            if sample.name in book.values:
                book.add(sample.name, sample.value, name)
    python = ".".join(map(str, sys.version_info[:3]))
    book.add("glancetx_build_info", 1, __version__, python, twisted.__version__)
