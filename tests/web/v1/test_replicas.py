"""Images that lie in two stores, as clients see them."""

from __future__ import annotations

from glancetx.change import Change
from glancetx.errors import NoSuchData, StoreUnavailable
from glancetx.image import Location, Status
from glancetx.shelf import ShelvedStore
from glancetx.stores.memory import READ_SIZE, MemoryStore
from glancetx.testing.http import Response
from glancetx.testing.stores import FailingStore, SlowStore
from glancetx.testing.streams import ScriptedStream
from tests.web.api import Api
from tests.web.v1.case import ApiCase

#: Three reads of a store, of which one that breaks gives the first.
BODY = bytes(range(256)) * (READ_SIZE // 256 * 2) + b"and more"


class TwoStoresTests(ApiCase):
    """One image, two stores."""

    def make_api(self) -> Api:
        self.kept = [MemoryStore(None), MemoryStore(None)]
        self.first, self.second = (FailingStore(kept, StoreUnavailable(), ()) for kept in self.kept)
        return Api(store=self.first, more_stores=(ShelvedStore("second", self.second),))

    def setUp(self) -> None:
        super().setUp()
        self.image_id = self.active(body=BODY)
        key = self.do(self.second.add(self.image_id, ScriptedStream([BODY])))
        places = (*self.record(self.image_id).locations, Location("second", key))
        change = Change({"locations": places})
        self.do(self.api.registry.update(self.image_id, change, {Status.ACTIVE}))

    def assert_gives(self, response: Response, status: int, body: bytes) -> None:
        self.assertEqual((response.status, response.is_whole), (status, True))
        self.assertEqual(response.body, body)
        self.assertEqual(response.header("content-length"), str(len(body)))

    def test_breaks_midway(self) -> None:
        """A download is whole although the store that began it broke; the client sees nothing."""
        for error in StoreUnavailable(), NoSuchData():
            self.first.on, self.first.error = frozenset({"read"}), error
            response = self.get(self.image_id)
            self.assert_gives(response, 200, BODY)
            checksum = self.record(self.image_id).checksum
            self.assertEqual(response.header("x-image-meta-checksum"), checksum)

    def test_cannot_be_opened(self) -> None:
        """It begins at the second when the first is out of reach."""
        self.first.on = frozenset({"open"})
        self.assert_gives(self.get(self.image_id), 200, BODY)

    def test_range(self) -> None:
        """So it is with a part of it."""
        for moment in "read", "open":
            self.first.on = frozenset({moment})
            headers = {"Range": f"bytes=7-{READ_SIZE + 7}"}
            response = self.get(self.image_id, headers)
            self.assert_gives(response, 206, BODY[7 : READ_SIZE + 8])

    def test_both_break(self) -> None:
        """When the second breaks too the connection is broken off, and nothing looks whole."""
        self.first.on = self.second.on = frozenset({"read"})
        client = self.begin("GET", f"/v1/images/{self.image_id}", {})
        self.assertTrue(client.transport.is_aborted)
        self.assertFalse(client.response().is_whole)

    def test_both_away(self) -> None:
        """When neither can be opened the answer is that of the first."""
        self.first.on = self.second.on = frozenset({"open"})
        self.assert_status(self.get(self.image_id), 503)
        self.first.error = NoSuchData()
        self.assert_status(self.get(self.image_id), 404)

    def test_slow_client(self) -> None:
        """A client that takes its time holds up the second store as it does the first."""
        self.first.on = frozenset({"read"})
        client = self.api.connect(send_buffer=1000)
        client.begin("GET", f"/v1/images/{self.image_id}", {})
        for reads in 1, 2, 3:
            self.assertLess(len(client.written), reads * READ_SIZE + 2000)
            client.transport.taken()
        self.assert_gives(client.response(), 200, BODY)

    def test_client_leaves(self) -> None:
        """One who leaves while the second is asked ends the asking."""
        slow = SlowStore(self.kept[1], on={"open"})
        self.first.on, self.second._store = frozenset({"read"}), slow
        client = self.begin("GET", f"/v1/images/{self.image_id}", {})
        self.assertEqual(slow.waiting, 1)
        client.disconnect()
        self.assertEqual(slow.waiting, 0)

    def test_delete(self) -> None:
        """A deleted image is gone from both."""
        self.assert_status(self.delete(self.image_id), 200)
        self.assertEqual([kept._images for kept in self.kept], [{}, {}])
