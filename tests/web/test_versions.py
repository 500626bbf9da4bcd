"""Tests of version negotiation, apart from any request."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.web.versions import (
    VENDOR_TYPE,
    Redirect,
    V1Request,
    VersionDocument,
    negotiate_version,
    version_document,
)
from tests.unhurried import given

SEGMENTS = st.lists(st.sampled_from(["", "v1", "v1.1", "v2", "versions", "images", "é", ".."]))
ACCEPTS = st.one_of(st.text(), st.text().map(VENDOR_TYPE.__add__), st.just(VENDOR_TYPE + "v1"))


class NegotiationTests(SynchronousTestCase):
    """Path and Accept → what is meant."""

    def test_table(self) -> None:
        """§1.2, line by line."""
        for path, accept, meaning in (
            ("", "", VersionDocument(300)),
            ("versions", "", VersionDocument(200)),
            ("versions/x", VENDOR_TYPE + "v1", VersionDocument(200)),
            ("v1", "", Redirect("/v1/")),
            ("v1/", "", V1Request(("",))),
            ("/v1/images", "", V1Request(("images",))),
            ("v1//images", "", V1Request(("", "images"))),
            ("v1.0/images/", "", V1Request(("images", ""))),
            ("v1.1/a/b", "*/*", V1Request(("a", "b"))),
            ("images", VENDOR_TYPE + "v1.0", V1Request(("images",))),
            ("v1/images", VENDOR_TYPE + "v1", V1Request(("v1", "images"))),
            ("v1/images", VENDOR_TYPE + "v2", VersionDocument(300)),
            ("v1/images", "x, " + VENDOR_TYPE + "v2", V1Request(("images",))),
            ("V1/images", "", VersionDocument(300)),
        ):
            found = negotiate_version(path.split("/"), accept)
            self.assertEqual(found, meaning, (path, accept))

    @given(SEGMENTS, ACCEPTS)
    def test_disabled(self, segments: list[str], accept: str) -> None:
        """V-13: without v1 nothing leads there."""
        found = negotiate_version(segments, accept, enable_v1=False)
        self.assertIsInstance(found, VersionDocument)

    @given(SEGMENTS, ACCEPTS)
    def test_always_an_answer(self, segments: list[str], accept: str) -> None:
        """Whatever is asked, something is meant, and v1 gets a path of its own."""
        found = negotiate_version(segments, accept)
        if isinstance(found, V1Request):
            self.assertTrue(found.segments)


class DocumentTests(SynchronousTestCase):
    """The list of versions (§1.3)."""

    def test_links(self) -> None:
        """Both versions link to /v1/ with its slash."""
        document = json.loads(version_document("https://h:1"))
        links = [entry["links"][0]["href"] for entry in document["versions"]]
        self.assertEqual(links, ["https://h:1/v1/"] * 2)

    def test_spacing(self) -> None:
        """Clients' tests compare bytes: spaces as Python's json writes them."""
        self.assertEqual(version_document("http://h", enable_v1=False), b'{"versions": []}')
