"""Tests of how many transfers there may be."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import Overloaded
from glancetx.web.slots import Slots
from tests.web.api import UNLIMITED, Api
from tests.web.case import IMAGE_ID, UPLOAD, TransportCase


class SlotTests(SynchronousTestCase):
    """So many, and not one more."""

    def test_taken(self) -> None:
        """The last one is had, the next one is refused, and one that is over can be had again."""
        slots = Slots(1)
        with slots.slot():
            self.assertRaises(Overloaded, slots.slot().__enter__)
            with slots.slot(is_needed=False):
                self.assertEqual(slots.taken, 1)
        with self.assertRaises(ZeroDivisionError), slots.slot():
            raise ZeroDivisionError
        self.assertEqual(slots.taken, 0)

    def test_no_limit(self) -> None:
        """0 is none."""
        slots = Slots()
        with slots.slot(), slots.slot():
            self.assertEqual(slots.taken, 2)


class TransferTests(TransportCase):
    """One transfer at a time."""

    def setUp(self) -> None:
        super().setUp()
        self.api = Api(
            store=self.store, metering_memory=1, traffic=evolve(UNLIMITED, max_transfers=1)
        )

    def test_upload(self) -> None:
        """What is refused was not read and left no record; what runs is not disturbed."""
        self.begin_upload(5)
        late = self.api.connect()
        headers = {**UPLOAD, "x-image-meta-id": IMAGE_ID[::-1], "Expect": "100-continue"}
        late.begin("POST", "/v1/images", headers, 10 << 20)
        response = late.response()
        self.assertEqual((response.status, response.header("retry-after")), (503, "5"))
        self.assertEqual(response.header("connection"), "close")
        self.assertNotIn(b"100 Continue", late.transport.value())
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(list(self.api.registry._records), [IMAGE_ID])

    def test_download(self) -> None:
        """It counts until its client has it, and everything else goes on meanwhile."""
        self.have_image(bytes(1 << 20))
        slow = self.api.connect(send_buffer=65536)
        slow.begin("GET", f"/v1/images/{IMAGE_ID}")
        path = f"/v1/images/{IMAGE_ID}"
        self.assertEqual(self.api.request("GET", path).status, 503)
        self.assertEqual(self.api.request("HEAD", path).status, 200)
        self.assertEqual(self.api.request("PUT", path, {"x-image-meta-name": "n"}).status, 200)
        slow.disconnect()
        self.assertEqual(self.api.request("GET", path).status, 200)
