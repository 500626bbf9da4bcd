"""What a POST or PUT asks of a record."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from glancetx.access import OPERATOR, Caller
from glancetx.errors import BadMetadata, Immutable
from glancetx.image import Image, Status
from glancetx.web.v1.meta import RequestMeta
from glancetx.web.v1.records import MD5_OF_NOTHING, draft, revision

TENANT = Caller(owner="t1", is_authenticated=True)
AN_ID = "11111111-2222-3333-4444-555555555555"


class DraftTests(SynchronousTestCase):
    """New records."""

    def test_state(self):
        """Only a size of 0 without data is an image already."""
        empty = RequestMeta(values={"size": 0})
        self.assertIs(draft(TENANT, empty, False).status, Status.ACTIVE)
        self.assertIs(draft(TENANT, empty, True).status, Status.QUEUED)
        self.assertIs(draft(TENANT, RequestMeta(), False).status, Status.QUEUED)

    def test_checksum_of_nothing(self):
        """An empty image has no checksum, or the right one."""
        for told, kept in (("abc", None), (MD5_OF_NOTHING, MD5_OF_NOTHING), (None, None)):
            meta = RequestMeta(values={"size": 0, "checksum": told})
            self.assertEqual(draft(TENANT, meta, False).checksum, kept)
            self.assertEqual(draft(TENANT, meta, True).checksum, told)

    def test_owner(self):
        """A tenant's image is his; an operator may give it away."""
        meta = RequestMeta(values={"owner": "t2"})
        self.assertEqual(draft(TENANT, meta, False).owner, "t1")
        self.assertEqual(draft(OPERATOR, meta, False).owner, "t2")
        self.assertIsNone(draft(OPERATOR, RequestMeta(), False).owner)

    def test_id(self):
        """The client's id, if it is one, or a new one."""
        self.assertEqual(draft(TENANT, RequestMeta(image_id=AN_ID), False).image_id, AN_ID)
        self.assertRaises(BadMetadata, draft, TENANT, RequestMeta(image_id="x"), False)
        ids = {draft(TENANT, RequestMeta(), False).image_id for _ in range(3)}
        self.assertEqual(len(ids), 3)


class RevisionTests(SynchronousTestCase):
    """Changes to records."""

    image = Image(image_id=AN_ID, properties={"a": "1"})

    def test_claims(self):
        """Id and state may be repeated only."""
        revision(OPERATOR, self.image, RequestMeta(image_id=AN_ID, status="queued"), False)
        for meta in (RequestMeta(image_id="x"), RequestMeta(status="active")):
            self.assertRaises(Immutable, revision, OPERATOR, self.image, meta, False)

    def test_owner(self):
        """A tenant's word about owners is ignored."""
        meta = RequestMeta(values={"owner": "t2", "name": "n"})
        self.assertEqual(revision(TENANT, self.image, meta, False).values, {"name": "n"})
        self.assertEqual(revision(OPERATOR, self.image, meta, False).values, meta.values)

    def test_purge(self):
        """Properties are purged by default, and never when data comes."""
        for purge, brings_data, purges in (
            (None, False, True),
            (True, False, True),
            (False, False, False),
            (None, True, False),
            (True, True, False),
        ):
            change = revision(TENANT, self.image, RequestMeta(purge=purge), brings_data)
            self.assertIs(change.purge, purges)
