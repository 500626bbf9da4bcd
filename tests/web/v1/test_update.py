"""PUT: changing records (contract §7)."""

from __future__ import annotations

from glancetx.image import Status
from glancetx.limits import Limits
from tests.web.api import FORMATS, Api
from tests.web.v1.case import (
    ADMIN,
    AN_ID,
    ANOTHER_ID,
    HELLO,
    HELLO_MD5,
    OWNER,
    STRANGER,
    OwnerCase,
)

KEEP = {"x-glance-registry-purge-props": "false"}


class AttributeTests(OwnerCase):
    """Attributes change, those that are named and no others."""

    def test_name(self):
        """A new name, and a later time of update (U-01) (O-18)."""
        image_id = self.active({"x-image-meta-min_ram": "5"})
        self.api.clock.advance(1)
        response = self.put(image_id, {"x-image-meta-name": "new"})
        document = self.document(response)
        self.assertEqual((document["name"], document["min_ram"]), ("new", 5))
        self.assertGreater(document["updated_at"], document["created_at"])
        self.assertEqual(response.header("ETag"), HELLO_MD5)
        self.assertIsNone(response.header("Location"))
        self.assertEqual(response.header("Content-Type"), "application/json")

    def test_empty_name(self):
        """An empty name removes it (U-02)."""
        image_id = self.active({"x-image-meta-name": "n"})
        self.assertIsNone(self.document(self.put(image_id, {"x-image-meta-name": ""}))["name"])

    def test_amazon(self):
        """An Amazon format changes both formats, whatever was there (U-34)."""
        document = self.document(self.put(self.active(), {"x-image-meta-disk_format": "ami"}))
        self.assertEqual((document["disk_format"], document["container_format"]), ("ami", "ami"))

    def test_protected(self):
        """Protection is no obstacle to updates (U-35)."""
        image_id = self.active()
        for headers in (
            {"x-image-meta-protected": "True"},
            {"x-image-meta-name": "n"},
            {"x-image-meta-protected": "False"},
        ):
            self.assert_status(self.put(image_id, headers), 200)
        self.assertFalse(self.record(image_id).protected)

    def test_out_of_range(self):
        """Numbers are bounded as in a POST (U-36)."""
        self.assert_status(self.put(self.active(), {"x-image-meta-min_ram": "2147483648"}), 400)

    def test_unknown_header(self):
        """Unknown attributes are refused (U-37)."""
        self.assert_status(self.put(self.active(), {"x-image-meta-foo": "1"}), 400, "Bad header")

    def test_ignored(self):
        """Times and deletion are the server's (U-40, R16)."""
        image_id = self.active()
        headers = {
            "x-image-meta-deleted": "true",
            "x-image-meta-created_at": "2012-01-01T00:00:00",
        }
        document = self.document(self.put(image_id, headers))
        self.assertEqual((document["deleted"], document["status"]), (False, "active"))
        self.assertEqual(document["created_at"], "1970-01-01T00:00:00.000000")

    def test_not_public_any_more(self):
        """An owner may take his image back (U-17)."""
        image_id = self.active({"x-image-meta-is_public": "True"})
        document = self.document(self.put(image_id, {"x-image-meta-is_public": "False"}))
        self.assertFalse(document["is_public"])

    def test_any_state(self):
        """Every image that is not deleted can be changed."""
        for status in (Status.QUEUED, Status.SAVING, Status.KILLED, Status.DEACTIVATED):
            image_id = self.in_status(status)
            document = self.document(self.put(image_id, {"x-image-meta-name": "n"}))
            self.assertEqual((document["name"], document["status"]), ("n", status.value))

    def test_size_zero(self):
        """A size of 0 does not make a reserved image active (U-33)."""
        image_id = self.queued({"x-image-meta-size": "4"})
        document = self.document(self.put(image_id, {"x-image-meta-size": "0"}))
        self.assertEqual((document["status"], document["size"]), ("queued", 0))


class PropertyTests(OwnerCase):
    """Properties are purged, unless the client asks to keep them (§7.2)."""

    def setUp(self):
        super().setUp()
        headers = {"x-image-meta-property-a": "1", "x-image-meta-property-b": "2"}
        self.image_id = self.active(headers)

    def put_properties(self, headers=None, **properties):
        sent = {f"x-image-meta-property-{key}": text for key, text in properties.items()}
        return self.document(self.put(self.image_id, {**sent, **(headers or {})}))["properties"]

    def test_default(self):
        """What is not mentioned is gone (U-03)."""
        self.assertEqual(self.put_properties(c="3"), {"c": "3"})

    def test_keep(self):
        """A purge header of false keeps the others (U-04)."""
        kept = self.put_properties(KEEP, b="3", d="4")
        self.assertEqual(kept, {"a": "1", "b": "3", "d": "4"})

    def test_garbage_keeps(self):
        """So does everything that does not say true (U-05)."""
        for text in ("zzz", "", "None"):
            kept = self.put_properties({"x-glance-registry-purge-props": text}, e="5")
            self.assertEqual(kept, {"a": "1", "b": "2", "e": "5"})

    def test_purge(self):
        """True purges, in all its words (U-06)."""
        for text in ("True", "yes", "1"):
            left = self.put_properties({"x-glance-registry-purge-props": text}, f="5")
            self.assertEqual(left, {"f": "5"})

    def test_nothing(self):
        """A PUT that mentions no property deletes all (U-07)."""
        self.assertEqual(self.put_properties({"x-image-meta-name": "n"}), {})
        before = self.record(self.image_id).updated_at
        self.assertEqual(self.put_properties(), {})
        self.assertGreater(self.record(self.image_id).updated_at, before)

    def test_quota(self):
        """The properties that result are counted (U-38)."""
        self.api = Api(
            limits=Limits(image_property_quota=2),
            registry=self.api.registry,
            store=self.api.store,
            caller=OWNER,
        )
        new = {"x-image-meta-property-c": "3", "x-image-meta-property-d": "4"}
        fragment = "image properties. Attempted: 4, Maximum: 2"
        self.assert_status(self.put(self.image_id, {**new, **KEEP}), 413, fragment)
        self.assertEqual(self.put_properties(KEEP, a="5", b="6"), {"a": "5", "b": "6"})
        self.assertEqual(self.put_properties(c="3", d="4"), {"c": "3", "d": "4"})


class ImmutableTests(OwnerCase):
    """What nobody may change, and what only looks like a change (§7.3)."""

    def test_size(self):
        """An active image keeps its size (U-09, R17)."""
        image_id = self.active()
        self.assert_status(self.put(image_id, {"x-image-meta-size": "5"}), 200)
        self.assert_forbidden(
            image_id, {"x-image-meta-size": "6"}, "Forbidden to modify 'size' of active image"
        )

    def test_checksum(self):
        """And its checksum (U-10, R17)."""
        image_id = self.active()
        self.assert_status(self.put(image_id, {"x-image-meta-checksum": HELLO_MD5}), 200)
        for text in ("abc", ""):
            self.assert_forbidden(
                image_id,
                {"x-image-meta-checksum": text},
                "Forbidden to modify 'checksum' of active image",
            )

    def test_operator(self):
        """An operator is told 200, and the truth about the bytes stays (U-11, R17)."""
        image_id = self.active()
        self.api.caller = ADMIN
        headers = {
            "x-image-meta-size": "6",
            "x-image-meta-checksum": "abc",
            "x-image-meta-name": "n",
        }
        document = self.document(self.put(image_id, headers))
        self.assertEqual((document["size"], document["checksum"]), (5, HELLO_MD5))
        self.assertEqual(document["name"], "n")

    def test_deactivated(self):
        """So it is while the bytes are withdrawn (U-12)."""
        image_id = self.in_status(Status.DEACTIVATED)
        self.assert_forbidden(
            image_id, {"x-image-meta-size": "6"}, "Forbidden to modify 'size' of deactivated image"
        )

    def test_being_deleted(self):
        """And while a deletion is under way that may yet be undone."""
        image_id = self.in_status(Status.PENDING_DELETE)
        self.api.caller = ADMIN
        self.assert_status(self.put(image_id, {"x-image-meta-size": "6"}), 200)
        self.assert_kept(image_id, "pending_delete", size=5)

    def test_status(self):
        """The state can be repeated and not changed, by nobody (U-13, R16)."""
        image_id = self.active()
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            self.assert_status(self.put(image_id, {"x-image-meta-status": "active"}), 200)
            self.assert_forbidden(
                image_id,
                {"x-image-meta-status": "killed"},
                "Forbidden to modify 'status' of image",
            )

    def test_id(self):
        """The id likewise (U-14, R16)."""
        image_id = self.active()
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            self.assert_status(self.put(image_id, {"x-image-meta-id": image_id}), 200)
            for other in (ANOTHER_ID, "x"):
                self.assert_forbidden(
                    image_id, {"x-image-meta-id": other}, "Forbidden to modify 'id' of image"
                )

    def test_owner(self):
        """Only an operator gives an image away (U-15)."""
        image_id = self.active()
        headers = {"x-image-meta-owner": "t5"}
        self.assertEqual(self.document(self.put(image_id, headers))["owner"], "t1")
        self.api.caller = ADMIN
        self.assertEqual(self.document(self.put(image_id, headers))["owner"], "t5")


class WhoTests(OwnerCase):
    """Who may update what (§7.4)."""

    name = {"x-image-meta-name": "n"}

    def test_public_image_of_another(self):
        """One may see it, and not change it (U-18)."""
        image_id = self.active({"x-image-meta-is_public": "True"})
        self.api.caller = STRANGER
        self.assert_forbidden(image_id, self.name, "Forbidden to update image")

    def test_private_image_of_another(self):
        """One may not even know of it (U-19)."""
        image_id = self.active()
        self.api.caller = STRANGER
        response = self.put(image_id, self.name)
        self.assert_status(response, 404, f"Image with identifier {image_id} not found")

    def test_ownerless_image(self):
        """Nobody's image is seen by all and changed by none, which is 404."""
        self.api.caller = ADMIN
        image_id = self.active({"x-image-meta-owner": ""})
        self.api.caller = OWNER
        self.assert_status(self.head(image_id), 200)
        self.assert_status(self.put(image_id, self.name), 404)

    def test_deleted_image(self):
        """A deleted image is unknown to all but operators (U-21)."""
        image_id = self.active()
        self.delete(image_id)
        self.assert_status(self.put(image_id, self.name), 404)
        self.api.caller = ADMIN
        self.assert_status(self.put(image_id, self.name), 403, "Forbidden to update deleted image")

    def test_unknown_image(self):
        """An unknown id is 404 (U-39)."""
        self.assert_status(self.put(AN_ID, self.name), 404, "not found")
        self.assert_status(self.put(AN_ID, FORMATS, HELLO), 404, "not found")
