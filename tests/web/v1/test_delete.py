"""DELETE (contract §8)."""

from __future__ import annotations

from glancetx.errors import DataInUse, StoreForbids, StoreUnavailable
from glancetx.image import Status
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from tests.web.api import Api
from tests.web.v1.case import ADMIN, AN_ID, HELLO, OWNER, STRANGER, ApiCase


class DeleteTests(ApiCase):
    """An owner deletes his images."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER

    def test_active(self):
        """Record and bytes are gone (D-01) (O-15)."""
        image_id = self.active()
        client = self.api.connect()
        response = client.request("DELETE", f"/v1/images/{image_id}")
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertEqual(response.header("Content-Length"), "0")
        self.assertEqual(response.header("Content-Type"), "text/html; charset=UTF-8")
        self.assertEqual(self.stored(), {})
        self.assert_status(self.get(image_id), 404)
        self.assert_status(self.head(image_id), 404)

    def test_again(self):
        """The second time there is no image (D-02)."""
        image_id = self.active()
        self.delete(image_id)
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            self.assert_status(self.delete(image_id), 404, "not found")

    def test_seen_by_operators(self):
        """An operator sees what was deleted, without its properties (D-03)."""
        image_id = self.active({"x-image-meta-property-k": "v"})
        self.api.clock.advance(5)
        self.delete(image_id)
        self.api.caller = ADMIN
        response = self.head(image_id)
        self.assert_status(response, 200)
        self.assertEqual(response.header("x-image-meta-deleted"), "True")
        self.assertEqual(response.header("x-image-meta-status"), "deleted")
        deleted_at = response.header("x-image-meta-deleted_at") or ""
        self.assertEqual(deleted_at[:19], "1970-01-01T00:00:05")
        self.assertIsNone(response.header("x-image-meta-property-k"))
        self.assert_status(self.get(image_id), 404, "is not active")
        self.assert_status(self.put(image_id), 403)

    def test_other_states(self):
        """Every image can be deleted (D-04)."""
        for status in (Status.QUEUED, Status.SAVING, Status.KILLED, Status.DEACTIVATED):
            image_id = self.in_status(status)
            self.assert_status(self.delete(image_id), 200)
            self.assert_kept(image_id, "deleted", locations=())
        self.assertEqual(self.stored(), {})

    def test_empty_image(self):
        """Also one that has no bytes."""
        image_id = self.queued({"x-image-meta-size": "0"})
        self.assert_status(self.delete(image_id), 200)
        self.assert_kept(image_id, "deleted")

    def test_protected(self):
        """Protection holds for everybody (D-05)."""
        image_id = self.active({"x-image-meta-protected": "True"})
        for caller in (OWNER, ADMIN):
            self.api.caller = caller
            self.assert_status(self.delete(image_id), 403, "is protected")
        self.assertEqual(self.get(image_id).body, HELLO)

    def test_bytes_are_gone_already(self):
        """That is no reason to fail (D-10)."""
        image_id = self.active()
        self.do(self.api.store.delete(image_id))
        self.assert_status(self.delete(image_id), 200)
        self.assert_kept(image_id, "deleted")

    def test_pending(self):
        """An image that is being deleted is unknown, and an operator must wait."""
        image_id = self.in_status(Status.PENDING_DELETE)
        self.assert_status(self.delete(image_id), 404)
        self.api.caller = ADMIN
        self.assert_status(self.delete(image_id), 403, "Forbidden to delete a pending_delete image")

    def test_unknown(self):
        """An unknown id is 404 (D-19)."""
        self.assert_status(self.delete(AN_ID), 404, f"Image with identifier {AN_ID} not found")


class WhoTests(ApiCase):
    """Who may delete what."""

    def setUp(self):
        super().setUp()
        self.api.caller = OWNER

    def test_public_image_of_another(self):
        """One may see it, and not delete it (D-06)."""
        image_id = self.active({"x-image-meta-is_public": "True"})
        self.api.caller = STRANGER
        self.assert_status(self.delete(image_id), 403, "Forbidden to delete image")
        self.assertEqual(self.get(image_id).body, HELLO)

    def test_private_image_of_another(self):
        """One may not know of it (D-07)."""
        image_id = self.active()
        self.api.caller = STRANGER
        self.assert_status(self.delete(image_id), 404, "not found")
        self.assert_kept(image_id, "active")

    def test_ownerless_image(self):
        """An image that one sees and may not delete is 404, unless it is public."""
        self.api.caller = ADMIN
        image_id = self.active({"x-image-meta-owner": ""})
        self.api.caller = OWNER
        self.assert_status(self.delete(image_id), 404)
        self.assertEqual(self.get(image_id).body, HELLO)

    def test_operator(self):
        """An operator deletes everybody's (D-09)."""
        image_id = self.active()
        self.api.caller = ADMIN
        self.assert_status(self.delete(image_id), 200)


class FailingStoreTests(ApiCase):
    """A store that does not delete leaves the image as it was."""

    def assert_answer(self, error, status, fragment, state=Status.ACTIVE):
        store = FailingStore(MemoryStore(None), error, on={"delete"})
        self.api = Api(store=store)
        image_id = self.in_status(state, {"x-image-meta-property-k": "v"})
        self.assert_status(self.delete(image_id), status, fragment)
        self.assert_kept(image_id, state.value, properties={"k": "v"}, deleted_at=None)
        store.on = frozenset()
        self.assert_status(self.delete(image_id), 200)

    def test_in_use(self):
        """409 when something depends on the bytes (D-12)."""
        self.assert_answer(DataInUse(), 409, "could not be deleted because it is in use")
        self.assert_answer(DataInUse(), 409, "in use", Status.DEACTIVATED)

    def test_other_failures(self):
        """500 for every other failure (D-13)."""
        self.assert_answer(StoreUnavailable(), 500, "Failed to delete image")
        self.assert_answer(StoreUnavailable(), 500, "Failed to delete", Status.DEACTIVATED)

    def test_mistake(self):
        """Also when nobody foresaw it."""
        self.assert_answer(ValueError("secret"), 500, "Failed to delete image")

    def test_forbidden(self):
        """403 when the medium denies it."""
        self.assert_answer(StoreForbids(), 403, "Insufficient permissions")
