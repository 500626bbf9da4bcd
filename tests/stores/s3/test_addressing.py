"""Where objects are, by what the operator says, and what cannot be one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import NoSuchData
from glancetx.stores.s3.addressing import PATH, VIRTUAL, Place, place

ENDPOINT = "https://s3.example.com:9000"


def at(
    endpoint: str = ENDPOINT,
    bucket: str = "images",
    prefix: str = "",
    addressing: str = PATH,
    region: str = "eu-west-3",
) -> Place:
    return place(endpoint, region, bucket, prefix, addressing)


class PlaceTests(SynchronousTestCase):
    """URLs and paths."""

    def test_path(self) -> None:
        """The bucket is the first part of the path."""
        there = at(prefix="glance/a")
        self.assertEqual(there.url, ENDPOINT)
        self.assertEqual(there.path_of(), "/images")
        self.assertEqual(there.path_of(there.name_of("abc")), "/images/glance/a/abc")

    def test_virtual(self) -> None:
        """The bucket is the first part of the host's name."""
        there = at(addressing=VIRTUAL)
        self.assertEqual(there.url, "https://images.s3.example.com:9000")
        self.assertEqual(there.path_of(), "/")
        self.assertEqual(there.path_of(there.name_of("abc")), "/abc")

    def test_path_of_endpoint(self) -> None:
        """An endpoint may have a path, as behind a proxy."""
        self.assertEqual(at(ENDPOINT + "/s3/").path_of("abc"), "/s3/images/abc")
        self.assertEqual(at(ENDPOINT + "/s3/", addressing=VIRTUAL).path_of("abc"), "/s3/abc")

    def test_amazon(self) -> None:
        """Without an endpoint it is Amazon's of the region."""
        self.assertEqual(
            at("", addressing=VIRTUAL).url, "https://images.s3.eu-west-3.amazonaws.com"
        )

    def test_refused(self) -> None:
        """What makes no sense is refused; an endpoint, which may hold a secret, is not repeated."""
        for words in (
            {"bucket": ""},
            {"bucket": "a/b"},
            {"bucket": "../x"},
            {"bucket": "Images", "addressing": VIRTUAL},
            {"prefix": "../x"},
            {"prefix": "/x"},
            {"prefix": "a//b"},
            {"prefix": "a?b"},
            {"addressing": "host"},
            {"endpoint": "s3.example.com"},
            {"endpoint": "ftp://s3.example.com"},
            {"endpoint": "https://"},
            {"endpoint": "https://h:99999"},
            {"endpoint": "https://key:s3cr3t@s3.example.com"},
            {"endpoint": ENDPOINT + "/?s3cr3t"},
        ):
            error = self.assertRaises(ValueError, at, **words)
            self.assertNotIn("s3cr3t", str(error))

    @given(some.text())
    def test_names(self, key: str) -> None:
        """A key is the id of an image, or nothing at all; it never leaves the prefix."""
        there = at(prefix="p")
        try:
            name = there.name_of(key)
        except NoSuchData:
            return
        self.assertEqual(name, "p/" + key)
        self.assertTrue(key.replace("-", "").replace("_", "").isalnum() and key.isascii())

    def test_ids(self) -> None:
        """Ids in any case and with or without dashes are names, each its own."""
        for key in ("8C4B1F2E-90aa-4f9e-8d56-5b7a8f3e6b11", "8c4b1f2e90aa4f9e8d565b7a8f3e6b11"):
            self.assertEqual(at().name_of(key), key)
