"""Tests of what may come as a head (contract §1.8, R31): never two answers to one of doubt."""

from __future__ import annotations

from glancetx.web.framing import StrictChannel
from tests.web.case import IMAGE_ID, TransportCase

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


class FramingCase(TransportCase):
    def head(self, *lines: bytes, request: bytes = b"GET /versions HTTP/1.1") -> bytes:
        return b"\r\n".join([request, b"Host: h", *lines]) + b"\r\n\r\n"

    def assert_refused(self, data: bytes, status: int = 400) -> None:
        """One bare answer, our side closed, nothing more heard, and soon a reset."""
        client = self.api.connect()
        client.send(data + SMUGGLED)
        client.send(SMUGGLED)
        [answer] = client.responses()
        self.assertEqual(answer.status, status, data[:200])
        self.assertEqual(answer.header("connection"), "close")
        self.assertEqual(answer.header("content-length"), "0")
        self.assertTrue(client.transport.is_write_closed)
        self.wait(2)
        self.assertTrue(client.transport.is_aborted)
        self.assert_gone_quietly(client)

    def assert_accepted(self, data: bytes, *statuses: int) -> None:
        client = self.api.connect()
        client.send(data)
        answers = [answer.status for answer in client.responses()]
        self.assertEqual(answers, list(statuses), data[:200])
        client.disconnect()


class LastRequestTests(FramingCase):
    """After a request that ends its connection nothing is one (R31)."""

    def test_close(self) -> None:
        """Whatever else the client says of the connection, and in whatever order."""
        for fields in (
            [b"Connection: close"],
            [b"Connection: CLOSE"],
            [b"Connection: close, te"],
            [b"Connection: te,close"],
            [b"Connection: te", b"Connection:\tclose"],
        ):
            client = self.api.connect()
            client.send(self.head(*fields) + SMUGGLED)
            [answer] = client.responses()
            self.assertEqual(answer.header("connection"), "close", fields)
            client.disconnect()

    def test_others(self) -> None:
        """Other options, and those that look like it, end nothing."""
        for option in (b"keep-alive", b"closed", b"x-close", b""):
            self.assert_accepted(self.head(b"Connection: " + option) + self.head(), 200, 200)


class TrailerTests(FramingCase):
    """What comes behind the last chunk (R31)."""

    def chunked(self, trailers: bytes) -> bytes:
        request = b"PUT /v1/images/%b" % IMAGE_ID.encode()
        head = self.head(b"Transfer-Encoding: chunked", request=request + b"/members/m HTTP/1.1")
        return head + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n"

    def test_fields(self) -> None:
        """Fields are read and forgotten, whatever they are called."""
        for trailers in (b"", b"A: b\r\n", b"Content-Length: 5\r\nA:\r\n"):
            self.assert_accepted(self.chunked(trailers) + self.head(), 404, 200)

    def test_no_fields(self) -> None:
        """Anything else might be the end of the body to somebody before us."""
        for trailers in (
            b"A: b\n\nGET /smuggled HTTP/1.1\r\n",
            b"A: b\n\r\n",
            b"A: b\rc\r\n",
            b"A: \x00\r\n",
            b"A : b\r\n",
            b" folded\r\n",
            b"no colon\r\n",
        ):
            client = self.api.connect()
            client.send(self.chunked(trailers) + SMUGGLED)
            self.assertEqual([each.status for each in client.responses()], [400], trailers)
            self.assertTrue(client.transport.is_write_closed)
            client.disconnect()


class LimitTests(FramingCase):
    """A head has its limits."""

    def test_number_of_fields(self) -> None:
        """1,000 fields are accepted, one more is not."""
        fields = [b"a%d: x" % number for number in range(999)]
        self.assert_accepted(self.head(*fields), 200)
        self.assert_refused(self.head(*fields, b"b: x"))

    def test_fields_are_counted_anew(self) -> None:
        """The limits are those of each request."""
        fields = [b"a%d: x" % number for number in range(999)]
        self.assert_accepted(self.head(*fields) * 3, 200, 200, 200)

    def test_size_of_a_line(self) -> None:
        """16,384 bytes of a line are accepted, one more is not."""
        self.assert_accepted(self.head(b"a: " + b"x" * 16381), 200)
        self.assert_refused(self.head(b"a: " + b"x" * 16382))
        self.assert_refused(self.head(b"a: " + b"x" * 100_000))

    def test_line_without_end(self) -> None:
        """A line that never ends is refused when it is too long, not when memory is."""
        self.client.send(b"GET / HTTP/1.1\r\nHost: h\r\na: ")
        for _ in range(20):
            self.client.send(b"x" * 1000)
        self.assertEqual(self.client.response().status, 400)

    def test_size_of_all_lines(self) -> None:
        """64 KiB of head are accepted, more is not (R28)."""
        lines = [b"a: " + b"x" * 16000] * 4
        so_far = sum(map(len, lines)) + len(b"GET /versions HTTP/1.1Host: h")
        room = 65536 - so_far
        self.assert_accepted(self.head(*lines, b"b: " + b"x" * (room - 3)), 200)
        self.assert_refused(self.head(*lines, b"b: " + b"x" * (room - 2)))

    def test_size_of_a_request_line(self) -> None:
        """8,192 bytes of request line are accepted; more is 414."""
        room = 8192 - len("GET /versions/ HTTP/1.1")
        self.assert_accepted(self.head(request=b"GET /versions/%b HTTP/1.1" % (b"x" * room)), 200)
        self.assert_refused(
            self.head(request=b"GET /versions/%b HTTP/1.1" % (b"x" * (room + 1))), 414
        )
        self.assert_refused(b"GET /" + b"x" * 100_000, 414)

    def test_many_empty_lines(self) -> None:
        """One empty line before a request is tolerated; a flood of them costs nothing."""
        self.assert_accepted(b"\r\n" + self.head(), 200)
        self.assert_refused(b"\r\n" * 100_000)
        self.client.send(b"\r\n" * 100_000)
        [channel] = self.api.site._channels
        self.assertEqual(channel._buffer, b"")


class AmbiguityTests(FramingCase):
    """What a proxy before us might read differently is refused."""

    def test_two_lengths(self) -> None:
        """Also two that are alike."""
        for second in (b"5", b"6"):
            self.assert_refused(self.head(b"Content-Length: 5", b"Content-Length: " + second))

    def test_length_and_chunked(self) -> None:
        """In either order."""
        lines = [b"Content-Length: 5", b"Transfer-Encoding: chunked"]
        self.assert_refused(self.head(*lines))
        self.assert_refused(self.head(*reversed(lines)))

    def test_two_encodings(self) -> None:
        """Chunked once, and no other."""
        self.assert_refused(self.head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"))
        for encoding in (b"gzip", b"gzip, chunked", b"chunked, identity", b"xchunked", b""):
            self.assert_refused(self.head(b"Transfer-Encoding: " + encoding))

    def test_no_encoding(self) -> None:
        """R31: what is no encoding says so in vain: beside a length, some read the length only."""
        for encoding in (b"identity", b"Identity"):
            field = b"Transfer-Encoding: " + encoding
            self.assert_refused(self.head(field))
            self.assert_refused(self.head(field, b"Content-Length: 5"))
            self.assert_refused(self.head(b"Content-Length: 5", field))

    def test_bad_lengths(self) -> None:
        """A length is a number in plain digits."""
        for length in (b"-1", b"+5", b"abc", b"5.0", b"0x5", b"5, 5", b"", b"5 5", b"\xb2", b"1_0"):
            self.assert_refused(self.head(b"Content-Length: " + length))

    def test_endless_length(self) -> None:
        """A number of thousands of digits is refused, and fails nobody."""
        self.assert_refused(self.head(b"Content-Length: " + b"9" * 5000))

    def test_folded_lines(self) -> None:
        """Obsolete folding, also right behind the request line."""
        self.assert_refused(self.head(b"a: b", b" c"))
        self.assert_refused(self.head(b"Transfer-Encoding:", b"\tchunked"))
        self.assert_refused(b"GET / HTTP/1.1\r\n Host: h\r\n\r\n")

    def test_control_characters(self) -> None:
        """NUL and bare line ends within a line."""
        for byte in (b"\x00", b"\n", b"\r"):
            self.assert_refused(self.head(b"a: b" + byte + b"c"))
            self.assert_refused(self.head(b"a" + byte + b"b: c"))
            self.assert_refused(self.head(request=b"GET /" + byte + b" HTTP/1.1"))
        self.assert_refused(self.head(b"a: b\nContent-Length: 5"))

    def test_bad_names(self) -> None:
        """A name has no blanks, not even before the colon, and there is a colon."""
        for line in (b"Content-Length : 5", b"no colon", b": x", b"a b: c", b"\xff: x"):
            self.assert_refused(self.head(line))

    def test_bad_request_lines(self) -> None:
        """Three words, of which the last is HTTP/1.0 or HTTP/1.1."""
        for line in (
            b"GET",
            b"GET /",
            b"GET / HTTP/2.0",
            b"GET  / HTTP/1.1",
            b"G(T / HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"GET / http/1.1",
        ):
            self.assert_refused(self.head(request=line))

    def test_first_bad_line_decides(self) -> None:
        """What comes after a refused line is not acted upon."""
        self.assert_refused(
            self.head(
                b"bad",
                b"x-image-meta-id: " + IMAGE_ID.encode(),
                request=b"POST /v1/images HTTP/1.1",
            )
        )
        self.assertEqual(self.api.request("GET", "/v1/images").body, b'{"images": []}')

    def test_after_a_good_request(self) -> None:
        """The answer to a good request is not disturbed by a bad one behind it."""
        self.client.send(self.head() + b"bad\r\n" + SMUGGLED)
        self.assertEqual([answer.status for answer in self.client.responses()], [200, 400])

    def test_client_leaves_when_refused(self) -> None:
        """No timer stays."""
        self.client.send(b"bad\r\n")
        self.client.close_our_side()
        self.assertTrue(self.transport.disconnecting)
        self.assert_gone_quietly()


class TwistedTests(FramingCase):
    """What we override is still there in this Twisted."""

    def test_private_names(self) -> None:
        """A Twisted that renames one of these would ignore what we say."""
        from twisted.web.http import HTTPChannel

        for name in (
            "_maybeChooseTransferDecoder",
            "_failChooseTransferDecoder",
            "_respondToBadRequestAndDisconnect",
            "_receivedHeaderSize",
            "_savedTimeOut",
            "_send100Continue",
            "_waitingForTransport",
            "_optimisticEagerReadSize",
            "_busyReceiving",
            "_buffer",
        ):
            self.assertTrue(hasattr(HTTPChannel, name), name)
        channel = HTTPChannel()
        for name in ("_dataBuffer", "_handlingRequest"):
            self.assertTrue(hasattr(channel, name), name)
        self.assertTrue(issubclass(StrictChannel, HTTPChannel))
