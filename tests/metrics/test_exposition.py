"""What Prometheus reads."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from glancetx.metrics.book import Book
from glancetx.metrics.exposition import exposition
from glancetx.metrics.families import FAMILIES, Kind

#: Units of Prometheus' conventions that a name may end with, before what a counter ends with.
UNITS = ("seconds", "bytes")


class ExpositionTests(SynchronousTestCase):
    """A book as text."""

    def text(self, book: Book, accept: str = "") -> str:
        return exposition(book, accept)[0].decode()

    def test_families(self) -> None:
        """Each family is there with its type and meaning, also while it has no series."""
        text = self.text(Book())
        for name, family in FAMILIES.items():
            self.assertIn(f"# TYPE {name} {family.kind.value}\n", text)
            self.assertIn(f"# HELP {name} {family.meaning}\n", text)

    def test_series(self) -> None:
        """Labels and values are those of the book."""
        book = Book()
        book.add("glancetx_images", 5, 'a"\\\n')
        book.add("glancetx_errors_total", 2, "StoreFull")
        text = self.text(book)
        self.assertIn('glancetx_images{status="a\\"\\\\\\n"} 5.0\n', text)
        self.assertIn('glancetx_errors_total{kind="StoreFull"} 2.0\n', text)

    def test_histogram(self) -> None:
        """Buckets are cumulative, and the last one has all."""
        book = Book()
        for value in (0.002, 0.002, 1e9):
            book.observe("glancetx_http_first_byte_seconds", value, "/v1/images", "2xx")
        families = {each.name: each for each in text_string_to_metric_families(self.text(book))}
        found = {
            (sample.name, sample.labels.get("le")): sample.value
            for sample in families["glancetx_http_first_byte_seconds"].samples
        }
        name = "glancetx_http_first_byte_seconds"
        self.assertEqual(found[f"{name}_bucket", "0.001"], 0)
        self.assertEqual(found[f"{name}_bucket", "0.0025"], 2)
        self.assertEqual(found[f"{name}_bucket", "7200.0"], 2)
        self.assertEqual(found[f"{name}_bucket", "+Inf"], 3)
        self.assertEqual(found[f"{name}_count", None], 3)

    def test_open_metrics(self) -> None:
        """Whoever accepts OpenMetrics gets it."""
        body, media_type = exposition(Book(), "application/openmetrics-text;version=1.0.0")
        self.assertIn("application/openmetrics-text", media_type)
        self.assertTrue(body.endswith(b"# EOF\n"))
        self.assertIn("text/plain", exposition(Book(), "")[1])


class ConventionTests(SynchronousTestCase):
    """https://prometheus.io/docs/practices/naming/"""

    def test_names(self) -> None:
        """Counters end with total, and units are base units."""
        for name, family in FAMILIES.items():
            self.assertRegex(name, r"\A(glancetx|process)_[a-z][a-z_]*\Z")
            self.assertEqual(name.endswith("_total"), family.kind is Kind.COUNTER, name)
            self.assertIsNone(re.search("_(ms|kb|mb|minutes|percent)(_|$)", name), name)
            if family.kind is Kind.HISTOGRAM:
                self.assertTrue(name.endswith("_seconds"), name)
                self.assertEqual(sorted(set(family.buckets)), list(family.buckets))

    def test_meanings(self) -> None:
        """Each says in a sentence what it is."""
        for name, family in FAMILIES.items():
            self.assertTrue(family.meaning.endswith("."), name)
