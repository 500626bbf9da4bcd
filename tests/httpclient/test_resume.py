"""Going on after a break takes time, and ends when nobody wants it any more."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, RemoteBroken, RemoteRefused
from glancetx.httpclient import Answer, Backoff, resume
from glancetx.httpclient.ranges import range_header, version_of
from glancetx.httpclient.resume import Resuming
from glancetx.outbound import Fetcher, parse_target
from glancetx.streams import from_chunks
from glancetx.testing.streams import RecordingConsumer
from tests.outbound.fakes import PUBLIC, Conversation, FakeReactor

TAG = 'ETag: "one"'


class ResumingTests(SynchronousTestCase):
    """A stream of ten bytes whose source breaks off after the first three."""

    def setUp(self) -> None:
        self.reactor = FakeReactor({"public.example": [[PUBLIC]]})
        self.fetcher = Fetcher(self.reactor)
        self.target = parse_target("http://public.example/")
        self.consumer = RecordingConsumer()

    def begin(self, jitter: float = 1.0) -> Deferred[None]:
        """The flow, after its first connection broke."""
        fetching = as_deferred(self.fetcher.fetch("GET", self.target))
        first = self.reactor.accept()
        first.say("HTTP/1.1 200 OK", TAG, "Content-Length: 10", body=b"012")
        answer = self.successResultOf(fetching)
        version = version_of(answer, 10)
        assert version is not None
        backoff = Backoff(self.reactor, attempts=3, wait=1, longest=3, jitter=lambda: jitter)

        def reopen(start: int, end: int) -> Awaitable[Answer]:
            headers = {"Range": range_header(start, end), "If-Range": version.validator[1]}
            return self.fetcher.fetch("GET", self.target, headers)

        source = Resuming(backoff, "here").pour(answer.body, reopen, version, 0, 10)
        flow = as_deferred(from_chunks(source, 10).flow_to(self.consumer))
        first.transport.loseConnection()
        return flow

    def part(self, conversation: Conversation, body: bytes, *headers: str) -> None:
        """Answer by the bytes from 3 on."""
        conversation.say(
            "HTTP/1.1 206 Partial Content",
            "Content-Range: bytes 3-9/10",
            "Content-Length: 7",
            *(headers or [TAG]),
            body=body,
        )

    def connections(self) -> int:
        return len(self.reactor.contacted)

    def test_waits(self) -> None:
        """It waits before it goes on, longer each time, up to a bound, and by chance."""
        flow = self.begin()
        for wait in (1, 2, 3):
            before = self.connections()
            self.reactor.advance(wait - 0.01)
            self.assertEqual(self.connections(), before)
            self.reactor.advance(0.01)
            self.assertEqual(self.connections(), before + 1)
            self.reactor.accept().transport.loseConnection()
        self.failureResultOf(flow, RemoteBroken)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_jitter(self) -> None:
        """The wait is a share of its bound."""
        self.begin(jitter=0.25)
        self.reactor.advance(0.25)
        self.assertEqual(self.connections(), 2)

    def test_goes_on(self) -> None:
        """It asks for the rest of the same version, and gives each byte once."""
        flow = self.begin()
        self.reactor.advance(1)
        conversation = self.reactor.accept()
        self.assertIn(b"Range: bytes=3-9\r\n", conversation.request)
        self.assertIn(b'If-Range: "one"\r\n', conversation.request)
        self.part(conversation, b"3456789")
        self.successResultOf(flow)
        self.assertEqual(self.consumer.data, b"0123456789")

    def test_progress(self) -> None:
        """A source that gives enough between two breaks is asked as often as it takes."""
        self.patch(resume, "PROGRESS", 1)
        flow = self.begin()
        for first in range(3, 10):
            self.reactor.advance(1)
            conversation = self.reactor.accept()
            conversation.say(
                "HTTP/1.1 206 Partial Content",
                f"Content-Range: bytes {first}-9/10",
                f"Content-Length: {10 - first}",
                TAG,
                body=b"%d" % first,
            )
            conversation.transport.loseConnection()
        self.successResultOf(flow)
        self.assertEqual(self.consumer.data, b"0123456789")

    def test_passing_trouble(self) -> None:
        """A busy server is asked again; one that forbids is not."""
        flow = self.begin()
        self.reactor.advance(1)
        self.reactor.accept().say("HTTP/1.1 503 Busy", "Content-Length: 0")
        self.reactor.advance(2)
        self.reactor.accept().say("HTTP/1.1 403 Forbidden", "Content-Length: 0")
        self.failureResultOf(flow, RemoteRefused)

    def test_consumer_leaves_meanwhile(self) -> None:
        """A consumer that leaves while it waits ends the flow at once, and nothing is asked."""
        flow = self.begin()
        self.consumer.stop()
        self.failureResultOf(flow, ConsumerGone)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.connections(), 1)

    def test_cancelled_meanwhile(self) -> None:
        """So does one who cancels it while the source is asked again."""
        flow = self.begin()
        self.reactor.advance(1)
        conversation = self.reactor.accept()
        flow.cancel()
        self.failureResultOf(flow, CancelledError)
        self.assertFalse(conversation.transport.connected)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class VersionTests(SynchronousTestCase):
    """What vouches for a version."""

    def can_tell(self, *headers: str) -> bool:
        reactor = FakeReactor({"public.example": [[PUBLIC]]})
        fetching = as_deferred(
            Fetcher(reactor).fetch("GET", parse_target("http://public.example/"))
        )
        reactor.accept().say("HTTP/1.1 200 OK", *headers, "Content-Length: 10")
        return version_of(self.successResultOf(fetching), 10) is not None

    def test_tags(self) -> None:
        """A strong tag does, a weak one or none does not."""
        self.assertTrue(self.can_tell(TAG))
        self.assertFalse(self.can_tell('ETag: W/"one"'))
        self.assertFalse(self.can_tell())

    def test_dates(self) -> None:
        """A date of change does when it is a minute old, for a second has room for two changes."""
        now = "Date: Mon, 23 Nov 2026 12:00:00 GMT"
        self.assertTrue(self.can_tell(now, "Last-Modified: Mon, 23 Nov 2026 11:59:00 GMT"))
        self.assertFalse(self.can_tell(now, "Last-Modified: Mon, 23 Nov 2026 11:59:01 GMT"))
        self.assertFalse(self.can_tell("Last-Modified: Mon, 23 Nov 2026 11:59:00 GMT"))
        self.assertFalse(self.can_tell(now, "Last-Modified: lately"))
