"""Tests of one connection: answers before the body is in, pipelining, leaving clients, time."""

from __future__ import annotations

from attrs import evolve

from glancetx.testing.http import MemoryClient
from glancetx.web.channel import StreamingChannel
from glancetx.web.receivers import READ_AT_ONCE
from tests.web.api import FORMATS, Api
from tests.web.case import CHUNKED, IMAGE_ID, UPLOAD, TransportCase

BIG = 10 << 30
GET = b"GET /v1/images HTTP/1.1\r\nHost: h\r\n\r\n"
VERSIONS = b"GET /versions HTTP/1.1\r\nHost: h\r\n\r\n"


def post(body: bytes, image_id: str = IMAGE_ID) -> bytes:
    """An upload as bytes."""
    return (
        b"POST /v1/images HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream\r\n"
        b"x-image-meta-disk_format: raw\r\nx-image-meta-container_format: bare\r\n"
        b"x-image-meta-id: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (image_id.encode(), len(body), body)
    )


class StreamingTests(TransportCase):
    """A handler runs when the head is in, and the body comes at the store's pace."""

    def test_handler_runs_before_the_body(self) -> None:
        """The image is saving when not one byte of its body has come."""
        self.begin_upload(5)
        self.assertEqual(self.image().status.value, "saving")
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)

    def test_head_in_single_bytes(self) -> None:
        """A head may come byte by byte, and so may the body."""
        for byte in post(b"hello"):
            self.client.send(bytes([byte]))
        self.assertEqual(self.client.response().status, 201)

    def test_slow_store_stops_the_reading(self) -> None:
        """While the store waits nothing is read, and one read's worth is held at most."""
        self.store.on = frozenset({"write"})
        self.begin_upload(4 << 20)
        sent = self.send_until_paused()
        self.assertLess(sent, 8)
        [request] = self._channel().requests
        self.assertLessEqual(sum(map(len, request.body._pending)), 65536)
        self.store.open_gate()
        self.assertTrue(self.transport.is_reading)
        self.client.send(bytes((4 << 20) - sent * 65536))
        self.assertEqual(self.client.response().status, 201)

    def test_store_that_has_not_begun(self) -> None:
        """A handler that waits before it reads leaves the body in the network."""
        self.store.on = frozenset({"add"})
        self.begin_upload(1 << 20)
        self.client.send(bytes(65536))
        self.assertFalse(self.transport.is_reading)
        self.store.open_gate()
        self.assertTrue(self.transport.is_reading)

    def test_one_read_brings_more_while_a_body_comes(self) -> None:
        """Reads are large for a body, and as before after it."""
        self.transport.bufferSize = 65536
        self.begin_upload(2)
        self.assertEqual(self.transport.bufferSize, 4 << 20)
        self.client.send(b"ab")
        self.assertEqual(self.transport.bufferSize, 65536)
        self.assertEqual(self.api.site.receivers.count, 0)

    def test_small_body_is_in_before_it_is_read(self) -> None:
        """A client whose body is in is none of those whose bodies are received."""
        self.transport.bufferSize = 65536
        self.store.on = frozenset({"add"})
        self.begin_upload(2)
        self.client.send(b"ab")
        self.store.open_gate()
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.api.site.receivers.count, 0)
        self.assertEqual(self.transport.bufferSize, 65536)

    def test_waiting_for_a_turn(self) -> None:
        """While others have their turn to send it is we who keep the client waiting."""
        self.begin_upload(2)
        request = self._channel().requests[0]
        self.assertFalse(request.is_kept_waiting)
        request._receiving.is_waiting = True
        self.assertTrue(request.is_kept_waiting)

    def test_reads_are_smaller_for_many(self) -> None:
        """All clients together have bounded reads, and one that leaves counts no more."""
        self.api.site.receivers.count = 63
        self.transport.bufferSize = 65536
        self.begin_upload(2)
        self.assertEqual(self.transport.bufferSize, READ_AT_ONCE // 64)
        self.client.disconnect()
        self.assertEqual(self.api.site.receivers.count, 63)

    def test_reads_shrink_when_others_come(self) -> None:
        """Whoever was there before has smaller ones too, when he is let go on."""
        self.transport.bufferSize = 65536
        self.begin_upload(1 << 20)
        self.assertEqual(self.transport.bufferSize, 4 << 20)
        self.api.site.receivers.count = 64
        body = self._channel().requests[0].body
        body.pauseProducing()
        body.resumeProducing()
        self.assertEqual(self.transport.bufferSize, READ_AT_ONCE // 64)

    def test_body_that_nobody_reads(self) -> None:
        """R27: it stays in the network also while its client takes a long response."""
        self.have_image(bytes(300_000))
        client = self.api.connect(send_buffer=1000)
        headers = {"Transfer-Encoding": "chunked"}
        client.begin("GET", f"/v1/images/{IMAGE_ID}", headers)
        client.send_chunk(bytes(100_000))
        self.assertFalse(client.transport.is_reading)
        client.transport.taken()
        self.assertGreater(client.transport.unsent, 0)
        self.assertFalse(client.transport.is_reading)
        while client.transport.unsent:
            client.transport.taken()
        self.assertTrue(client.transport.is_reading)
        client.disconnect()

    def test_reads_fit_what_comes(self) -> None:
        """Reads are small for who sends little at a time, in chunks or not."""
        self.transport.bufferSize = 65536
        self.client.begin("POST", "/v1/images", CHUNKED)
        self.assertEqual(self.transport.bufferSize, 4 << 20)
        for _ in range(99):
            self.client.send_chunk(b"a")
        self.client.send_chunk(bytes(1024))
        for _ in range(99):
            self.client.send_chunk(b"a")
        self.assertEqual(self.transport.bufferSize, 4 << 20)
        self.client.send_chunk(b"a")
        self.assertEqual(self.transport.bufferSize, 65536)

    def _channel(self) -> StreamingChannel:
        [channel] = self.api.site._channels
        return channel


class EarlyAnswerTests(TransportCase):
    """A response may be complete before the request is."""

    def refuse(self, client: MemoryClient, length: int, **headers: str) -> int:
        client.begin("PUT", f"/v1/images/{IMAGE_ID}", {**FORMATS, **headers}, length)
        return client.response().status

    def test_statuses(self) -> None:
        """400, 404, 409 and 413 come before a body of 10 GiB."""
        self.assertEqual(self.refuse(self.api.connect(), BIG), 404)
        self.have_image(b"x")
        self.assertEqual(self.refuse(self.api.connect(), BIG), 409)
        for headers, status in (
            ({"x-image-meta-min_disk": "x"}, 400),
            ({"x-image-meta-disk_format": "bad"}, 400),
            ({"x-image-meta-id": IMAGE_ID}, 409),
        ):
            client = self.api.connect()
            client.begin("POST", "/v1/images", {**FORMATS, **headers}, BIG)
            self.assertEqual(client.response().status, status, headers)

    def test_small_rest_is_drained(self) -> None:
        """The rest of a small body is thrown away and the connection kept."""
        self.assertEqual(self.refuse(self.client, 100_000), 404)
        self.assertIsNone(self.client.response().header("connection"))
        self.client.send(bytes(50_000))
        self.client.send(bytes(50_000) + GET)
        answers = self.client.responses()
        self.assertEqual([answer.status for answer in answers], [404, 200])
        self.wait(50)
        self.assertFalse(self.transport.disconnecting)

    def test_small_rest_that_looks_like_a_request(self) -> None:
        """R31: the rest of a body is never taken for the next request."""
        smuggled = b"DELETE /v1/images/x HTTP/1.1\r\nHost: h\r\n\r\n"
        self.assertEqual(self.refuse(self.client, len(smuggled)), 404)
        self.client.send(smuggled)
        self.assertEqual(len(self.client.responses()), 1)

    def test_small_rest_does_not_come(self) -> None:
        """A client that owes a small rest for too long is cut off."""
        self.refuse(self.client, 100_000)
        self.wait(StreamingChannel.drain_time - 1)
        self.assertFalse(self.transport.is_aborted)
        self.wait(1)
        self.assertTrue(self.transport.is_aborted)
        self.assert_gone_quietly()

    def test_big_rest_closes(self) -> None:
        """A big rest gets Connection: close, FIN, 2 seconds of listening, and then a reset."""
        self.assertEqual(self.refuse(self.client, BIG), 404)
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.transport.is_write_closed)
        self.assertTrue(self.transport.is_reading)
        self.client.send(bytes(100_000) + GET)
        self.assertEqual(len(self.client.responses()), 1)
        self.wait(1.9)
        self.assertFalse(self.transport.is_aborted)
        self.wait(0.1)
        self.assertTrue(self.transport.is_aborted)
        self.assert_gone_quietly()

    def test_chunked_rest_closes(self) -> None:
        """Of a chunked body nobody knows the rest: it counts as big."""
        headers = {**FORMATS, "Transfer-Encoding": "chunked"}
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", headers)
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.transport.is_write_closed)
        self.client.send_chunk(b"some")
        self.client.send_chunk(b"")
        self.assertTrue(self.transport.disconnecting)
        self.assert_gone_quietly()

    def test_chunked_body_with_a_request_behind(self) -> None:
        """R31: what follows a chunked body that nobody read is not answered on a closed side."""
        headers = {**FORMATS, "Transfer-Encoding": "chunked"}
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", headers)
        self.client.send(b"1\r\na\r\n0\r\n\r\n" + GET)
        self.assertEqual(len(self.client.responses()), 1)

    def test_nonsense_in_a_rest(self) -> None:
        """A malformed rest of an answered request gets no second answer."""
        headers = {**FORMATS, "Transfer-Encoding": "chunked"}
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", headers)
        self.client.send(b"zz\r\n" + GET)
        self.assertEqual(len(self.client.responses()), 1)
        self.wait(2)
        self.assertTrue(self.transport.is_aborted)
        self.assert_gone_quietly()

    def test_too_much_in_the_middle(self) -> None:
        """C-16: a chunked body over the cap is answered 413 at once, and killed."""
        capped = evolve(self.api.limits, image_size_cap=10)
        api = Api(limits=capped, store=self.memory)
        client = api.connect()
        client.begin("POST", "/v1/images", CHUNKED)
        client.send_chunk(b"x" * 11)
        self.assertEqual(client.response().status, 413)
        self.assertEqual(client.response().header("connection"), "close")
        # What still comes is thrown away, and takes no turn of those whose bodies are read.
        self.assertEqual(api.site.receivers.count, 0)
        self.assertEqual(self.memory._images, {})

    def test_last_bytes_are_too_much(self) -> None:
        """An answer given within the last bytes of a body keeps the connection."""
        self.have_image(b"x")
        put = f"/v1/images/{IMAGE_ID}"
        self.assertEqual(self.client.request("PUT", put, FORMATS, b"hello").status, 409)
        self.assertEqual(self.client.request("GET", "/v1/images").status, 200)

    def test_client_leaves_after_an_early_answer(self) -> None:
        """Nothing is left behind, and nothing logged."""
        for length in (100_000, BIG):
            client = self.api.connect()
            self.assertEqual(self.refuse(client, length), 404)
            self.assert_gone_quietly(client)

    def test_client_half_closes_after_an_early_answer(self) -> None:
        """A client that says it will not send the rest is hung up on."""
        self.refuse(self.client, BIG)
        self.client.close_our_side()
        self.assertTrue(self.transport.disconnecting)

    def test_get_with_a_body(self) -> None:
        """V-24: the body of a GET is ignored, and taken away."""
        self.assertEqual(self.client.request("GET", "/v1/images", None, b"xx").status, 200)
        self.assertEqual(self.client.request("GET", "/v1/images").status, 200)


class MalformedBodyTests(TransportCase):
    """A chunked body that breaks half-way is a failed upload."""

    def test_bad_chunk(self) -> None:
        """§6.8: 400, connection closed, image killed, nothing more heard."""
        self.client.begin("POST", "/v1/images", CHUNKED)
        self.client.send_chunk(b"good")
        self.client.send(b"not hex\r\n" + GET)
        [answer] = self.client.responses()
        self.assertEqual((answer.status, answer.header("connection")), (400, "close"))
        self.assert_killed()
        self.assertTrue(self.transport.is_reading)
        self.client.send(GET)
        self.assertEqual(len(self.client.responses()), 1)
        self.wait(2)
        self.assertTrue(self.transport.is_aborted)

    def test_malformed_in_many_ways(self) -> None:
        """Negative and empty sizes, bare line ends, missing line ends and long size lines."""
        for chunk in (
            b"-1\r\nx",
            b"\r\nx\r\n",
            b"0x1\r\nx\r\n",
            b"+1\r\nx\r\n",
            b"1\nx\r\n\r\n",
            b"1\r\nxyz\r\n",
            b"1;a\nb\r\nx\r\n",
            b"1" * 1100,
        ):
            self.setUp()
            self.client.begin("POST", "/v1/images", CHUNKED)
            self.client.send(chunk + GET)
            [answer] = self.client.responses()
            self.assertEqual(answer.status, 400, chunk)
            self.assert_killed()

    def test_while_the_store_waits(self) -> None:
        """The broken body ends an upload that its store holds up."""
        self.store.on = frozenset({"write"})
        self.client.begin("POST", "/v1/images", CHUNKED)
        self.client.send_chunk(bytes(70_000))
        self.client.send(b"zz\r\n")
        self.store.open_gate()
        self.assertEqual(self.client.response().status, 400)
        self.assert_killed()


class ContinueTests(TransportCase):
    """100 Continue comes when the handler begins to read (contract §1.8)."""

    EXPECT = {"Expect": "100-continue"}

    def test_when_the_handler_reads(self) -> None:
        """It comes once, before the final status."""
        self.store.on = frozenset({"add"})
        self.begin_upload(5, **self.EXPECT)
        self.assertEqual(self.client.written, b"")
        self.store.open_gate()
        self.assertEqual(self.client.written, b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.client.continues, 1)

    def test_refused_without_it(self) -> None:
        """A refused request has its status and no 100, and its body is not waited for."""
        self.client.begin("PUT", f"/v1/images/{IMAGE_ID}", {**FORMATS, **self.EXPECT}, 5)
        self.assertEqual(self.client.response().status, 404)
        self.assertEqual(self.client.continues, 0)
        self.assertEqual(self.client.response().header("connection"), "close")

    def test_client_does_not_wait(self) -> None:
        """A client that sends at once needs no 100."""
        self.store.on = frozenset({"add"})
        self.begin_upload(5, **self.EXPECT)
        self.client.send(b"hel")
        self.store.open_gate()
        self.client.send(b"lo")
        self.assertEqual(self.client.response().status, 201)
        self.assertEqual(self.client.continues, 0)

    def test_chunked(self) -> None:
        """It comes for chunked bodies, too, and in any case of letters."""
        self.client.begin("POST", "/v1/images", {**CHUNKED, "Expect": "100-Continue"})
        self.assertEqual(self.client.continues, 1)

    def test_http_1_0(self) -> None:
        """An HTTP/1.0 client would not understand it."""
        head = post(b"hello").replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nExpect: 100-continue\r\n")
        self.client.send(head)
        self.assertEqual(self.client.written[:12], b"HTTP/1.0 201")
        self.assertTrue(self.transport.disconnecting)

    def test_other_expectations(self) -> None:
        """What else a client expects is ignored."""
        self.begin_upload(5, Expect="miracles")
        self.assertEqual(self.client.written, b"")
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)

    def test_without_a_body(self) -> None:
        """A request without a body has nothing to go on with."""
        self.assertEqual(self.client.request("GET", "/v1/images", self.EXPECT).status, 200)
        self.assertEqual(self.client.continues, 0)


class PipeliningTests(TransportCase):
    """Requests sent ahead are answered one after the other."""

    def statuses(self) -> list[int]:
        return [answer.status for answer in self.client.responses()]

    def test_get_after_post(self) -> None:
        """A GET in the same segment as an upload is answered after it, and sees it."""
        show = b"GET /v1/images/%b HTTP/1.1\r\nHost: h\r\n\r\n" % IMAGE_ID.encode()
        self.client.send(post(b"hello") + show)
        created, got = self.client.responses()
        self.assertEqual((created.status, got.status, got.body), (201, 200, b"hello"))

    def test_two_posts(self) -> None:
        """Two uploads keep their bodies apart."""
        other = IMAGE_ID.replace("1", "2")
        self.client.send(post(b"hello") + post(b"world!", other) + GET)
        self.assertEqual(self.statuses(), [201, 201, 200])
        self.assertEqual(self.memory._images, {IMAGE_ID: b"hello", other: b"world!"})

    def test_behind_a_chunked_post(self) -> None:
        """What follows the last chunk is the next request."""
        self.client.begin("POST", "/v1/images", CHUNKED)
        self.client.send(b"5\r\nhello\r\n0\r\nA-Trailer: x\r\n\r\n" + GET + VERSIONS)
        self.assertEqual(self.statuses(), [201, 200, 200])

    def test_head_of_line(self) -> None:
        """A request waits for the one before it, however long that takes."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello") + GET)
        self.assertEqual(self.client.written, b"")
        self.store.open_gate()
        self.assertEqual(self.statuses(), [201, 200])

    def test_too_much_sent_ahead(self) -> None:
        """Of requests sent ahead only a little is read while one is worked on."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"x"))
        self.client.send(GET * 1000)
        self.assertFalse(self.transport.is_reading)
        self.store.open_gate()
        self.assertEqual(self.statuses(), [201, *[200] * 1000])
        self.assertTrue(self.transport.is_reading)

    def test_followed_by_half_close(self) -> None:
        """All requests of a client that has said everything are answered, then it is left."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello") + VERSIONS * 3 + GET + VERSIONS)
        self.client.close_our_side()
        self.assertFalse(self.transport.disconnecting)
        self.store.open_gate()
        self.assertEqual(self.statuses(), [201, 200, 200, 200, 200, 200])
        self.assertTrue(self.transport.disconnecting)

    def test_followed_by_half_close_in_a_head(self) -> None:
        """A head that will never be complete is not waited for."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello") + GET + b"GET /v1")
        self.client.close_our_side()
        self.store.open_gate()
        self.assertEqual(self.statuses(), [201, 200])
        self.assertTrue(self.transport.disconnecting)
        self.setUp()
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello") + GET[:-2])
        self.client.close_our_side()
        self.store.open_gate()
        self.assertTrue(self.transport.disconnecting)

    def test_followed_by_half_close_in_a_body(self) -> None:
        """A pipelined upload that will never be complete fails."""
        first = IMAGE_ID.replace("1", "2")
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello", first) + post(b"hello")[:-1])
        self.client.close_our_side()
        self.store.open_gate()
        self.assertEqual(self.statuses(), [201, 400])
        self.assertEqual(self.image().status.value, "killed")
        self.assertTrue(self.transport.disconnecting)

    def test_client_that_takes_no_response(self) -> None:
        """The next request waits until the last response is taken: nothing piles up."""
        client = self.api.connect(send_buffer=1000)
        client.send(VERSIONS * 500)
        self.assertLess(len(client.written), 2000)
        self.assertFalse(client.transport.is_reading)
        for _ in range(1000):
            client.transport.taken()
        self.assertEqual(len(client.responses()), 500)
        self.assertTrue(client.transport.is_reading)

    def test_no_responses_pile_up_for_ever(self) -> None:
        """A client that takes no response is cut off after the idle timeout."""
        client = self.api.connect(send_buffer=1000)
        client.send(VERSIONS * 500)
        self.wait(60)
        self.wait(15)
        self.assertTrue(client.transport.is_aborted)

    def test_connection_close(self) -> None:
        """After a request that wants to close, nothing is answered."""
        self.client.send(GET.replace(b"Host", b"Connection: close\r\nHost") + GET)
        [answer] = self.client.responses()
        self.assertEqual(answer.header("connection"), "close")
        self.assertTrue(self.transport.disconnecting)

    def test_http_1_0(self) -> None:
        """HTTP/1.0 connections end after one response, also an early one."""
        self.client.send(GET.replace(b"1.1", b"1.0"))
        self.assertEqual(self.client.written[:12], b"HTTP/1.0 200")
        self.assertTrue(self.transport.disconnecting)
        client = self.api.connect()
        client.send(b"PUT /v1/images/x HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n")
        self.assertEqual(client.written[:12], b"HTTP/1.0 404")
        self.assertTrue(client.transport.is_write_closed)


class LeavingTests(TransportCase):
    """Clients leave at the worst moments: the upload fails once, and nobody logs a traceback."""

    def test_mid_upload(self) -> None:
        """S-01: the image is killed and its bytes removed."""
        self.begin_upload(50)
        self.client.send(b"hello")
        self.assert_gone_quietly()
        self.assert_killed()

    def test_mid_upload_many_bytes(self) -> None:
        """S-01: also when the store has taken some."""
        self.begin_upload(1 << 20)
        self.client.send(bytes(500_000))
        self.assert_gone_quietly()
        self.assert_killed()

    def test_while_paused(self) -> None:
        """The store's work is cancelled, once, when the client vanishes while we let it wait."""
        for moment in ("add", "write"):
            self.setUp()
            self.store.on = frozenset({moment})
            self.begin_upload(1 << 20)
            self.client.send(bytes(200_000))
            self.assertEqual(self.store.waiting, 1)
            self.assert_gone_quietly()
            self.assert_killed()

    def test_when_all_is_in(self) -> None:
        """A client that leaves while the store finishes has not uploaded."""
        self.store.on = frozenset({"add"})
        self.begin_upload(5)
        self.client.send(b"hello")
        self.assert_gone_quietly()
        self.assert_killed()

    def test_mid_download(self) -> None:
        """The store is told to stop; nothing is logged."""
        self.have_image(bytes(4 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        self.assertFalse(client.response().is_whole)
        self.assertLess(len(client.written), 1 << 20)
        self.assert_gone_quietly(client)

    def test_while_the_store_opens_or_reads(self) -> None:
        """A download that waits for the store is cancelled."""
        self.have_image(bytes(4 << 20))
        for moment in ("open", "read"):
            self.store.on = frozenset({moment})
            client = self.api.connect()
            client.begin("GET", f"/v1/images/{IMAGE_ID}")
            self.assertEqual(self.store.waiting, 1)
            self.assert_gone_quietly(client)
            self.assertEqual(self.store.waiting, 0)

    def test_in_a_head(self) -> None:
        """A client may leave at any byte of a request."""
        request = post(b"hello")
        for end in range(len(request) - 1):
            client = self.api.connect()
            client.send(request[:end])
            self.assert_gone_quietly(client)

    def test_half_close_in_a_body(self) -> None:
        """§6.8: a client that ends its side too early gets a 400, and the image is killed."""
        self.begin_upload(50)
        self.client.send(b"hello")
        self.client.close_our_side()
        self.assertEqual(self.client.response().status, 400)
        self.assert_killed()
        self.assertTrue(self.transport.disconnecting)
        self.assert_gone_quietly()

    def test_half_close_while_waiting(self) -> None:
        """A client that has sent all and closed its side still gets its answer."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello"))
        self.client.close_our_side()
        self.client.close_our_side()
        self.store.open_gate()
        self.assertEqual(self.client.response().status, 201)
        self.assertTrue(self.transport.disconnecting)

    def test_half_close_during_a_download(self) -> None:
        """It gets its whole image, too."""
        self.have_image(bytes(1 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        client.close_our_side()
        while client.transport.unsent:
            client.transport.taken()
        self.assertTrue(client.response().is_whole)
        self.assertTrue(client.transport.disconnecting)

    def test_half_close_when_idle(self) -> None:
        """A client that has nothing to say nor to hear is hung up on."""
        self.client.close_our_side()
        self.assertTrue(self.transport.disconnecting)


class TimeTests(TransportCase):
    """Clients may be slow, but not silent; and only clients are cut for it."""

    def assert_cut(self, client: MemoryClient | None = None) -> None:
        transport = (client or self.client).transport
        self.assertTrue(transport.disconnecting)
        self.assert_gone_quietly(client)

    def test_slow_upload_survives(self) -> None:
        """One byte every 20 seconds for 3 hours is an upload."""
        self.begin_upload(540)
        for _ in range(540):
            self.wait(20)
            self.client.send(b"x")
        self.assertEqual(self.client.response().status, 201)

    def test_silent_upload_is_cut(self) -> None:
        """A client that sends nothing for the timeout is cut, and its upload cleaned up."""
        self.begin_upload(50)
        self.client.send(b"hello")
        self.wait(59.9)
        self.assertFalse(self.transport.disconnecting)
        self.wait(0.1)
        self.assert_cut()
        self.assert_killed()

    def test_slow_store_is_not_the_clients_fault(self) -> None:
        """While the store keeps the client waiting its time stands still."""
        self.store.on = frozenset({"write"})
        self.begin_upload(1 << 20)
        sent = self.send_until_paused()
        self.wait(600)
        self.assertFalse(self.transport.disconnecting)
        self.wait(59)
        self.store.open_gate()
        # Its time begins anew when we read on.
        self.wait(59)
        self.assertFalse(self.transport.disconnecting)
        self.client.send(bytes((1 << 20) - sent * 65536))
        self.assertEqual(self.client.response().status, 201)

    def test_waiting_for_continue(self) -> None:
        """A client that waits for its 100 is not silent."""
        self.store.on = frozenset({"add"})
        self.begin_upload(5, Expect="100-continue")
        self.wait(600)
        self.store.open_gate()
        self.wait(59)
        self.client.send(b"hello")
        self.assertEqual(self.client.response().status, 201)

    def test_slow_answer(self) -> None:
        """A client that has sent everything may wait as long as it likes."""
        self.store.on = frozenset({"add"})
        self.client.send(post(b"hello"))
        self.wait(6000)
        self.assertFalse(self.transport.disconnecting)

    def test_slow_head_is_cut(self) -> None:
        """R27: a head has one timeout to come, however steadily it drips."""
        for byte in GET[:30]:
            self.client.send(bytes([byte]))
            self.wait(4)
        self.assert_cut()

    def test_head_in_two_parts(self) -> None:
        """The time of a head begins with its first byte."""
        self.wait(59)
        self.client.send(GET[:10])
        self.wait(59)
        self.client.send(GET[10:])
        self.assertEqual(self.client.response().status, 200)

    def test_body_has_its_own_time(self) -> None:
        """The time of a body begins after the head."""
        request = post(b"hello")
        self.client.send(request[:10])
        self.wait(59)
        self.client.send(request[10:-5])
        self.wait(59)
        self.client.send(request[-5:])
        self.assertEqual(self.client.response().status, 201)

    def test_new_connection_is_cut(self) -> None:
        """Who connects and says nothing is cut."""
        self.assertTrue(self.transport.is_reading)
        self.wait(60)
        self.assert_cut()

    def test_kept_connection_is_cut(self) -> None:
        """After a response the next request has to come in time."""
        self.client.request("GET", "/v1/images")
        self.wait(59)
        self.assertFalse(self.transport.disconnecting)
        self.client.request("GET", "/v1/images")
        self.wait(59)
        self.assertFalse(self.transport.disconnecting)
        self.wait(1)
        self.assert_cut()

    def test_stalled_reader_is_cut(self) -> None:
        """A client that takes nothing of its image for the timeout is cut."""
        self.have_image(bytes(1 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        self.wait(60)
        self.assertTrue(client.transport.is_aborted)
        self.assert_gone_quietly(client)

    def test_slow_reader_survives(self) -> None:
        """One byte every 20 seconds for 3 hours is a download."""
        self.have_image(bytes(1 << 20))
        client = self.api.connect(send_buffer=65536)
        client.begin("GET", f"/v1/images/{IMAGE_ID}")
        for _ in range(540):
            self.wait(20)
            client.transport.taken(1)
        self.assertFalse(client.transport.disconnecting)
        self.wait(60)
        self.wait(60)
        self.assertTrue(client.transport.is_aborted)

    def test_slow_reader_of_a_last_response(self) -> None:
        """A response that is all written counts as taken only when the client took it."""
        for headers in ({}, {"Connection": "close"}):
            client = self.api.connect(send_buffer=100)
            client.begin("GET", "/versions", headers)
            for _ in range(100):
                self.wait(20)
                client.transport.taken(1)
            self.assertFalse(client.transport.is_aborted)
            self.wait(60)
            self.wait(60)
            self.wait(15)
            self.assertTrue(client.transport.is_aborted, headers)
            self.assert_gone_quietly(client)

    def test_no_timeout(self) -> None:
        """A server may be set up to wait for ever."""
        self.api.site.timeOut = None
        client = self.api.connect()
        client.begin("POST", "/v1/images", UPLOAD, 5)
        self.wait(86400)
        client.send(b"hello")
        self.assertEqual(client.response().status, 201)


class ServerHeaderTests(TransportCase):
    """Who answers."""

    def test_names_us(self) -> None:
        """Every response says glancetx and its version."""
        for path in ("/", "/v1/images", "/v1/nope"):
            server = self.api.request("GET", path).header("server")
            self.assertRegex(str(server), r"^glancetx/\d")
