"""How a server that an operator chose is asked, and what it cannot do to us."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    RemoteBroken,
    RemoteRefused,
    RemoteUnavailable,
)
from glancetx.httpclient import Answer, Flow, Pieces, Server
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.httpclient.fake_server import Asking, producer_of

EMPTY = "Content-Length: 0"


class ServerCase(SynchronousTestCase):
    """One server, asked in memory."""

    def setUp(self) -> None:
        self.asking = Asking()

    def body(self, answer: Answer) -> bytes:
        consumer = RecordingConsumer()
        self.successResultOf(as_deferred(answer.body.flow_to(consumer)))
        return consumer.data


class UrlTests(SynchronousTestCase):
    """What an operator may write."""

    def test_parts(self) -> None:
        """Host and port become the Host header, a path precedes all others."""
        server = Server(None, "https://store.example:8443/swift/v1/")
        self.assertEqual(server.host, "store.example:8443")
        self.assertEqual(server.prefix, "/swift/v1")
        self.assertEqual(server.origin, "https://store.example:8443")

    def test_refused(self) -> None:
        """Credentials, queries, other schemes and nonsense are refused."""
        for url in (
            "store.example",
            "ftp://store.example",
            "http://user:secret@store.example",
            "http://store.example/?a=b",
            "http://store.example/#x",
            "http://store.example/a b",
            "http://",
            "http://store.example:port",
        ):
            self.assertRaises(ValueError, Server, None, url)


class RequestTests(ServerCase):
    """What is sent, and what comes of the answer."""

    def test_question(self) -> None:
        """Path and headers are sent as they are given; the answer has status, header and body."""
        waiting = self.asking.ask("GET", "/a%2Fb?x=1&y", {"X-Wish": "none"})
        server = self.asking.accept()
        self.assertTrue(server.request.startswith(b"GET /a%2Fb?x=1&y HTTP/1.1\r\n"))
        self.assertIn(b"X-Wish: none\r\n", server.request)
        self.assertEqual(server.request.count(b"Host: store.example:8080\r\n"), 1)
        self.assertIn(b"Accept-Encoding: identity\r\n", server.request)
        server.say("HTTP/1.1 404 None", "X-Why: gone", "Content-Length: 3", body=b"no.")
        answer = self.successResultOf(waiting)
        self.assertEqual((answer.status, answer.header("x-why"), answer.length), (404, "gone", 3))
        self.assertEqual(self.body(answer), b"no.")

    def test_prefix(self) -> None:
        """The path of the server's URL comes first."""
        asking = Asking("http://store.example/v1/")
        asking.ask("DELETE", "/x")
        self.assertTrue(asking.accept().request.startswith(b"DELETE /v1/x HTTP/1.1\r\n"))

    def test_redirect(self) -> None:
        """A redirect is an answer like any other."""
        waiting = self.asking.ask()
        self.asking.accept().say("HTTP/1.1 307 There", "Location: http://169.254.169.254/", EMPTY)
        self.assertEqual(self.successResultOf(waiting).status, 307)
        self.assertEqual(self.asking.connections, 1)

    def test_large_head(self) -> None:
        """A head of any size is not waited for."""
        waiting = self.asking.ask()
        server = self.asking.accept()
        server.say("HTTP/1.1 200 OK", *(f"X-{each}: {'x' * 4000}" for each in range(20)), EMPTY)
        self.failureResultOf(waiting, RemoteBroken)

    def test_endless_number(self) -> None:
        """A length that nothing has is not told, and so is none that nobody can write."""
        for digits in ("9" * 5000, "9" * 20, "-1"):
            waiting = self.asking.ask("HEAD")
            self.asking.accept().say(
                "HTTP/1.1 200 OK", f"Content-Length: {digits}", "Connection: close"
            )
            self.assertIsNone(self.successResultOf(waiting).length)

    def test_endless_head(self) -> None:
        """Nor is one that does not end read on and on."""
        waiting = self.asking.ask()
        server = self.asking.accept()
        for each in range(20):
            server.protocol.dataReceived(f"X-{each}: {'x' * 4000}\r\n".encode("ascii"))
            if not server.transport.connected:
                break
        self.failureResultOf(waiting, RemoteBroken)
        self.assertLess(each, 18)


class KeepingTests(ServerCase):
    """Connections serve one request after the other."""

    def settled(self) -> None:
        """A first request whose answer was read."""
        waiting = self.asking.ask()
        self.kept = self.asking.accept()
        self.kept.say("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")
        self.answer = self.successResultOf(waiting)
        self.assertEqual(self.body(self.answer), b"ok")
        self.kept.transport.clear()

    def test_kept(self) -> None:
        """The next request takes the same connection."""
        self.settled()
        waiting = self.asking.ask("HEAD", "/two")
        self.assertEqual(self.asking.connections, 1)
        self.assertTrue(self.kept.request.startswith(b"HEAD /two "))
        self.kept.say("HTTP/1.1 200 OK", "Content-Length: 5")
        self.assertEqual(self.successResultOf(waiting).length, 5)

    def test_an_old_answer_ends_nothing(self) -> None:
        """To close an answer that was read leaves the connection to its next user."""
        self.settled()
        waiting = self.asking.ask()
        self.answer.close()
        self.kept.say("HTTP/1.1 200 OK", EMPTY)
        self.successResultOf(waiting)

    def test_an_unread_answer_ends_it(self) -> None:
        """An answer that is given up takes its connection with it."""
        waiting = self.asking.ask()
        server = self.asking.accept()
        server.say("HTTP/1.1 200 OK", "Content-Length: 2", body=b"o")
        self.successResultOf(waiting).close()
        self.assertTrue(server.transport.was_aborted)
        self.asking.ask()
        self.assertEqual(self.asking.connections, 2)

    def test_closed_meanwhile(self) -> None:
        """One that the server has closed is noticed, and the request is made anew."""
        self.settled()
        waiting = self.asking.ask("PUT", "/x", content=Pieces([b"again"]))
        self.kept.transport.loseConnection()
        self.assertEqual(self.asking.connections, 2)
        server = self.asking.accept()
        self.assertTrue(server.request.endswith(b"\r\n\r\nagain"))
        server.say("HTTP/1.1 201 Made", EMPTY)
        self.assertEqual(self.successResultOf(waiting).status, 201)

    def test_a_new_one_is_not_tried_twice(self) -> None:
        """A new connection that breaks says something about the server."""
        waiting = self.asking.ask()
        self.asking.accept().transport.loseConnection()
        self.failureResultOf(waiting, RemoteBroken)
        self.assertEqual(self.asking.connections, 1)

    def test_idempotent_post(self) -> None:
        """A POST that may be asked twice takes a kept connection, and is made anew without it."""
        self.settled()
        waiting = self.asking.ask("POST", "/x", content=Pieces([b"again"]), is_idempotent=True)
        self.assertEqual(self.asking.connections, 1)
        self.kept.transport.loseConnection()
        server = self.asking.accept()
        self.assertTrue(server.request.endswith(b"\r\n\r\nagain"))
        server.say("HTTP/1.1 204 None", EMPTY)
        self.assertEqual(self.successResultOf(waiting).status, 204)

    def test_post(self) -> None:
        """What may not be asked twice never takes a kept connection."""
        self.settled()
        self.asking.ask("POST")
        self.assertEqual(self.asking.connections, 2)

    def test_flow(self) -> None:
        """Nor does content that flows, which cannot be sent twice."""
        self.settled()
        self.asking.ask("PUT", content=Flow(ScriptedStream([b"x"]), 1))
        self.assertEqual(self.asking.connections, 2)

    def test_closing(self) -> None:
        """Idle connections end when the server is not needed any more."""
        self.settled()
        as_deferred(self.asking.server.close())
        self.assertFalse(self.kept.transport.connected)
        self.assertEqual(self.asking.waits, [])


class WaitingTests(ServerCase):
    """Every wait ends."""

    def test_no_connection(self) -> None:
        """A server that cannot be reached is unavailable."""
        waiting = self.asking.ask()
        self.asking.refuse()
        self.failureResultOf(waiting, RemoteUnavailable)

    def test_no_head(self) -> None:
        """A server that takes the request and says nothing is waited for as long as it may."""
        waiting = self.asking.ask()
        server = self.asking.accept()
        self.asking.advance(19.9)
        self.assertNoResult(waiting)
        self.asking.advance(0.1)
        self.failureResultOf(waiting, RemoteUnavailable)
        self.assertFalse(server.transport.connected)
        self.assertEqual(self.asking.waits, [])

    def test_cancelled(self) -> None:
        """Whoever gives up ends the connection, and is told that he has."""
        for content in (None, Pieces([b"x"])):
            waiting = self.asking.ask("PUT", content=content)
            server = self.asking.accept()
            waiting.cancel()
            self.failureResultOf(waiting, CancelledError)
            self.assertFalse(server.transport.connected)
            self.assertEqual(self.asking.waits, [])

    def test_cancelled_before_there_is_a_connection(self) -> None:
        """It works at any time."""
        waiting = self.asking.ask()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_idle_body(self) -> None:
        """A body that stops coming is broken."""
        waiting = self.asking.ask()
        server = self.asking.accept()
        server.say("HTTP/1.1 200 OK", "Content-Length: 9", body=b"123")
        flow = as_deferred(self.successResultOf(waiting).body.flow_to(RecordingConsumer()))
        self.asking.advance(10)
        self.failureResultOf(flow, RemoteBroken)
        self.assertEqual(self.asking.waits, [])


class SendingTests(ServerCase):
    """Content goes out at the pace of the connection."""

    def put(self, stream: ScriptedStream, length: int | None = 6) -> Deferred[Answer]:
        waiting = self.asking.ask("PUT", content=Flow(stream, length))
        self.server = self.asking.accept()
        return waiting

    def test_known_length(self) -> None:
        """With a length, it is announced."""
        waiting = self.put(ScriptedStream([b"abc", b"def"]))
        self.assertIn(b"Content-Length: 6\r\n", self.server.request)
        self.assertTrue(self.server.request.endswith(b"\r\n\r\nabcdef"))
        self.server.say("HTTP/1.1 201 Made", EMPTY)
        self.assertEqual(self.successResultOf(waiting).status, 201)

    def test_unknown_length(self) -> None:
        """Without one, it goes out in chunks."""
        waiting = self.put(ScriptedStream([b"abc", b"def"]), None)
        self.assertIn(b"Transfer-Encoding: chunked\r\n", self.server.request)
        self.assertTrue(self.server.request.endswith(b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"))
        self.server.say("HTTP/1.1 201 Made", EMPTY)
        self.successResultOf(waiting)

    def test_nothing(self) -> None:
        """No pieces are a body of no bytes."""
        self.asking.ask("PUT", content=Pieces([]))
        self.assertIn(b"Content-Length: 0\r\n", self.asking.accept().request)

    def test_paused(self) -> None:
        """A connection that is full pauses the source, and takes up again where it was."""
        stream = ScriptedStream([b"abc"], HANG)
        self.put(stream)
        producer = producer_of(self.server)
        producer.pauseProducing()
        self.assertEqual(stream.pauses, 1)
        producer.resumeProducing()
        self.assertEqual(stream.resumes, 1)

    def test_stuck(self) -> None:
        """One that stays full is given up, and the source is stopped."""
        stream = ScriptedStream([b"abc"], HANG)
        waiting = self.put(stream)
        producer_of(self.server).pauseProducing()
        self.asking.advance(10)
        self.failureResultOf(waiting, RemoteUnavailable)
        self.assertFalse(self.server.transport.connected)
        self.assertEqual(self.asking.waits, [])

    def test_slow_source(self) -> None:
        """A source that lets us wait is not the server's fault."""
        waiting = self.put(ScriptedStream([b"abc"], HANG))
        self.asking.advance(3600)
        self.assertNoResult(waiting)

    def test_source_breaks(self) -> None:
        """What breaks the source is what is told, and the server never sees an end."""
        waiting = self.put(ScriptedStream([b"abc"], BodyCutShort()), None)
        self.failureResultOf(waiting, BodyCutShort)
        self.assertTrue(self.server.transport.was_aborted)
        self.assertFalse(self.server.request.endswith(b"\r\n0\r\n\r\n"))

    def test_server_leaves(self) -> None:
        """A connection that breaks stops the source."""
        stream = ScriptedStream([b"abc"], HANG)
        waiting = self.put(stream)
        self.server.protocol.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(waiting, RemoteBroken)
        self.assertTrue(stream.was_stopped)

    def test_refused_early(self) -> None:
        """An error that comes while we are sending is told at once by its status."""
        stream = ScriptedStream([b"abc"], HANG)
        waiting = self.put(stream)
        self.server.say("HTTP/1.1 413 Too Large", "Content-Length: 5", body=b"")
        self.assertEqual(self.failureResultOf(waiting, RemoteRefused).value.status, 413)
        self.assertTrue(stream.was_stopped)
        self.assertFalse(self.server.transport.connected)

    def test_refused_early_and_whole(self) -> None:
        """When all of the answer is there it is told, and nothing more is sent."""
        stream = ScriptedStream([b"abc"], HANG)
        waiting = self.put(stream)
        self.server.say("HTTP/1.1 403 No", "Content-Length: 3", body=b"no.")
        answer = self.successResultOf(waiting)
        self.assertEqual((answer.status, self.body(answer)), (403, b"no."))
        self.assertTrue(stream.was_stopped)
        self.assertFalse(self.server.transport.connected)

    def test_informed(self) -> None:
        """A 100 is no answer."""
        waiting = self.put(ScriptedStream([b"abc"], HANG))
        self.server.say("HTTP/1.1 100 Continue")
        self.assertNoResult(waiting)

    def test_secrets(self) -> None:
        """What is sent does not show."""
        self.assertNotIn("secret", repr(Pieces([b"secret"])))
