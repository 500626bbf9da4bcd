"""Numbers that are counted, sent, and added up."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from glancetx.metrics.book import Book

REQUESTS = "glancetx_http_requests_total"
SECONDS = "glancetx_http_request_duration_seconds"
LEASES = "glancetx_leases_held"
IMAGES = "glancetx_images"
GET = ("/v1/images", "GET", "200")
ROUTE = ("/v1/images", "2xx")


class BookTests(SynchronousTestCase):
    """What is written in it."""

    def setUp(self) -> None:
        self.book = Book()

    def filled(self) -> Book:
        book = Book()
        book.add(REQUESTS, 2, *GET)
        book.add(LEASES, 3)
        book.add(IMAGES, 5, "active")
        book.observe(SECONDS, 0.03, *ROUTE)
        return book

    def test_counter(self) -> None:
        """What is added to the same series adds up."""
        self.book.add(REQUESTS, 1, *GET)
        self.book.add(REQUESTS, 1, *GET)
        self.assertEqual(self.book.values[REQUESTS], {GET: 2})

    def test_histogram(self) -> None:
        """A value is in the first bucket whose bound it does not exceed; the last has none."""
        for value in (0.001, 0.0011, 1e6):
            self.book.observe(SECONDS, value, *ROUTE)
        row = self.book.values[SECONDS][ROUTE]
        assert isinstance(row, list)
        self.assertEqual((row[0], row[1], row[-2], sum(row[:-1])), (1, 1, 1, 3))
        self.assertAlmostEqual(row[-1], 1e6 + 0.0021)

    def test_unknown(self) -> None:
        """There is nothing but the families."""
        with self.assertRaises(KeyError):
            self.book.add("glancetx_nonsense", 1)

    def test_include(self) -> None:
        """Counters, gauges and histograms of several processes add up."""
        for _ in range(2):
            self.book.include(self.filled())
        self.assertEqual(self.book.values[REQUESTS], {GET: 4})
        self.assertEqual(self.book.values[LEASES], {(): 6})
        row = self.book.values[SECONDS][ROUTE]
        assert isinstance(row, list)
        self.assertEqual((sum(row[:-1]), row[-1]), (2, 0.06))

    def test_the_same_for_all(self) -> None:
        """What all of them say of the same is not added."""
        for _ in range(2):
            self.book.include(self.filled())
        self.assertEqual(self.book.values[IMAGES], {("active",): 5})

    def test_over(self) -> None:
        """Of a process that has ended only counts are left."""
        self.book.include(self.filled(), is_over=True)
        self.assertEqual(self.book.values[LEASES], {})
        self.assertEqual(self.book.values[IMAGES], {})
        self.assertEqual(self.book.values[REQUESTS], {GET: 2})

    def test_is_a_copy(self) -> None:
        """What is included stays as it was, whatever is written later."""
        filled = self.filled()
        self.book.include(filled)
        filled.observe(SECONDS, 0.03, *ROUTE)
        row = self.book.values[SECONDS][ROUTE]
        assert isinstance(row, list)
        self.assertEqual(sum(row[:-1]), 1)

    def test_json(self) -> None:
        """It survives the way from a worker; what another release knows besides is left out."""
        document = json.loads(json.dumps(self.filled().to_json()))
        document["glancetx_of_the_future"] = [[[], 1]]
        document[SECONDS] += [[["/v1/images", "3xx"], [1, 2, 0.5]], [["one label"], [0]]]
        self.assertEqual(Book.from_json(document).values, self.filled().values)
