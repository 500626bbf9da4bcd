"""The store for http reads as every store, and survives what web servers do."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from glancetx.errors import (
    BodyCutShort,
    GlanceError,
    InvalidLocation,
    NoSuchData,
    RangeOutside,
    RemoteBroken,
    RemoteChanged,
    RemoteRefused,
    RemoteUnavailable,
    SourceNotFound,
    SourceNotSupported,
    SourceRefused,
)
from glancetx.httpclient import Backoff
from glancetx.interfaces import IForeignStore, IReadableStore
from glancetx.outbound import Fetcher, Limits, parse_rules
from glancetx.stores.http import HttpStore
from glancetx.testing.readable_store_contract import ReadableStoreContract
from glancetx.testing.streams import RecordingConsumer
from tests.outbound.fakes import FakeReactor
from tests.outbound.server import CLOSE, CUT, HANG, Handler, Request, Resource, Server, Step, head

DATA = random.Random(7).randbytes(300_000)


def local_store(**options: str) -> HttpStore:
    """A store that may read from this machine."""
    return HttpStore(reactor, allow="127.0.0.1", **options)


class HttpStoreContractTests(ReadableStoreContract, TestCase):
    """What every store promises, from a server that knows ranges."""

    ranges = True

    def store_holding(self, chunks: Iterable[bytes]) -> Awaitable[tuple[IReadableStore, str]]:
        server = Server(self, Resource(b"".join(chunks), ranges=self.ranges))
        return succeed((local_store(), server.url + "/image"))


class WithoutRangesTests(HttpStoreContractTests):
    """The same from a server that always gives everything."""

    ranges = False


class HttpCase(TestCase):
    """Tests against a server that misbehaves."""

    timeout = 20

    def serve(self, handler: Any) -> Server:
        return Server(self, handler)

    def answering(self, *steps: Step) -> Server:
        """A server that always answers by these steps."""
        return self.serve(lambda request: steps)

    def quick_store(self, head: float = 30, idle: float = 60) -> HttpStore:
        """A store that neither waits long nor backs off for long."""
        store = local_store()
        fetcher = Fetcher(reactor, parse_rules("127.0.0.1"), limits=Limits(head=head, idle=idle))
        store._fetcher = fetcher
        store._backoff = Backoff(reactor, jitter=lambda: 0.001)
        return store

    async def read(self, store: HttpStore, url: str, *range_: int) -> bytes:
        consumer = RecordingConsumer()
        stream = await store.open(url, *range_)
        await stream.flow_to(consumer)
        return consumer.data

    async def assert_fails(
        self, expected: type[GlanceError], awaitable: Awaitable[object]
    ) -> GlanceError:
        """That this ends by just this class of error."""
        try:
            result = await awaitable
        except GlanceError as error:
            self.assertIs(type(error), expected)
            return error
        self.fail(f"{expected.__name__} was not raised, but {result!r} returned")


class ProbeTests(HttpCase):
    """What a source says about itself before it is read."""

    def test_interface(self) -> None:
        """It provides IForeignStore."""
        verifyObject(IForeignStore, local_store())

    async def test_size(self) -> None:
        """The size is what HEAD announces, and no body is fetched."""
        server = self.serve(Resource(DATA))
        self.assertEqual(await local_store().probe(server.url + "/x"), len(DATA))
        self.assertEqual([request.method for request in server.requests], ["HEAD"])

    async def test_no_size(self) -> None:
        """A source that does not tell has None."""
        server = self.answering(head("200 OK"))
        self.assertIsNone(await local_store().probe(server.url))

    async def test_head_refused(self) -> None:
        """Where HEAD is not known, a GET for one byte tells the size."""
        for status in ("405 Method Not Allowed", "501 Not Implemented", "403 Forbidden"):
            for ranges in (True, False):
                resource = Resource(DATA, ranges=ranges)

                def handler(
                    request: Request, status: str = status, resource: Resource = resource
                ) -> Sequence[Step]:
                    return [head(status)] if request.method == "HEAD" else resource(request)

                server = self.serve(handler)
                self.assertEqual(await local_store().probe(server.url), len(DATA))

    async def test_missing(self) -> None:
        """404 is told as such."""
        server = self.serve(Resource(DATA))
        error = await self.assert_fails(
            SourceNotFound, local_store().probe(server.url + "/missing")
        )
        self.assertIn("HTTP datastore could not find image at URI", str(error))

    async def test_refused(self) -> None:
        """Another error is told with its status."""
        for status in ("401 Unauthorized", "403 Forbidden", "500 Oops", "304 Same", "204 None"):
            server = self.answering(head(status, "Content-Length: 0"))
            error = await self.assert_fails(SourceRefused, local_store().probe(server.url))
            self.assertIn(status[:3], str(error))

    async def test_unreachable(self) -> None:
        """Closed ports, forbidden hosts and servers that hang up read the same."""
        cut = self.answering(CUT)
        texts = {
            str(await self.assert_fails(InvalidLocation, local_store().probe(url)))
            for url in ("http://127.0.0.1:1/", "http://10.0.0.1/", "http://127.0.0.1:22/", cut.url)
        }
        self.assertEqual(texts, {"Invalid location: The HTTP URL is invalid"})

    async def test_redirect_loop(self) -> None:
        """A loop is the source's fault."""
        server = self.answering(head("302 Found", "Location: /again", "Content-Length: 0"))
        await self.assert_fails(SourceRefused, local_store().probe(server.url))
        self.assertEqual(len(server.requests), 6)

    async def test_redirect(self) -> None:
        """Up to five redirects are followed."""
        resource = Resource(DATA)

        def handler(request: Request) -> Sequence[Step]:
            hops = int(request.path.strip("/"))
            if hops:
                return [head("301 Moved", f"Location: {hops - 1}", "Content-Length: 0")]
            return resource(request)

        server = self.serve(handler)
        self.assertEqual(await local_store().probe(server.url + "/5"), len(DATA))
        await self.assert_fails(SourceRefused, local_store().probe(server.url + "/6"))


class OpenTests(HttpCase):
    """How a download begins, or does not."""

    async def test_missing(self) -> None:
        """404 at the source is data that is not there."""
        server = self.serve(Resource(DATA))
        await self.assert_fails(NoSuchData, local_store().open(server.url + "/missing"))

    async def test_refused(self) -> None:
        """Another status is the source's."""
        for status in ("403 Forbidden", "500 Oops", "302 Found", "206 Partial Content"):
            server = self.answering(head(status, "Content-Length: 0"))
            await self.assert_fails(RemoteRefused, local_store().open(server.url))

    async def test_unreachable(self) -> None:
        """A source that cannot be reached is unavailable, forbidden or not."""
        for url in ("http://127.0.0.1:1/", "http://10.0.0.1/"):
            error = await self.assert_fails(RemoteUnavailable, local_store().open(url))
            self.assertIn("Remote server where the image is present is unavailable", str(error))

    async def test_redirect_to_forbidden(self) -> None:
        """A redirect to where we do not go is not followed."""
        for there in (
            "http://127.0.0.2/",
            "file:///etc/passwd",
            "//[::1]/",
            "http://127.0.0.1:22/",
        ):
            server = self.answering(head("302 Found", f"Location: {there}", "Content-Length: 0"))
            await self.assert_fails(RemoteUnavailable, local_store().open(server.url))
            self.assertEqual(len(server.requests), 1)

    async def test_heads_too_large(self) -> None:
        """A head of many bytes, many fields or one long line is not read to its end."""
        for answer in (
            b"HTTP/1.1 200 OK\r\n" + b"a: %s\r\n" % (b"b" * 9_000) * 20,
            b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n",
            b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000,
            b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        ):
            server = self.answering(answer, HANG)
            await self.assert_fails(RemoteUnavailable, local_store().open(server.url))

    async def test_nonsense(self) -> None:
        """What is not HTTP is no answer."""
        for answer in (
            b"SSH-2.0-OpenSSH_9\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"",
        ):
            server = self.answering(answer)
            await self.assert_fails(RemoteUnavailable, local_store().open(server.url))

    async def test_slow_head(self) -> None:
        """A server that does not answer in time is unavailable."""
        server = self.answering(b"HTTP/1.1 200 OK\r\n", HANG)
        await self.assert_fails(RemoteUnavailable, self.quick_store(head=0.1).open(server.url))

    async def test_informational(self) -> None:
        """1xx before the answer is ignored."""
        server = self.answering(
            head("103 Early Hints", "Link: x"), head("200 OK", "Content-Length: 2"), b"ok"
        )
        self.assertEqual(await self.read(local_store(), server.url), b"ok")

    async def test_request(self) -> None:
        """Credentials go into a header, and nothing is asked to be compressed."""
        server = self.serve(Resource(DATA))
        url = server.url.replace("//", "//me:s%40cret@") + "/a%20b?c=d"
        await self.read(local_store(), url)
        request = server.requests[0]
        self.assertEqual(request.path, "/a%20b?c=d")
        self.assertEqual(request.headers["authorization"], "Basic bWU6c0BjcmV0")
        self.assertEqual(request.headers["accept-encoding"], "identity")
        self.assertEqual(request.headers["user-agent"], "glancetx")

    async def test_credentials_stay(self) -> None:
        """Credentials follow a redirect within an origin, and not to another one (R23)."""
        other = self.serve(Resource(DATA))
        here = self.serve(
            lambda request: (
                [head("302 Found", "Location: /two", "Content-Length: 0")]
                if request.path == "/one"
                else [head("302 Found", f"Location: {other.url}/", "Content-Length: 0")]
            )
        )
        await self.read(local_store(), here.url.replace("//", "//me:secret@") + "/one")
        self.assertIn("authorization", here.requests[1].headers)
        self.assertNotIn("authorization", other.requests[0].headers)

    async def test_wrong_parts(self) -> None:
        """A part other than the one asked for is never taken for it."""
        for part in ("0-9/100", "6-15/100", "5-20/100", "5-13/100", "x", "5-14/10", "*/100"):
            server = self.answering(
                head("206 Partial Content", f"Content-Range: bytes {part}", "Content-Length: 10"),
                b"x" * 10,
            )
            await self.assert_fails(RemoteBroken, local_store().open(server.url, 5, 10))
        for part in ("5-14/100", "6-14/100"):
            server = self.answering(
                head("206 Partial Content", f"Content-Range: bytes {part}", "Content-Length: 9"),
                b"x" * 9,
            )
            await self.assert_fails(RemoteBroken, local_store().open(server.url, 5, 10))


class FlowTests(HttpCase):
    """How a download goes on and ends."""

    async def test_chunked(self) -> None:
        """A chunked body has no length, and ends by its last chunk."""
        start = head("200 OK", "Transfer-Encoding: chunked")
        server = self.answering(start, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        stream = await local_store().open(server.url)
        self.assertIsNone(stream.length)
        self.assertEqual(await self.read(local_store(), server.url), b"abcde")
        self.assertEqual(await self.read(local_store(), server.url, 1, 3), b"bcd")

    async def test_chunked_cut(self) -> None:
        """A chunked body without its last chunk is broken, also after a clean end."""
        for end in (CUT, CLOSE):
            server = self.answering(
                head("200 OK", "Transfer-Encoding: chunked"), b"3\r\nabc\r\n", end
            )
            await self.assert_fails(RemoteBroken, self.read(local_store(), server.url))

    async def test_no_length(self) -> None:
        """A body without length ends with the connection."""
        server = self.answering(head("200 OK"), b"abc", CLOSE)
        self.assertEqual(await self.read(local_store(), server.url), b"abc")
        await self.assert_fails(BodyCutShort, self.read(local_store(), server.url, 4))

    async def test_too_few(self) -> None:
        """Fewer bytes than announced are an error, and not retried without a validator."""
        for end in (CUT, CLOSE):
            server = self.answering(head("200 OK", "Content-Length: 10"), b"abc", end)
            await self.assert_fails(RemoteBroken, self.read(local_store(), server.url))
            self.assertEqual(len(server.requests), 1)

    async def test_too_many(self) -> None:
        """What comes beyond the announced length is not read."""
        server = self.answering(head("200 OK", "Content-Length: 3"), b"abcdef")
        self.assertEqual(await self.read(local_store(), server.url), b"abc")

    async def test_stall(self) -> None:
        """A source that falls silent is broken."""
        server = self.answering(head("200 OK", "Content-Length: 10"), b"abc", HANG)
        await self.assert_fails(RemoteBroken, self.read(self.quick_store(idle=0.1), server.url))

    async def test_range_beyond_end(self) -> None:
        """An offset beyond the end is told with the size, by sources of either kind."""
        for ranges in (True, False):
            server = self.serve(Resource(b"abc", ranges=ranges))
            error = await self.assert_fails(RangeOutside, local_store().open(server.url, 4))
            self.assertEqual(getattr(error, "size", None), 3)


def heedless(resource: Resource) -> Handler:
    """The resource behind a server that does not look at If-Range."""

    def answer(request: Request) -> Sequence[Step]:
        headers = {name: value for name, value in request.headers.items() if name != "if-range"}
        return resource(Request(request.method, request.path, headers))

    return answer


class Flaky:
    """Cuts each answer after some bytes, and may change what it serves meanwhile."""

    def __init__(self, resource: Resource, cuts: Iterable[int], end: Step = CUT) -> None:
        self.resource = resource
        self.cuts = iter(cuts)
        self.end = end

    def __call__(self, request: Request) -> Sequence[Step]:
        start, *rest = self.resource(request)
        cut = next(self.cuts, None)
        if cut is None or not rest or not isinstance(rest[0], bytes):
            return [start, *rest]
        return [start, rest[0][:cut], self.end]


class ResumeTests(HttpCase):
    """A download that breaks goes on where it was, from the same image or not at all."""

    async def test_cut_anywhere(self) -> None:
        """Cut at random places, all bytes come once and in order."""
        dice = random.Random(11)
        for _ in range(15):
            cuts = [dice.randrange(len(DATA) // 2) for _ in range(4)] + [0]
            server = self.serve(Flaky(Resource(DATA), cuts))
            self.assertEqual(await self.read(self.quick_store(), server.url), DATA)

    async def test_clean_end_too_early(self) -> None:
        """An early clean end is a break too."""
        server = self.serve(Flaky(Resource(DATA), [1000, 200_000], CLOSE))
        self.assertEqual(await self.read(self.quick_store(), server.url), DATA)

    async def test_range_resumes(self) -> None:
        """A part goes on within its bounds."""
        server = self.serve(Flaky(Resource(DATA), [1000, 20_000]))
        self.assertEqual(
            await self.read(self.quick_store(), server.url, 500, 100_000), DATA[500:100_500]
        )
        self.assertEqual(server.requests[-1].headers["range"][-7:], "-100499")
        self.assertEqual(server.requests[-1].headers["if-range"], '"one"')

    async def test_stall_resumes(self) -> None:
        """Silence is a break."""
        server = self.serve(Flaky(Resource(DATA), [1000], HANG))
        self.assertEqual(await self.read(self.quick_store(idle=0.2), server.url), DATA)

    async def test_changed(self) -> None:
        """Another tag, or another size, ends it: no byte of the other image is given."""
        for other in (
            Resource(b"z" * len(DATA), tag='"two"'),
            Resource(b"z" * (len(DATA) + 1)),
            Resource(b"z" * len(DATA), tag='W/"one"'),
            Resource(b"z" * len(DATA), tag=None),
        ):
            flaky = Flaky(Resource(DATA), [1000])
            server = self.serve(flaky)
            stream = await self.quick_store().open(server.url)
            flaky.resource = other
            server.handler = heedless(other)
            consumer = RecordingConsumer()
            await self.assert_fails(RemoteChanged, stream.flow_to(consumer))
            self.assertTrue(DATA.startswith(consumer.data))

    async def test_if_range_answered_whole(self) -> None:
        """A whole answer to the rest of another version ends it."""
        flaky = Flaky(Resource(DATA), [1000])
        server = self.serve(flaky)
        stream = await self.quick_store().open(server.url)
        flaky.resource = Resource(b"z" * len(DATA), tag='"two"')
        await self.assert_fails(RemoteChanged, stream.flow_to(RecordingConsumer()))

    async def test_gives_up(self) -> None:
        """After so many attempts it is broken."""
        server = self.serve(Flaky(Resource(DATA), [10] * 100))
        await self.assert_fails(RemoteBroken, self.read(self.quick_store(), server.url))
        self.assertEqual(len(server.requests), 6)

    async def test_weak_tag(self) -> None:
        """A weak tag does not vouch for bytes: then nothing is resumed."""
        server = self.serve(Flaky(Resource(DATA, tag='W/"one"'), [10] * 100))
        await self.assert_fails(RemoteBroken, self.read(self.quick_store(), server.url))
        self.assertEqual(len(server.requests), 1)


class CheckTests(SynchronousTestCase):
    """What is refused without any network."""

    def test_schemes(self) -> None:
        """Only http and https in lower case are named."""
        store = HttpStore(FakeReactor())
        for url in ("file:///x", "ftp://x/", "HTTP://x/", "", "x", "swift+config://x", " http://x"):
            self.assertRaises(SourceNotSupported, store.check, url)

    def test_malformed(self) -> None:
        """No host, a bad port, bad credentials, or a place where we do not go."""
        store = HttpStore(FakeReactor())
        for url in (
            "http://",
            "http:/x",
            "http:///x",
            "http://x:/",
            "http://x:0/",
            "http://x:65536/",
            "http://x:http/",
            "http://user@x/",
            "http://a:b:c@x/",
            "http://:b@x/",
            "http://x:25/",
            "http://127.0.0.1/",
        ):
            self.assertRaises(InvalidLocation, store.check, url)

    def test_fine(self) -> None:
        """Usual URLs pass."""
        store = HttpStore(FakeReactor(), allow="10.0.0.0/8,images.local:25")
        for url in (
            "http://x.example/",
            "https://me:pass@x.example:8443/a?b=c",
            "http://10.1.2.3",
            "http://images.local:25/",
            "http://bücher.example/",
            "http://[2606:2800:220:1::1]/",
        ):
            store.check(url)

    def test_options(self) -> None:
        """Options that make no sense are refused in words."""
        for options in (
            {"allow": "10.0.0.1/8"},
            {"allow": "x y"},
            {"allow": "x:0"},
            {"allow": "1.2.3"},
            {"ca": "/nowhere"},
            {"idle": "0"},
            {"attempts": "-1"},
        ):
            self.assertRaises(ValueError, HttpStore, FakeReactor(), **options)
