"""Tests of files that the kernel sends, over real sockets."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, fail, maybeDeferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface.verify import verifyObject

from glancetx.errors import StoreUnavailable
from glancetx.files import Descriptor
from glancetx.interfaces import IFileSpan
from glancetx.streams.span import FileSpan
from glancetx.testing.http import MemoryClient
from glancetx.testing.threads import InlineThreads
from glancetx.web import sending
from glancetx.web.respond import pour
from glancetx.web.site import StreamingSite
from tests.web.case import logged_events
from tests.web.network import tls_options

reactor: Any = installed_reactor

MIB = 1 << 20
LARGE = 64 * MIB

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Span(FileSpan):
    """A span that remembers what was asked of it, and may be told what is in memory."""

    is_known_at_hand: bool | None = None
    fetching: Deferred[None] | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fetched: list[tuple[int, int]] = []
        self.closed: list[int] = []

    def is_at_hand(self, start: int, size: int) -> bool:
        known = self.is_known_at_hand
        return super().is_at_hand(start, size) if known is None else known

    def fetch(self, start: int, size: int) -> Any:
        self.fetched.append((start, size))
        return self.fetching or super().fetch(start, size)

    def close(self, sent: int, error: BaseException | None = None) -> None:
        self.closed.append(sent)
        super().close(sent, error)


class Sending(Resource):
    """Answers every request by a new span of one file."""

    isLeaf = True

    def __init__(self, path: str, start: int, length: int, clock: Any) -> None:
        super().__init__()
        self.path, self.start, self.length, self.clock = path, start, length, clock
        self.spans: list[Span] = []
        self.requests: list[Any] = []
        self.works: list[Deferred[Any]] = []
        self.ended: list[Any] = []
        self.waiting: list[Deferred[None]] = []
        self.prepare: Callable[[Span], None] = lambda span: None

    def render(self, request: Any) -> int:
        threads = InlineThreads()
        file = Descriptor(os.open(self.path, os.O_RDONLY))
        span = Span(file, self.start, self.length, threads.run)
        self.prepare(span)
        self.spans.append(span)
        self.requests.append(request)
        request.setHeader("Content-Length", str(self.length))
        work = ensureDeferred(pour(request, span, self.length, self.clock, 60.0))
        self.works.append(work)
        request.notifyFinish().addErrback(lambda _: work.cancel())
        work.addCallback(lambda _: request.is_lost or request.finish())
        work.addBoth(self._note)
        return NOT_DONE_YET

    def _note(self, result: Any) -> None:
        self.ended.append(result)
        waiting, self.waiting = self.waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def until_ended(self) -> Deferred[None]:
        """Fires when the next response has ended."""
        deferred: Deferred[None] = Deferred()
        self.waiting.append(deferred)
        return deferred.addTimeout(20, reactor)


class SendingCase(TestCase):
    timeout = 60.0

    def serve(self, start: int = 0, length: int = LARGE, data: bytes = b"") -> None:
        """A server of one file: of these data, or of so many bytes that take no room."""
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(data)
            file.truncate(max(len(data), start + length))
        self.path = path
        self.clock = Clock()
        self.events = logged_events(self)
        self.resource = Sending(path, start, length, self.clock)
        self.site = StreamingSite(self.resource, reactor, 60.0)
        self.listen(lambda: reactor.listenTCP(0, self.site, interface="127.0.0.1"))

    def listen(self, listen: Callable[[], Any]) -> None:
        self.port = listen()
        port = self.port

        def stop() -> Deferred[None]:
            stopped: Deferred[None] = maybeDeferred(port.stopListening)
            return stopped.addCallback(lambda _: self.site.drain(0))

        self.addCleanup(stop)

    async def connect(self) -> socket.socket:
        address = ("127.0.0.1", self.port.getHost().port)
        client = await deferToThread(socket.create_connection, address, 20)
        self.addCleanup(client.close)
        return client

    async def until(self, condition: Callable[[], Any]) -> None:
        deadline = reactor.seconds() + 20
        while not condition():
            self.assertLess(reactor.seconds(), deadline)
            await deferLater(reactor, 0.005)

    def assert_let_go(self) -> None:
        """No file is open any more, and nobody is waited for."""
        for span in self.resource.spans:
            self.assertEqual(span.number, -1)
            self.assertEqual(len(span.closed), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def warnings(self) -> list[str]:
        return [
            str(event["error"])
            for event in self.events
            if "breaks off" in str(event.get("log_format"))
        ]


def receive(client: socket.socket, size: int) -> bytes:
    """The body of one response; fewer bytes than ``size`` when the connection ends."""
    data = bytearray()
    try:
        while b"\r\n\r\n" not in data:
            more = client.recv(1)
            if not more:
                return b""
            data += more
        body = bytearray()
        while len(body) < size and (more := client.recv(min(MIB, size - len(body)))):
            body += more
    except ConnectionError:
        pass
    return bytes(body)


class WholeTests(SendingCase):
    """A file that is as announced."""

    async def test_whole(self) -> None:
        """Its bytes arrive, are counted for the access log, and the file is closed."""
        data = os.urandom(5 * MIB + 1)
        self.serve(0, len(data), data)
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, len(data)), data)
        self.assertEqual(self.resource.requests[0].sentLength, len(data))
        self.assertEqual(self.resource.spans[0].closed, [len(data)])
        self.assert_let_go()
        verifyObject(IFileSpan, self.resource.spans[0])

    async def test_part(self) -> None:
        """A range of it begins and ends where it should."""
        data = os.urandom(MIB)
        self.serve(1234, 5678, data)
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, 5678), data[1234 : 1234 + 5678])

    async def test_kept_connection(self) -> None:
        """The connection is as good as before, for requests that wait and for later ones."""
        data = os.urandom(MIB)
        self.serve(0, MIB, data)
        client = await self.connect()
        client.sendall(HEAD * 3)
        for _ in range(3):
            self.assertEqual(await deferToThread(receive, client, MIB), data)
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, MIB), data)
        self.assert_let_go()

    async def test_many_at_once(self) -> None:
        """Clients take turns, and everybody gets everything."""
        data = os.urandom(3 * MIB)
        self.serve(0, len(data), data)
        clients = [await self.connect() for _ in range(40)]
        for client in clients:
            client.sendall(HEAD)
        for client in clients:
            self.assertEqual(await deferToThread(receive, client, len(data)), data)
        self.assert_let_go()

    async def test_draining(self) -> None:
        """A server that is told to stop sends to the end."""
        self.serve()
        client = await self.connect()
        client.sendall(HEAD)
        await self.until(lambda: self.resource.requests)
        drained = self.site.drain(20)
        self.assertEqual(len(await deferToThread(receive, client, LARGE)), LARGE)
        client.close()
        await drained

    async def test_unix_socket(self) -> None:
        """It goes over any socket that is not encrypted."""
        self.serve()
        address = self.mktemp()[-80:].replace("/", "_")
        self.listen(lambda: reactor.listenUNIX(address, self.site))
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        await deferToThread(client.connect, address)
        client.sendall(HEAD)
        self.assertEqual(len(await deferToThread(receive, client, LARGE)), LARGE)
        self.assertEqual(self.resource.spans[0].closed, [LARGE])


class PouredTests(SendingCase):
    """What the kernel cannot send is poured, and nothing is lost."""

    def assert_poured(self) -> None:
        [span] = self.resource.spans
        self.assertEqual((span.closed, span.number), ([], -1))

    async def test_tls(self) -> None:
        """An encrypted connection."""
        import ssl

        data = os.urandom(3 * MIB)
        self.serve(0, len(data), data)
        self.listen(lambda: reactor.listenSSL(0, self.site, tls_options(), interface="127.0.0.1"))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = await self.connect()
        client = await deferToThread(context.wrap_socket, plain)
        self.addCleanup(client.close)
        await deferToThread(client.sendall, HEAD)
        self.assertEqual(await deferToThread(receive, client, len(data)), data)
        self.assert_poured()

    async def test_file_system(self) -> None:
        """A file system that does not know how."""
        data = os.urandom(3 * MIB)
        self.serve(0, len(data), data)
        self.patch(os, "sendfile", _raiser(errno.EINVAL))
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, len(data)), data)
        self.assert_poured()

    def test_other_transport(self) -> None:
        """A transport that has no socket."""
        self.serve(0, 5, b"hello")
        client = MemoryClient(self.site)
        client.begin("GET", "/")
        self.assertEqual(client.response().body, b"hello")
        client.disconnect()
        self.assert_poured()

    def test_head(self) -> None:
        """HEAD has no body at all."""
        self.serve()
        client = MemoryClient(self.site)
        client.begin("HEAD", "/")
        self.assertEqual(client.response().header("content-length"), str(LARGE))
        client.disconnect()
        self.assertEqual(self.resource.ended, [None])


class BrokenTests(SendingCase):
    """A file that is not as announced never looks whole."""

    async def assert_broken_off(self, why: str) -> None:
        client = await self.connect()
        ended = self.resource.until_ended()
        client.sendall(HEAD)
        body = await deferToThread(receive, client, self.resource.length)
        self.assertLess(len(body), self.resource.length)
        await ended
        self.assertEqual(self.warnings(), [why])
        self.assert_let_go()

    async def test_cut_short(self) -> None:
        """O-14: fewer bytes than announced."""
        self.serve()
        os.truncate(self.path, 3 * MIB)
        await self.assert_broken_off(f"The store gave {3 * MIB} of {LARGE} bytes")

    async def test_unreadable(self) -> None:
        """A medium that fails."""
        self.serve()
        self.patch(os, "sendfile", _raiser(errno.EIO))
        await self.assert_broken_off(f"The store's file cannot be read: {os.strerror(errno.EIO)}")

    async def test_cannot_be_fetched(self) -> None:
        """A medium that fails when it is read ahead."""
        self.serve()

        def prepare(span: Span) -> None:
            span.is_known_at_hand = False
            span.fetching = fail(StoreUnavailable())

        self.resource.prepare = prepare
        await self.assert_broken_off(str(StoreUnavailable()))


class LeavingTests(SendingCase):
    """A client that leaves is nobody's error."""

    async def test_in_the_middle(self) -> None:
        """The file is closed, and nothing is logged."""
        self.serve()
        client = await self.connect()
        client.sendall(HEAD)
        await deferToThread(receive, client, MIB)
        ended = self.resource.until_ended()
        client.close()
        await ended
        self.assert_let_go()
        self.assertEqual(self.warnings(), [])

    async def test_noticed_by_sending(self) -> None:
        """So when it is the sending that tells."""
        self.serve()
        self.patch(os, "sendfile", _raiser(errno.EPIPE))
        client = await self.connect()
        ended = self.resource.until_ended()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, MIB), b"")
        await ended
        self.assert_let_go()
        self.assertEqual(self.warnings(), [])

    async def test_while_the_medium_is_read(self) -> None:
        """What was being fetched then is of no interest any more."""
        self.serve()
        fetching: Deferred[None] = Deferred()

        def prepare(span: Span) -> None:
            span.is_known_at_hand, span.fetching = False, fetching

        self.resource.prepare = prepare
        client = await self.connect()
        client.sendall(HEAD)
        await self.until(lambda: self.resource.spans and self.resource.spans[0].fetched)
        ended = self.resource.until_ended()
        client.close()
        await ended
        self.assert_let_go()
        fetching.callback(None)

    async def test_before_it_begins(self) -> None:
        """A file that was opened too late for its client is closed."""
        self.serve()
        client = await self.connect()
        client.sendall(HEAD)
        await self.until(lambda: self.resource.requests)
        ended = self.resource.until_ended()
        client.close()
        await ended
        file = Descriptor(os.open(self.path, os.O_RDONLY))
        late = Span(file, 0, LARGE, InlineThreads().run)
        await pour(self.resource.requests[0], late, LARGE, self.clock, 60.0)
        self.assertEqual(late.closed, [0])
        self.assert_let_go()

    async def test_cancelled(self) -> None:
        """Work that is called off breaks the connection off, and says so to its caller."""
        self.serve()
        client = await self.connect()
        client.sendall(HEAD)
        await deferToThread(receive, client, MIB)
        self.resource.works[0].cancel()
        [failure] = self.resource.ended
        self.assertIsInstance(failure.value, CancelledError)
        self.assert_let_go()
        self.assertLess(len(await deferToThread(_rest, client)), LARGE)


class PaceTests(SendingCase):
    """Clients may be slow, but not silent."""

    async def test_waits_for_the_client(self) -> None:
        """What it does not take stays in the file."""
        self.serve(length=1024 * MIB)
        client = await self.connect()
        client.sendall(HEAD)
        request = await self._stalled()
        self.assertLess(request.sentLength, 64 * MIB)
        self.assertEqual(len(await deferToThread(receive, client, 200 * MIB)), 200 * MIB)

    async def test_room_for_more(self) -> None:
        """Whoever took all of a step has the next one without its socket being asked first."""
        self.patch(sending, "STEP", 16 << 10)
        asked, resume = [], sending._Sending.resumeProducing

        def resume_producing(one: Any) -> None:
            asked.append(one)
            resume(one)

        self.patch(sending._Sending, "resumeProducing", resume_producing)
        data = os.urandom(64 << 10)
        self.serve(0, len(data), data)
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, len(data)), data)
        # When it was registered, and when the headers had left.
        self.assertEqual(len(asked), 2)

    async def test_stalled_reader_is_cut(self) -> None:
        """A client that takes nothing for the timeout."""
        self.serve(length=1024 * MIB)
        client = await self.connect()
        client.sendall(HEAD)
        await self._stalled()
        ended = self.resource.until_ended()
        self.clock.advance(60)  # since its begin it has taken something
        self.assertEqual(self.resource.ended, [])
        self.clock.advance(60)
        await ended
        self.assert_let_go()
        self.assertEqual(self.warnings(), [])

    async def test_slow_reader_survives(self) -> None:
        """One that takes a little now and then."""
        self.serve(length=1024 * MIB)
        client = await self.connect()
        client.sendall(HEAD)
        await self._stalled()
        for _ in range(5):
            self.clock.advance(59)
            await deferToThread(receive_exactly, client, 256 << 10)
            await self._stalled()
            self.clock.advance(1)
        self.assertEqual(self.resource.ended, [])

    async def test_slow_medium_is_not_the_clients_fault(self) -> None:
        """A file may take its time."""
        self.serve(length=MIB)
        fetching: Deferred[None] = Deferred()

        def prepare(span: Span) -> None:
            span.is_known_at_hand, span.fetching = False, fetching

        self.resource.prepare = prepare
        client = await self.connect()
        client.sendall(HEAD)
        await self.until(lambda: self.resource.spans and self.resource.spans[0].fetched)
        self.clock.pump([30] * 20)
        fetching.callback(None)
        self.assertEqual(len(await deferToThread(receive, client, MIB)), MIB)
        self.assert_let_go()

    async def _stalled(self) -> Any:
        """The first request, when no more of it is sent."""
        await self.until(lambda: self.resource.requests)
        [request] = self.resource.requests
        before = -1
        while request.sentLength != before:
            before = request.sentLength
            await deferLater(reactor, 0.2)
        return request


class ColdTests(SendingCase):
    """What is not in memory is read off the reactor before it is sent."""

    async def test_fetched_window_by_window(self) -> None:
        """Each part of the file once, in order."""
        length = 3 * sending.WINDOW - 1
        data = os.urandom(length)
        self.serve(0, length, data)
        self.resource.prepare = lambda span: setattr(span, "is_known_at_hand", False)
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, length), data)
        [span] = self.resource.spans
        starts = range(0, length, sending.WINDOW)
        sizes = [min(sending.WINDOW, length - start) for start in starts]
        self.assertEqual(span.fetched, list(zip(starts, sizes, strict=True)))
        self.assert_let_go()

    async def test_in_memory(self) -> None:
        """What is there already is not fetched."""
        data = os.urandom(MIB)
        self.serve(0, MIB, data)
        client = await self.connect()
        client.sendall(HEAD)
        self.assertEqual(await deferToThread(receive, client, MIB), data)
        self.assertEqual(self.resource.spans[0].fetched, [])


def receive_exactly(client: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(client.recv(size))


def _rest(client: socket.socket) -> bytes:
    data = bytearray()
    try:
        while more := client.recv(MIB):
            data += more
    except ConnectionError:
        pass
    return bytes(data)


def _raiser(number: int) -> Callable[..., int]:
    def sendfile(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    return sendfile
