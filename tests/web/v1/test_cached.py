"""The image cache, as clients and operators see it (contract §2.3, §10.1)."""

from __future__ import annotations

import json

from twisted.internet.task import Clock

from glancetx.access import OPERATOR, Caller, Identity
from glancetx.errors import StoreUnavailable
from glancetx.image import Status
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore, SlowStore
from tests.cache.case import make_cache
from tests.web.api import Api, policy
from tests.web.v1.case import (
    AN_ID,
    ANOTHER_ID,
    HELLO,
    HELLO_MD5,
    OWNER,
    STRANGER,
    ApiCase,
)

#: Whom the shipped rule for the cache lets pass.
ADMIN = Caller(identity=Identity(roles=frozenset({"admin"})), is_admin=True, is_authenticated=True)


class CachedCase(ApiCase):
    """A server with a cache, whose images are one tenant's."""

    def make_api(self):
        return self.api_with()

    def api_with(self, **parts):
        clock = Clock()
        cache = make_cache(clock, self.mktemp())
        self.addCleanup(cache.stopService)
        return Api(clock=clock, cache=cache, caller=OWNER, **parts)

    def cached_image(self, headers=None):
        """The id of an image of which there is a copy."""
        image_id = self.active(headers)
        self.assert_status(self.get(image_id), 200)
        self.assertEqual(self.cached_ids(), [image_id])
        return image_id

    def lose_data(self):
        """The store loses everything."""
        self.api.store._images.clear()

    def cached_ids(self):
        return [each["image_id"] for each in self.manage("GET", "/v1/cached_images", list)]

    def queued_ids(self):
        return self.manage("GET", "/v1/queued_images", list)

    def manage(self, method, path, kind=None):
        """What an admin is answered, as JSON; only the list in it when that is what is wanted."""
        response = self.as_caller(ADMIN, method, path)
        self.assert_status(response, 200)
        self.assertEqual(response.header("content-type"), "application/json")
        document = json.loads(response.body)
        if kind is None:
            return document
        ((name, content),) = document.items()
        self.assertEqual(name, path.rpartition("/")[2])
        self.assertIsInstance(content, kind)
        return content

    def as_caller(self, caller, method, path, headers=None):
        before, self.api.caller = self.api.caller, caller
        try:
            return self.request(method, path, headers)
        finally:
            self.api.caller = before


class HitTests(CachedCase):
    """What was downloaded once is there again."""

    def test_k_01_second_get(self):
        """The second GET is served although the stored file is gone (K-01)."""
        image_id = self.active()
        first = self.get(image_id)
        self.lose_data()
        second = self.get(image_id)
        for response in first, second:
            self.assert_status(response, 200)
            self.assertEqual(response.body, HELLO)
        self.assertEqual((self.api.cache.misses, self.api.cache.hits), (1, 1))

    def test_k_02_length_of_a_miss(self):
        """A miss has a Content-Length like any download (K-02)."""
        response = self.get(self.active())
        self.assertEqual(response.header("content-length"), "5")
        self.assertIsNone(response.header("transfer-encoding"))

    def test_k_03_range(self):
        """A range is cut out of the copy, where the original would have read the store (K-03)."""
        image_id = self.cached_image()
        self.lose_data()
        response = self.get(image_id, {"Range": "bytes=1-3"})
        self.assert_status(response, 206)
        self.assertEqual(response.body, HELLO[1:4])
        self.assertEqual(response.header("content-range"), "bytes 1-3/5")

    def test_range_outside(self):
        """Beyond the end it is 416 as ever."""
        image_id = self.cached_image()
        self.assert_status(self.get(image_id, {"Range": "bytes=5-"}), 416)

    def test_cold_range(self):
        """A part of an image of which there is no copy makes none."""
        image_id = self.active()
        self.assertEqual(self.get(image_id, {"Range": "bytes=1-"}).body, HELLO[1:])
        self.assertEqual(self.cached_ids(), [])

    def test_k_13_same_headers(self):
        """A hit has the headers of a miss, one by one, properties too (K-13)."""
        image_id = self.active({"x-image-meta-property-foo": "bar", "x-image-meta-name": "n"})
        miss, hit = self.get(image_id), self.get(image_id)
        self.assertEqual(hit.header("x-image-meta-property-foo"), "bar")
        self.assertIsNone(hit.header("x-image-meta-foo"))
        self.assertEqual(hit.header("etag"), HELLO_MD5)

        for response in miss, hit:
            for name in "Date", "X-OpenStack-Request-ID":
                response.headers.removeHeader(name)
        self.assertEqual(hit.headers, miss.headers)

    def test_no_location(self):
        """Neither shows where the bytes lie (R3)."""
        image_id = self.active()
        for response in self.get(image_id), self.get(image_id):
            self.assertIsNone(response.header("x-image-meta-location"))

    def test_changed_record(self):
        """A PUT does not touch the copy, and a hit tells what the record is now."""
        image_id = self.cached_image()
        self.assert_status(self.put(image_id, {"x-image-meta-name": "new"}), 200)
        self.lose_data()
        hit = self.get(image_id)
        self.assertEqual((hit.body, hit.header("x-image-meta-name")), (HELLO, "new"))

    def test_head(self):
        """HEAD neither makes a copy nor counts as a hit."""
        self.head(self.active())
        self.assertEqual(self.cached_ids(), [])

    def test_empty_image(self):
        """There is nothing to keep of it."""
        image_id = self.create({"x-image-meta-size": "0"})["id"]
        self.assertEqual(self.get(image_id).body, b"")
        self.assertEqual(self.cached_ids(), [])


class RightsTests(CachedCase):
    """Who may have an image is decided before the cache is asked (R4)."""

    def begun(self, **parts):
        """A server and an image, a copy of which is just being made for its owner."""
        self.memory = MemoryStore(None)
        self.gate = SlowStore(self.memory, ())
        self.api = self.api_with(store=self.gate, **parts)
        image_id = self.active({"x-image-meta-property-secret": "s"})
        self.gate.on = frozenset({"open"})
        client = self.begin("GET", f"/v1/images/{image_id}", {})
        self.assertEqual(self.gate.waiting, 1)
        self.addCleanup(client.disconnect)
        return image_id, client

    def assert_nobody_else_reads(self):
        """Neither the store nor the copy was asked for anybody but the owner."""
        self.assertEqual((self.api.cache.misses, self.api.cache.joins), (1, 0))
        self.assertEqual(self.api.cache.hits, 0)

    def test_k_04_cannot_see_it(self):
        """Whoever cannot see an image cannot have its copy (K-04)."""
        image_id = self.cached_image()
        self.assert_status(self.as_caller(STRANGER, "GET", f"/v1/images/{image_id}"), 404)
        self.assert_nobody_else_reads()

    def test_cannot_join(self):
        """Nor can he join while it is being made."""
        image_id, client = self.begun()
        self.assert_status(self.as_caller(STRANGER, "GET", f"/v1/images/{image_id}"), 404)
        self.assert_nobody_else_reads()
        self.gate.open_gate()
        self.assertEqual(client.response().body, HELLO)

    def test_k_05_deactivated(self):
        """A deactivated image is given from no copy (K-05)."""
        image_id = self.cached_image()
        self.move(image_id, Status.DEACTIVATED)
        self.assert_status(self.get(image_id), 403)
        self.assert_status(self.as_caller(ADMIN, "GET", f"/v1/images/{image_id}"), 403)
        self.assert_nobody_else_reads()

    def test_deactivated_while_copied(self):
        """Nobody joins after that."""
        image_id, _ = self.begun()
        self.move(image_id, Status.DEACTIVATED)
        self.assert_status(self.get(image_id), 403)
        self.assert_nobody_else_reads()

    def with_rules(self, **rules):
        """A new server with these rules on the same images and the same cache."""
        old = self.api
        self.api = Api(
            clock=old.clock,
            cache=old.cache,
            caller=OWNER,
            registry=old.registry,
            store=old.store,
            policy=policy(**rules),
        )

    def test_k_06_download_denied(self):
        """What a rule denies is denied for cold, warm and half-made copies alike (K-06, R4)."""
        cold = self.active()
        self.with_rules(download_image="!")
        self.assert_status(self.get(cold), 403)
        self.with_rules()
        self.assert_status(self.get(cold), 200)
        self.with_rules(download_image="!")
        self.assert_status(self.get(cold), 403)
        self.assert_nobody_else_reads()

    def test_download_denied_while_copied(self):
        """So it is for whoever would join."""
        image_id, _ = self.begun()
        self.with_rules(download_image="not 's':%(secret)s")
        self.assert_status(self.get(image_id), 403)
        self.assert_nobody_else_reads()


class TrustTests(CachedCase):
    """A copy is trusted when its bytes are known to be right."""

    def corrupted(self):
        """An image of which the store, at whose gate one waits, has other bytes."""
        self.memory = MemoryStore(None)
        self.store = SlowStore(self.memory, ())
        self.api = self.api_with(store=self.store)
        image_id = self.active(body=HELLO * 40_000)
        self.memory._images[image_id][-1:] = b"0"
        return image_id

    def test_k_07_corrupted(self):
        """A miss of other bytes than those of the image is broken off, and not kept (K-07)."""
        image_id = self.corrupted()
        self.store.on = frozenset({"open"})
        client = self.begin("GET", f"/v1/images/{image_id}", {})
        self.store.open_gate()
        self.assertTrue(client.transport.is_aborted)
        response = client.response()
        self.assertEqual(response.status, 200)
        self.assertFalse(response.is_whole)
        self.assertNotIn(b"0", response.body)
        client.disconnect()
        self.assertEqual(self.cached_ids(), [])

    def test_corruption_known_early(self):
        """When that is known before the first byte, it is said."""
        self.assert_status(self.get(self.corrupted()), 500, "other bytes than those of the image")
        self.assertEqual(self.cached_ids(), [])

    def test_lost_data(self):
        """What the store has lost, and of which there is no copy, is 404."""
        image_id = self.active()
        self.lose_data()
        self.assert_status(self.get(image_id), 404)
        self.assertEqual(self.cached_ids(), [])

    def test_store_fails(self):
        """A store that fails before the first byte is answered as without a cache."""
        store = FailingStore(MemoryStore(None), StoreUnavailable(), on=())
        self.api = self.api_with(store=store)
        image_id = self.active()
        store.on = frozenset({"open"})
        self.assert_status(self.get(image_id), 503)


class ManagementTests(CachedCase):
    """Operators look at the cache, empty it, and fill it."""

    def test_k_08_deleted_image(self):
        """The copy of a deleted image is gone (K-08)."""
        image_id = self.cached_image()
        self.assert_status(self.delete(image_id), 200)
        self.assertEqual(self.cached_ids(), [])

    def test_refused_deletion(self):
        """The copy of an image that is not deleted stays."""
        image_id = self.cached_image({"x-image-meta-protected": "True"})
        self.assert_status(self.delete(image_id), 403)
        self.assertEqual(self.cached_ids(), [image_id])

    def test_k_09_list(self):
        """A list for admins, ordered by id; for members it is 403 (K-09)."""
        self.api.clock.advance(1_795_417_952.7)
        for image_id in ANOTHER_ID, AN_ID:
            self.get(self.active({"x-image-meta-id": image_id}))
        self.get(AN_ID)
        for method, path in (
            ("GET", "/v1/cached_images"),
            ("DELETE", "/v1/cached_images"),
            ("DELETE", f"/v1/cached_images/{AN_ID}"),
            ("GET", "/v1/queued_images"),
            ("PUT", f"/v1/queued_images/{AN_ID}"),
            ("DELETE", "/v1/queued_images"),
            ("DELETE", f"/v1/queued_images/{AN_ID}"),
        ):
            self.assert_status(self.as_caller(OWNER, method, path), 403)
        first, second = self.manage("GET", "/v1/cached_images", list)
        self.assertEqual(
            sorted(first), ["hits", "image_id", "last_accessed", "last_modified", "size"]
        )
        self.assertEqual((first["image_id"], first["hits"], first["size"]), (AN_ID, 1, 5))
        self.assertEqual((second["image_id"], second["hits"]), (ANOTHER_ID, 0))
        self.assertEqual(first["last_accessed"], 1_795_417_952.7)
        self.assertIsInstance(first["last_modified"], float)

    def test_drop(self):
        """One copy goes; an unknown one is none the less a success."""
        image_id = self.cached_image()
        self.assertIsNone(self.manage("DELETE", f"/v1/cached_images/{AN_ID}"))
        self.assertEqual(self.cached_ids(), [image_id])
        self.assertIsNone(self.manage("DELETE", f"/v1/cached_images/{image_id}"))
        self.assertEqual(self.cached_ids(), [])

    def test_strange_id(self):
        """No id leads out of the cache."""
        self.cached_image()
        self.assertIsNone(self.manage("DELETE", "/v1/cached_images/..%5c.."))
        self.assertIsNone(self.manage("DELETE", "/v1/cached_images/.."))
        self.assertIsNone(self.manage("PUT", "/v1/queued_images/%C3%A4"))
        self.assertEqual(self.queued_ids(), ["ä"])

    def test_k_10_queue_unknown(self):
        """An id that nobody knows is queued (K-10)."""
        self.assertIsNone(self.manage("PUT", f"/v1/queued_images/{AN_ID}"))
        self.assertIsNone(self.manage("PUT", f"/v1/queued_images/{ANOTHER_ID}"))
        self.assertIsNone(self.manage("PUT", f"/v1/queued_images/{AN_ID}"))
        self.assertEqual(self.queued_ids(), [AN_ID, ANOTHER_ID])
        self.assertIsNone(self.manage("DELETE", f"/v1/queued_images/{AN_ID}"))
        self.assertEqual(self.queued_ids(), [ANOTHER_ID])

    def test_queue_cached(self):
        """One of which there is a copy is not."""
        image_id = self.cached_image()
        self.manage("PUT", f"/v1/queued_images/{image_id}")
        self.assertEqual(self.queued_ids(), [])

    def test_k_11_delete_all(self):
        """Everything goes, and is counted (K-11)."""
        self.get(self.active())
        self.get(self.active())
        self.manage("PUT", f"/v1/queued_images/{AN_ID}")
        self.assertEqual(self.manage("DELETE", "/v1/queued_images"), {"num_deleted": 1})
        self.assertEqual(self.manage("DELETE", "/v1/cached_images"), {"num_deleted": 2})
        self.assertEqual((self.cached_ids(), self.queued_ids()), ([], []))

    def test_k_12_other_methods(self):
        """What a path does not know is 404 (K-12)."""
        for method, path in (
            ("POST", "/v1/cached_images"),
            ("GET", f"/v1/cached_images/{AN_ID}"),
            ("PUT", "/v1/queued_images"),
            ("HEAD", "/v1/queued_images"),
            ("GET", f"/v1/queued_images/{AN_ID}"),
        ):
            self.assert_status(self.as_caller(ADMIN, method, path), 404)

    def test_without_authentication(self):
        """Where everybody is the operator, everybody manages."""
        self.assert_status(self.as_caller(OPERATOR, "GET", "/v1/cached_images"), 200)

    def test_prefetch(self):
        """What is queued is fetched, and then given although the store has lost it."""
        image_id = self.active()
        self.manage("PUT", f"/v1/queued_images/{image_id}")
        self.do(self.api.prefetch.prefetch())
        self.assertEqual((self.queued_ids(), self.cached_ids()), ([], [image_id]))
        self.lose_data()
        self.assertEqual(self.get(image_id).body, HELLO)


class WithoutCacheTests(ApiCase):
    """Where no cache is deployed."""

    def test_no_paths(self):
        """All of its paths are 404."""
        for method, path in (
            ("GET", "/v1/cached_images"),
            ("DELETE", f"/v1/cached_images/{AN_ID}"),
            ("PUT", f"/v1/queued_images/{AN_ID}"),
            ("DELETE", "/v1/queued_images"),
        ):
            self.assert_status(self.request(method, path), 404)
