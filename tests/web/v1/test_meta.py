"""Headers are understood, or refused in our own words; and what we send we understand."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import example
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import BadRequest, GlanceError
from glancetx.image import Image, Status, Visibility
from glancetx.limits import DISK_FORMATS, Limits
from glancetx.web.v1.meta import RequestMeta, read_meta, used_headers
from glancetx.web.v1.render import meta_headers
from tests.unhurried import given

#: What a header may hold, within the Basic Multilingual Plane, without blanks at its ends.
TEXTS = (
    st.text(
        st.characters(max_codepoint=0xFFFF, exclude_categories=["Cc", "Cs"]),
        min_size=1,
        max_size=40,
    )
    .map(str.strip)
    .filter(bool)
)
KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=30)
NAMES = st.sampled_from(
    ["name", "size", "min-disk", "id", "created_at", "disk_format", "is_public", "checksum", "x"]
)
A_TIME = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


def read(headers, percent_encoded=False) -> RequestMeta:
    grouped: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return read_meta(used_headers(grouped.items(), percent_encoded=percent_encoded), Limits())


class AnythingTests(SynchronousTestCase):
    """No bytes do any harm."""

    @given(
        st.lists(
            st.tuples(
                st.one_of(
                    NAMES.map(lambda name: b"x-image-meta-" + name.encode()),
                    st.binary(max_size=9).map(lambda raw: b"X-Image-Meta-Property-" + raw),
                    st.binary(max_size=9).map(lambda raw: b"x_image_meta_" + raw),
                    st.sampled_from([b"x-glance-api-copy-from", b"x-glance-registry-purge-props"]),
                    st.binary(max_size=20),
                ),
                st.one_of(st.binary(max_size=30), st.text(max_size=30).map(str.encode)),
            ),
            max_size=5,
        ),
        st.booleans(),
    )
    @example([(b"x-image-meta-name", b"\xed\xa0\x80")], False)
    @example([(b"x-image-meta-name", b"%ED%A0%80")], True)
    @example([(b"x-image-meta-property-%", b"%")], True)
    def test_any_bytes(self, headers, percent_encoded):
        """They are understood, or refused with an error of ours."""
        try:
            meta = read(headers, percent_encoded)
        except GlanceError as error:
            self.assertIsInstance(error, BadRequest)
        else:
            self.assertIsInstance(meta, RequestMeta)
            Image(image_id="i", properties=meta.properties, **meta.values)


class RoundTripTests(SynchronousTestCase):
    """What HEAD tells can be sent back (T-07)."""

    @given(
        st.builds(
            Image,
            image_id=st.uuids().map(str),
            status=st.sampled_from(Status),
            name=st.none() | TEXTS,
            owner=st.none() | TEXTS,
            visibility=st.sampled_from([Visibility.PUBLIC, Visibility.SHARED]),
            protected=st.booleans(),
            disk_format=st.sampled_from(DISK_FORMATS[3:]) | st.none(),
            size=st.integers(0, 1 << 40),
            virtual_size=st.none() | st.integers(0, 1 << 60),
            min_disk=st.integers(0, (1 << 31) - 1),
            min_ram=st.integers(0, (1 << 31) - 1),
            checksum=st.none() | st.binary(min_size=16, max_size=16).map(bytes.hex),
            properties=st.dictionaries(KEYS, TEXTS, max_size=5),
            created_at=st.just(A_TIME),
            updated_at=st.just(A_TIME),
            deleted_at=st.none() | st.just(A_TIME),
        )
    )
    def test_everything(self, image):
        """Every attribute and property comes back as it was; what is null is absent."""
        meta = read(meta_headers(image))
        self.assertEqual((meta.image_id, meta.status), (image.image_id, image.status.value))
        self.assertEqual(meta.properties, image.properties)
        for name in (
            "name",
            "owner",
            "visibility",
            "protected",
            "disk_format",
            "size",
            "virtual_size",
            "min_disk",
            "min_ram",
            "checksum",
        ):
            self.assertEqual(meta.values.get(name), getattr(image, name), name)

    @given(st.dictionaries(KEYS | TEXTS.map(str.lower), TEXTS, max_size=3))
    def test_percent_encoded(self, properties):
        """What python-glanceclient makes of names and values is undone."""
        expected = {key.lower().replace("-", "_"): value for key, value in properties.items()}
        headers = [
            (
                b"x-image-meta-property-" + quote(key, "/:").encode(),
                quote(value, "/:").encode(),
            )
            for key, value in expected.items()
        ]
        self.assertEqual(read(headers, percent_encoded=True).properties, expected)


class MentionTests(SynchronousTestCase):
    """Only what is mentioned is there."""

    def test_nothing(self):
        """No headers, no values."""
        self.assertEqual(read([]), RequestMeta())
        self.assertEqual(read([(b"X-Auth-Token", b"\xff")]), RequestMeta())

    def test_purge(self):
        """The purge header is true, false, or was not sent."""
        header = b"x-glance-registry-purge-props"
        self.assertIsNone(read([]).purge)
        self.assertTrue(read([(header, b"True")]).purge)
        for text in (b"false", b"zzz", b""):
            self.assertIs(read([(header, text)]).purge, False)

    def test_sources(self):
        """The copy-from header is one thing, an attribute of that name another."""
        self.assertEqual(read([(b"X-Glance-Api-Copy-From", b"u")]).copy_from, "u")
        self.assertIsNone(read([(b"x-image-meta-copy_from", b"u")]).copy_from)
        self.assertEqual(read([(b"x-image-meta-location", b"")]).location, "")

    def test_null(self):
        """An empty value is null where null is possible."""
        names = (b"name", b"checksum", b"owner", b"virtual_size", b"property-k")
        meta = read([(b"x-image-meta-" + name, b"") for name in names])
        self.assertEqual(set(meta.values.values()), {None})
        self.assertEqual(meta.properties, {"k": None})
