"""Bodies about members (contract §2.2), before any image comes into it."""

from __future__ import annotations

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import BadRequest
from glancetx.member import Member
from glancetx.web.v1.memberships import (
    check_member_id,
    members_document,
    read_can_share,
    read_memberships,
    shared_images_document,
)
from tests.unhurried import given

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["member", "memberships"]), inner)
        | st.dictionaries(st.sampled_from(["member_id", "can_share", "member"]), inner)
    ),
    max_leaves=8,
)


class DocumentTests(SynchronousTestCase):
    """What is answered."""

    def test_spacing(self):
        """The documents have the spacing that clients compare, and are ASCII."""
        member = Member(image_id="i", member="ü", can_share=True)
        self.assertEqual(
            members_document([member, member]),
            b'{"members": [{"member_id": "\\u00fc", "can_share": true}, '
            b'{"member_id": "\\u00fc", "can_share": true}]}',
        )
        self.assertEqual(
            shared_images_document([member]),
            b'{"shared_images": [{"image_id": "i", "can_share": true}]}',
        )


class ReadTests(SynchronousTestCase):
    """What is understood."""

    def test_can_share(self):
        """It is what is said, by its truth, or nothing."""
        for document, expected in (
            ([], None),
            ({}, None),
            ({"can_share": True}, None),
            ({"member": {"x": True}}, None),
            ({"member": []}, None),
            ({"member": {"can_share": "false"}}, True),
            ({"member": {"can_share": None}}, False),
        ):
            self.assertIs(read_can_share(document), expected, document)

    def test_memberships(self):
        """They are a list in an object, or the object."""
        for document, expected in (
            ({"memberships": []}, []),
            ({"member_id": "a"}, [("a", None)]),
            (
                {"memberships": [{"member_id": "a", "can_share": []}, {"member_id": "a"}]},
                [("a", False), ("a", None)],
            ),
        ):
            self.assertEqual(read_memberships(document), expected)

    @given(ANY_JSON)
    def test_anything(self, document):
        """Whatever the document is, it is understood or refused."""
        for read in (read_can_share, read_memberships):
            try:
                read(document)
            except BadRequest as refusal:
                self.assertTrue(str(refusal))

    @given(st.text())
    def test_any_id(self, text):
        """An id is taken as it is when it can be stored."""
        try:
            self.assertEqual(check_member_id(text), text)
            text.encode("utf-8")
        except BadRequest:
            self.assertTrue(not text or "\0" in text or len(text) > 255)
