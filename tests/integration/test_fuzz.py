"""Twenty thousand requests that make little sense."""

import os
import random
import re
import socket
import string
import time

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import FORMATS, eventually, start

REQUESTS = 20_000
CONNECTIONS = 8
MIB = 1 << 20

METHODS = "GET HEAD POST PUT DELETE PATCH OPTIONS TRACE get BREW".split()
WORDS = ["", "0", "-1", "1e9", "9" * 30, "None", "True", "raw", "bare", "nul\0l", "a b", "ü", "�"]
META = (
    "id name size checksum status owner is_public protected min_disk min_ram disk_format store "
    "container_format deleted created_at location virtual_size property-a property- property"
).split()
FIELDS = (
    "Content-Type Accept Range If-Range Expect User-Agent X-Auth-Token X-Openstack-Request-Id "
    "x-glance-registry-purge-props x-glance-api-copy-from Host Connection Content-Encoding Via"
).split()
PARAMETERS = "limit marker is_public sort_key sort_dir changes-since name size_min _method".split()


class Sender:
    """Makes up requests, all of them from one seed."""

    def __init__(self, seed, images):
        self.random = random.Random(seed)
        self.images = images

    def request(self):
        """The bytes of one request, which may be torn or not HTTP at all."""
        chance = self.random.random()
        if chance < 0.02:
            return self.random.randbytes(self.random.randrange(1, 300))
        body = self.random.randbytes(self.random.choice([0, 1, 10, 5000]))
        lines = [b"%s %s %s" % (self._method(), self._target(), self._version())]
        lines += [self._field() for _ in range(self.random.choice([0, 0, 1, 1, 2, 4]))]
        lines += self._usual_fields()
        framing, body = self._framed(body)
        head = b"\r\n".join([*lines, *framing]) + b"\r\n\r\n"
        return head + body

    def _method(self):
        return self.random.choice(METHODS[:5] * 4 + METHODS).encode()

    def _version(self):
        return self.random.choice([b"HTTP/1.1"] * 20 + [b"HTTP/1.0", b"HTTP/3", b"", b"FTP/1.1"])

    def _target(self):
        path = self.random.choice(
            [
                "/v1/images",
                "/v1/images/detail",
                f"/v1/images/{self.random.choice(self.images)}",
                f"/v1/images/{self.random.choice(self.images)}",
                f"/v1/images/{self._text()}",
                f"/{self._text()}/{self._text()}",
                "/versions",
                "/v1",
                "*",
                "http://other/v1/images",
            ]
        ).encode("utf-8", "replace")
        if self.random.random() < 0.3:
            query = "&".join(
                f"{self.random.choice(PARAMETERS)}={self._text()}"
                for _ in range(self.random.randrange(1, 4))
            )
            path += b"?" + query.encode()
        return path

    def _usual_fields(self):
        if self.random.random() < 0.5:
            return [b"Host: glance"]
        return [b"Host: glance", *(f"{k}: {v}".encode() for k, v in FORMATS.items())]

    def _field(self):
        chance = self.random.random()
        if chance < 0.6:
            name = f"x-image-meta-{self.random.choice(META)}".encode()
        elif chance < 0.95:
            name = self.random.choice(FIELDS).encode()
        else:
            return self.random.choice(
                [b": empty", b"no colon", b" folded", b"\xff\xfe: \xff", b"a b: c"]
            )
        return name + self.random.choice([b": ", b":"]) + self._value()

    def _value(self):
        chance = self.random.random()
        if chance < 0.2:
            return bytes(self.random.choice(range(128, 256)) for _ in range(10))
        if chance < 0.25:
            return b"x" * self.random.choice([300, 5000, 20000])
        if chance < 0.35:
            return self.random.choice([b"bytes=0-0", b"bytes=5-1", b"bytes=-0", b"bytes=a-b,1-2"])
        return self._text().encode("utf-8").replace(b"\0", b"")

    def _text(self):
        if self.random.random() < 0.5:
            return self.random.choice(WORDS)
        if self.random.random() < 0.3:
            return "".join(f"%{self.random.randrange(256):02X}" for _ in range(4))
        letters = string.ascii_letters + string.digits + "-_.~%+/:;=&"
        return "".join(self.random.choices(letters, k=self.random.randrange(1, 40)))

    def _framed(self, body):
        """Fields that say how long a body is, and the body; some of them lie."""
        chance = self.random.random()
        if chance < 0.35:
            return [], b""
        if chance < 0.65:
            return [b"Content-Length: %d" % len(body)], body
        if chance < 0.85:
            return [b"Transfer-Encoding: chunked"], b"%x\r\n%b\r\n0\r\n\r\n" % (
                len(body) or 0,
                body,
            )
        if chance < 0.9:
            return [b"Content-Length: %d" % (len(body) + 7)], body
        lie = self.random.choice([b"-1", b"+5", b"5, 6", b"0x10", b"9" * 40, b"", b"\xff"])
        return self.random.choice(
            [
                ([b"Content-Length: " + lie], body),
                ([b"Transfer-Encoding: chunked"], lie + b"\r\n" + body),
                ([b"Transfer-Encoding: chunked"], b"ffffffffffffffffffff\r\n" + body),
                ([b"Transfer-Encoding: " + lie], body),
                ([b"Transfer-Encoding: chunked", b"Content-Length: 3"], body),
            ]
        )


def converse(port, seed, images, requests):
    """
    Send this many requests, over one connection as long as it lasts; blocks.

    Returns the status lines that came, and the requests that got neither an answer nor a close.
    """
    sender = Sender(seed, images)
    statuses, unanswered = [], []
    connection = None
    for _ in range(requests):
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        request = sender.request()
        answer = b""
        try:
            connection.sendall(request)
            connection.settimeout(0.02)
            answer = _receive(connection)
            if not answer:
                # It may be waiting for the rest of a request: there will be none.
                connection.settimeout(10)
                connection.shutdown(socket.SHUT_WR)
                answer = _receive(connection, to_the_end=True)
                raise ConnectionResetError
            if sender.random.random() < 0.1 or b"onnection: close" in answer:
                raise ConnectionResetError
            connection.settimeout(10)
        except TimeoutError:
            unanswered.append(request)
            connection.close()
            connection = None
        except OSError:
            connection.close()
            connection = None
        statuses += re.findall(rb"^HTTP/1\.[01] (\d{3})", answer, re.MULTILINE)
    if connection is not None:
        connection.close()
    return statuses, unanswered


def _receive(connection, to_the_end=False):
    """What comes at once, or until the other side closes."""
    received = b""
    while True:
        try:
            data = connection.recv(65536)
        except TimeoutError:
            if to_the_end:
                raise
            return received
        received += data
        if not data or not to_the_end:
            return received


class FuzzTests(TestCase):
    """Whatever clients send."""

    timeout = 180

    async def test_nonsense(self):
        """There is always an answer or a close, never a 5xx, and everything goes on as before."""
        seed = int(os.environ.get("GLANCE_FUZZ_SEED", time.time_ns() % 10**9))
        print(f"GLANCE_FUZZ_SEED={seed}", flush=True)
        daemon = await start(self)
        images = [await daemon.reserve() for _ in range(50)]
        idle = daemon.memory()
        began = time.monotonic()
        conversations = await gatherResults(
            [
                deferToThread(converse, daemon.port, seed + n, images, REQUESTS // CONNECTIONS)
                for n in range(CONNECTIONS)
            ]
        )
        took = time.monotonic() - began
        statuses = [int(status) for each, _ in conversations for status in each]
        unanswered = [request for _, each in conversations for request in each]
        counts = {status: statuses.count(status) for status in sorted(set(statuses))}
        grown = daemon.memory() - idle
        print(f"{took:.0f} s, {counts}, memory +{grown / MIB:.0f} MiB", flush=True)
        self.assertEqual(unanswered, [])
        daemon.assert_quiet()
        # 501 is the right word for a method that nobody knows.
        self.assertEqual({status for status in counts if status >= 500} - {501, 505}, set())
        self.assertGreater(len(statuses), REQUESTS // 2)
        self.assertGreater(counts[200] + counts[201], REQUESTS // 50)
        self.assertLess(grown, 64 * MIB)
        await eventually(lambda: self.nothing_is_saving(daemon))
        image_id = await daemon.reserve()
        answer = await daemon.ask("PUT", f"/v1/images/{image_id}", FORMATS, b"sense")
        self.assertEqual(answer.json["image"]["status"], "active")
        self.assertEqual(await daemon.stop(), 0)

    async def nothing_is_saving(self, daemon):
        """Whether no image of any owner is half way in."""
        path, marker = "/v1/images/detail?is_public=None&limit=1000", ""
        while True:
            answer = await daemon.ask("GET", path + marker)
            page = answer.json["images"]
            if any(image["status"] == "saving" for image in page):
                return False
            if len(page) < 1000:
                return True
            marker = f"&marker={page[-1]['id']}"
