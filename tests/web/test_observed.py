"""What requests tell of themselves."""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher

from glancetx.errors import StoreUnavailable
from glancetx.logs import record_of
from glancetx.metrics.recorder import Recorder
from glancetx.stores.memory import MemoryStore
from glancetx.testing.stores import FailingStore
from tests.web.api import FORMATS, Api
from tests.web.v1.case import ApiCase

ONE = "/v1/images/{image_id}"


class ObservedTests(ApiCase):
    """Requests, transfers and errors."""

    def make_api(self, **options: Any) -> Api:
        self.recorder = Recorder()
        return Api(observer=self.recorder, **options)

    def values(self, name: str) -> Any:
        return self.recorder.book().values[f"glancetx_{name}"]

    def test_upload_and_download(self) -> None:
        """Both are requests of their routes, and transfers of their store."""
        image_id = self.active(body=b"hello")
        self.get(image_id)
        requests = {("/v1/images", "POST", "201"): 1, (ONE, "GET", "200"): 1}
        self.assertEqual(self.values("http_requests_total"), requests)
        self.assertEqual(self.values("http_received_bytes_total"), {("/v1/images",): 5})
        self.assertEqual(self.values("http_sent_bytes_total")[ONE,], 5)
        moved = {("in", "file"): 5, ("out", "file"): 5}
        self.assertEqual(self.values("transfer_bytes_total"), moved)

    def test_times(self) -> None:
        """The first byte and the end are told from the head of the request on."""
        client = self.begin("POST", "/v1/images", FORMATS, 5)
        self.api.clock.advance(3)
        client.send(b"hello")
        row = self.values("http_request_duration_seconds")["/v1/images", "2xx"]
        self.assertEqual(row[-1], 3)
        self.assertEqual(self.values("http_first_byte_seconds")["/v1/images", "2xx"], row)

    def test_under_way(self) -> None:
        """An upload counts while it comes, and a client that leaves has failed nobody."""
        client = self.begin("POST", "/v1/images", FORMATS, 10)
        client.send(b"hello")
        self.assertEqual(self.values("transfers_in_flight"), {("in", "file"): 1})
        self.assertEqual(self.values("transfer_bytes_total"), {("in", "file"): 5})
        client.disconnect()
        self.assertEqual(self.values("transfers_in_flight"), {})
        self.assertEqual(self.values("transfers_total"), {("in", "file", "gone"): 1})
        self.assertEqual(self.values("http_requests_aborted_total"), {("/v1/images",): 1})

    def test_errors(self) -> None:
        """What a client is told is counted by its name."""
        self.get("none")
        self.post({"x-image-meta-size": "many"})
        self.assertEqual(self.values("errors_total"), {("NoSuchImage",): 1, ("BadMetadata",): 1})

    def test_store_fails(self) -> None:
        """A store that fails is told of with its name."""
        kept = MemoryStore(None)
        self.api = self.make_api(
            store=FailingStore(kept, StoreUnavailable(), on=frozenset({"add"}))
        )
        self.assertEqual(self.post(FORMATS, b"hello").status, 500)
        self.assertEqual(self.values("transfers_total"), {("in", "file", "failed"): 1})
        self.assertEqual(self.values("errors_total"), {("StoreFailed",): 1})

    def test_log(self) -> None:
        """What goes wrong behind a request is logged with the id that the client is told."""
        failing = FailingStore(MemoryStore(None), StoreUnavailable(), on=frozenset({"open"}))
        self.api = self.make_api(store=failing)
        image_id = self.active()
        records: list[Any] = []
        observer: Any = lambda event: records.append(record_of(event))  # noqa: E731
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        response = self.get(image_id)
        self.assertEqual(response.status, 503)
        told = [(each["namespace"], each["request_id"]) for each in records]
        request_id = response.header("x-openstack-request-id")
        expected = [("glancetx.web.failures", request_id), ("glancetx.access", request_id)]
        self.assertEqual(told, expected)

    def test_outside_of_the_api(self) -> None:
        """What belongs to no route of the API is told apart, and has no names of its own."""
        for path in ("/healthcheck", "/versions", "/", "/v1", "/v1/a/b/c", "/secret"):
            self.request("GET", path)
        self.request("HACK", "/v1/images")
        requests = {
            ("/healthcheck", "GET", "200"): 1,
            ("/versions", "GET", "200"): 1,
            ("/versions", "GET", "300"): 2,
            ("/versions", "GET", "302"): 1,
            ("elsewhere", "GET", "404"): 1,
            ("/v1/images", "other", "405"): 1,
        }
        self.assertEqual(self.values("http_requests_total"), requests)
