"""What the tests of the HTTP transport share; trial itself fails them when anything is logged."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyChannel

from glancetx.image import Image
from glancetx.stores.memory import MemoryStore
from glancetx.testing.http import MemoryClient
from glancetx.testing.stores import SlowStore
from glancetx.web.request import StreamingRequest
from tests.web.api import FORMATS, Api

IMAGE_ID = "11111111-2222-4333-8444-555555555555"
UPLOAD = {**FORMATS, "x-image-meta-id": IMAGE_ID}
CHUNKED = {**UPLOAD, "Transfer-Encoding": "chunked"}


def bare_request() -> StreamingRequest:
    """A request on a channel that knows nothing."""
    channel: Any = DummyChannel()
    channel.site.receivers = None
    return StreamingRequest(channel, parsePOSTFormSubmission=False)


class TransportCase(SynchronousTestCase):
    """A server in memory whose store waits at a gate when a test says so, and one connection."""

    def setUp(self) -> None:
        self.memory = MemoryStore(None)
        self.store = SlowStore(self.memory, ())
        # So little for metering that every chunk goes on to the store in batches of 64 KiB.
        self.api = Api(store=self.store, metering_memory=1)
        self._client: MemoryClient | None = None
        self.addCleanup(_disconnect_all, self.api)

    @property
    def client(self) -> MemoryClient:
        """The test's own connection."""
        if self._client is None:
            self._client = self.api.connect()
        return self._client

    @property
    def clock(self) -> Clock:
        return self.api.clock

    def wait(self, seconds: float) -> None:
        """Let time pass as it does: second by second, so that leases are renewed."""
        whole = int(seconds)
        self.clock.pump([1] * whole)
        self.clock.advance(seconds - whole)

    @property
    def transport(self) -> Any:
        return self.client.transport

    def begin_upload(self, length: int, **headers: str) -> None:
        """Send the head of an upload."""
        self.client.begin("POST", "/v1/images", {**UPLOAD, **headers}, length)

    def have_image(self, data: bytes) -> None:
        """Upload an image over another connection."""
        client = self.api.connect()
        self.assertEqual(client.request("POST", "/v1/images", UPLOAD, data).status, 201)
        client.disconnect()

    def send_until_paused(self) -> int:
        """Send 64 KiB at a time until nobody reads it, and return how often that was."""
        for sent in range(32):
            if not self.transport.is_reading:
                return sent
            self.client.send(bytes(65536))
        self.fail("the server reads on")

    def image(self) -> Image:
        """The record of the image, as it is now."""
        found: Image = self.successResultOf(ensureDeferred(self.api.registry.fetch(IMAGE_ID)))
        return found

    def assert_killed(self) -> None:
        """The upload has failed, nothing of it is left, and nobody works on it."""
        self.assertEqual(self.image().status.value, "killed")
        self.assertEqual(self.memory._images, {})
        self.assertEqual(self.store.waiting, 0)
        self.successResultOf(self.api.transfers.idle())

    def assert_gone_quietly(self, client: MemoryClient | None = None) -> None:
        """No timer is left when the connection is gone."""
        (client or self.client).disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])


def logged_events(test: SynchronousTestCase) -> list[Any]:
    """What is logged from now on until the test ends."""
    events: list[Any] = []
    observer: Any = events.append
    globalLogPublisher.addObserver(observer)
    test.addCleanup(globalLogPublisher.removeObserver, observer)
    return events


def _disconnect_all(api: Api) -> None:
    """Whatever a test leaves half-done ends with its connections."""
    for channel in list(api.site._channels):
        producer, channel.transport.producer = channel.transport.producer, None
        if producer is not None:
            producer.stopProducing()
        channel.connectionLost()
    if api.clock.getDelayedCalls():
        raise AssertionError(f"timers are left: {api.clock.getDelayedCalls()}")
