"""The query of a listing, understood or refused (contract §5.2)."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import parse_qs

from glancetx.access import OPERATOR, Caller
from glancetx.errors import BadRequest
from glancetx.query import ImageQuery
from glancetx.registry.listing import page_of
from glancetx.web.v1.listing import read_listing
from tests.unhurried import given

TENANT = Caller(owner="t1", is_authenticated=True)
AN_ID = "11111111-2222-3333-4444-555555555555"

PARAMETERS = (
    b"limit marker is_public name status min_ram min_disk protected size_min size_max "
    b"changes-since sort_key sort_dir property-x property-"
).split()
VALUES = (b"", b"-1", b"1" * 5000, b"9999-12-31T23:59:59-01:00", b"2027-01-15", b"none", b"asc")


def read(query, caller=OPERATOR):
    return read_listing(caller, parse_qs(query.encode(), 1))


class ListingCase(SynchronousTestCase):
    def assert_refused(self, query, fragment):
        for caller in (OPERATOR, TENANT):
            error = self.assertRaises(BadRequest, read, query, caller)
            self.assertIn(fragment, str(error))


class PublicTests(ListingCase):
    """is_public."""

    def test_default(self):
        """An operator's listing looks like anybody's, unless he asks for more."""
        for query in ("", "is_public=True", "is_public=1"):
            listing = read(query)
            self.assertEqual((listing.everything, listing.public), (False, None))

    def test_everything(self):
        """None is everything, in any case."""
        for query in ("is_public=None", "is_public=none"):
            listing = read(query)
            self.assertEqual((listing.everything, listing.public), (True, None))

    def test_not_public(self):
        """False is everything that is not public."""
        for query in ("is_public=False", "is_public=0"):
            listing = read(query)
            self.assertEqual((listing.everything, listing.public), (True, False))

    def test_tenant(self):
        """A valid value changes nothing for a tenant (T-09)."""
        for query in ("", "is_public=none", "is_public=False", "is_public=true"):
            listing = read(query, TENANT)
            self.assertEqual((listing.everything, listing.public), (False, None))

    def test_refused(self):
        """Anything else is refused, for everybody."""
        for text in ("yes", "", "2"):
            self.assert_refused(f"is_public={text}", "is_public must be")


class PageTests(ListingCase):
    """limit and marker."""

    def test_limit(self):
        """A number from 0 on."""
        for text, limit in (
            ("2", 2),
            ("0", 0),
            ("-0", 0),
            ("%205%20", 5),
            ("%2B7", 7),
            ("9" * 30, int("9" * 30)),
        ):
            self.assertEqual(read(f"limit={text}").limit, limit)
        self.assertIsNone(read("").limit)

    def test_no_limit(self):
        """What is no number is refused, and so is a negative one."""
        for text in ("abc", "", "1.5", "--1", "%D9%A3", "-"):
            self.assert_refused(f"limit={text}", "limit param must be an integer")
        self.assert_refused("limit=-1", "limit param must be positive")

    def test_marker(self):
        """An id."""
        self.assertEqual(read(f"marker={AN_ID}").marker, AN_ID)
        self.assertIsNone(read("").marker)

    def test_no_marker(self):
        """What cannot be one is refused."""
        self.assert_refused("marker=foo", "Invalid marker format")
        self.assert_refused("marker=", "Invalid marker. Image could not be found")


class QueryTests(ListingCase):
    """All of the query."""

    def test_repeated(self):
        """The last value counts."""
        self.assertEqual(read("limit=abc&limit=3").limit, 3)

    def test_unknown(self):
        """Unknown parameters are ignored."""
        self.assertEqual(read("foo=bar&deleted=true&owner=x"), read(""))

    def test_utf8(self):
        """Names and values must be UTF-8."""
        self.assert_refused("name=%FF", "Error decoding your request")
        self.assert_refused("%FF=x", "Error decoding your request")

    @given(
        st.dictionaries(
            st.sampled_from(PARAMETERS) | st.binary(max_size=5),
            st.lists(st.sampled_from(VALUES) | st.binary(max_size=10), min_size=1, max_size=2),
            max_size=4,
        )
    )
    def test_any_bytes(self, arguments):
        """Whatever comes is understood, or refused in our own words."""
        try:
            listing = read_listing(OPERATOR, arguments)
        except BadRequest:
            return
        page_of(ImageQuery(filters=listing.filters, order=listing.order, limit=25))
