"""What a daemon does about those who want too much of it, on real sockets."""

import select
import socket
import time
from collections import Counter

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from glancetx.identity.token_file import new_token, token_lines
from tests.integration.daemon import (
    FORMATS,
    PATIENCE,
    ask,
    begin_upload,
    eventually,
    folder,
    start,
)
from tests.registry.server import fresh_database

MIB = 1 << 20

#: So small that a client which takes nothing is noticed after few bytes.
SMALL = 4096

IMPATIENT = """
client_header_timeout = 2
client_header_idle_timeout = 1
client_socket_timeout = 3
"""


def connect(port):
    """A connection that reads little at a time; blocks."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", port))
    return connection


def rest_of(connection):
    """All that still comes, until the server ends the connection; blocks."""
    found = b""
    with connection:
        try:
            while data := connection.recv(65536):
                found += data
        except ConnectionError:
            pass
    return found


def is_cut(connection):
    """Whether the server has broken it off, whatever there still is to read."""
    watch = select.poll()
    watch.register(connection, 0)
    return bool(watch.poll(0))


def drip(port):
    """What is answered to a head that comes byte by byte, without end; blocks."""
    connection = connect(port)
    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    connection.settimeout(0.3)
    while True:
        try:
            return connection.recv(65536) + rest_of(connection)
        except TimeoutError:
            connection.sendall(b"x")


def fall_silent(port, sent):
    """What is answered to a request that does not go on; blocks."""
    connection = connect(port)
    connection.sendall(sent)
    return rest_of(connection)


class SlowClientTests(TestCase):
    """Clients that hold connections open, and servers that would let them."""

    timeout = 120

    async def test_slow_clients(self):
        """R27: each is cut in its time, all at once, and leaves nothing; others are served."""
        config = folder(self) / "glance.toml"
        config.write_text(IMPATIENT)
        daemon = await start(self, "--config", config, "--registry", "memory:")
        image_id = await daemon.reserve()
        await daemon.ask("PUT", f"/v1/images/{image_id}", FORMATS, bytes(32 * MIB))
        pending = await daemon.reserve()
        fields = {**FORMATS, "Host": "h", "Content-Length": 32 * MIB}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        upload = f"PUT /v1/images/{pending} HTTP/1.1\r\n{head}\r\nhello".encode()
        download = f"GET /v1/images/{image_id} HTTP/1.1\r\nHost: h\r\n\r\n".encode()

        stalled = await deferToThread(connect, daemon.port)
        stalled.sendall(download)
        clients = gatherResults(
            [
                deferToThread(drip, daemon.port),
                deferToThread(fall_silent, daemon.port, b"GET / HTTP/1.1\r\nHost:"),
                deferToThread(fall_silent, daemon.port, b""),
                deferToThread(fall_silent, daemon.port, upload),
            ]
        )
        self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 200)
        dripped, half, nothing, uploaded = await clients
        self.assertIn(b"408 Request Timeout", dripped)
        self.assertIn(b"408 Request Timeout", half)
        self.assertEqual((nothing, uploaded), (b"", b""))
        await daemon.becomes(pending, "killed")
        # It reads nothing, and is cut all the same.
        await eventually(lambda: is_cut(stalled))
        stalled.close()
        await eventually(lambda: len(daemon.files()) == 1)
        daemon.assert_quiet()

    async def test_too_many_connections(self):
        """One too many is told when to come again; when others have left it is served."""
        config = folder(self) / "glance.toml"
        config.write_text("max_connections_per_address = 8\n")
        daemon = await start(self, "--config", config, "--registry", "memory:")
        idle = [await deferToThread(connect, daemon.port) for _ in range(8)]
        # A connection is there when its first request was answered.
        for each in idle:
            each.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertIn(b" 200 ", await deferToThread(each.recv, 4096))
        refused = await deferToThread(fall_silent, daemon.port, b"")
        self.assertIn(b"503 Service Unavailable\r\nRetry-After: 5\r\n", refused)
        for each in idle:
            each.close()

        async def is_served():
            return (await daemon.ask("GET", "/v1/images")).status == 200

        await eventually(is_served)
        daemon.assert_quiet()


class EnoughTests(TestCase):
    """What the daemon is meant for."""

    timeout = 180

    async def test_defaults(self):
        """A thousand idle clients of one address, and 64 transfers at once, meet no limit."""
        daemon = await start(self, "--registry", "memory:")
        before = daemon.memory()
        idle = await deferToThread(idle_connections, daemon.port, 1000)
        self.assertLess((daemon.memory() - before) / 1000, 64 << 10)
        ids = [await daemon.reserve() for _ in range(64)]
        uploads = [
            await deferToThread(begin_upload, daemon, each, size=2 * MIB, sent=MIB) for each in ids
        ]
        await gatherResults([ensureDeferred(daemon.becomes(each, "saving")) for each in ids])
        for each in uploads:
            each.sendall(bytes(MIB))
            self.assertIn(b" 200 ", await deferToThread(each.recv, 65536))
            each.close()
        # In a thread, for what the daemon logs has to be read meanwhile.
        await deferToThread(ask_all, idle)
        daemon.assert_quiet()


def ask_all(connections):
    """One more request on each, which then is closed; blocks."""
    for each in connections:
        each.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
        if b" 200 " not in each.recv(4096):
            raise AssertionError("a client was not served")
        each.close()


def idle_connections(port, number):
    """So many connections that are kept after a first request; blocks."""
    found = []
    for _ in range(number):
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        connection.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
        if b" 200 " not in connection.recv(4096):
            raise AssertionError("a client was not served")
        found.append(connection)
    return found


class RateTests(TestCase):
    """How often a project may ask."""

    timeout = 120

    async def test_retry_after(self):
        """429 tells when to come again, which is long enough; others and health are not touched."""
        place = folder(self)
        demo, other = new_token(), new_token()
        tokens = place / "tokens.toml"
        tokens.write_text(
            token_lines(demo, "alice", "demo", ["member"])
            + "\n"
            + token_lines(other, "bob", "other", ["member"])
        )
        config = place / "glance.toml"
        config.write_text("request_rate = 0.5\nrequest_burst = 5\n")
        options = ("--config", config, "--auth", f"tokens:{tokens}", "--registry", "memory:")
        daemon = await start(self, *options)

        def storm():
            """Ask until it is too often, and then again when it was said; blocks."""
            number, answer = 0, ask(daemon.port, "GET", "/v1/images", {"X-Auth-Token": demo})
            while answer.status == 200 and number < 100:
                answer = ask(daemon.port, "GET", "/v1/images", {"X-Auth-Token": demo})
                number += 1
            seconds = int(answer.headers["retry-after"])
            time.sleep(seconds)
            again = ask(daemon.port, "GET", "/v1/images", {"X-Auth-Token": demo})
            return number, answer, seconds, again.status

        number, answer, seconds, again = await deferToThread(storm)
        self.assertEqual((answer.status, again), (429, 200))
        self.assertGreaterEqual(number, 5)
        self.assertIn(seconds, (1, 2))
        self.assertIn(f"Try again in {seconds} seconds", answer.body.decode())
        for token, status in ((other, 200), ("nobody", 401)):
            answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
            self.assertEqual(answer.status, status)
        for _ in range(20):
            self.assertEqual((await daemon.ask("GET", "/healthcheck")).status, 200)
        daemon.assert_quiet()


class SharedRateTests(TestCase):
    """Two workers count together."""

    timeout = 180

    async def test_two_workers(self):
        """Over however many connections, a project has its burst once (R21)."""
        place = folder(self)
        token = new_token()
        tokens = place / "tokens.toml"
        tokens.write_text(token_lines(token, "alice", "demo", ["member"]))
        config = place / "glance.toml"
        config.write_text("request_rate = 0.001\nrequest_burst = 40\n")
        options = ("--config", config, "--auth", f"tokens:{tokens}", "--workers", "2")
        daemon = await start(self, *options)
        answers = await gatherResults(
            [daemon.ask("GET", "/v1/images", {"X-Auth-Token": token}) for _ in range(80)]
        )
        counts = Counter(each.status for each in answers)
        # Two workers that count in the same instant may count one request for both.
        self.assertTrue(40 <= counts[200] <= 44, counts)
        self.assertEqual(counts[200] + counts[429], 80)
        daemon.signal("HUP")
        await daemon.says("all workers have been succeeded")
        answer = await daemon.ask("GET", "/v1/images", {"X-Auth-Token": token})
        self.assertEqual(answer.status, 429)
        daemon.assert_quiet()


class CountTests(TestCase):
    """How many images an owner may have, when daemons race."""

    timeout = 120

    async def test_two_daemons(self):
        """R21: of 40 who create images through two daemons so many win as may, and no one more."""
        place = folder(self)
        config = place / "glance.toml"
        config.write_text("image_count_total = 12\n")
        registry = f"postgres:{await fresh_database(self)}"
        store = f"file:{place / 'images'}"
        options = ("--config", config, "--registry", registry, "--store", store)
        daemons = [await start(self, *options) for _ in range(2)]
        asked = [daemon.ask("POST", "/v1/images") for _ in range(20) for daemon in daemons]
        answers = await gatherResults(asked)
        self.assertEqual(Counter(each.status for each in answers), {201: 12, 413: 28})
        refused = next(each for each in answers if each.status == 413)
        self.assertIn(b"number of allowed images. Attempted: 13, Maximum: 12", refused.body)
        listed = (await daemons[0].ask("GET", "/v1/images?is_public=None")).json["images"]
        self.assertEqual(len(listed), 12)
        path = f"/v1/images/{listed[0]['id']}"
        self.assertEqual((await daemons[0].ask("DELETE", path)).status, 200)
        self.assertEqual((await daemons[1].ask("POST", "/v1/images")).status, 201)
        for daemon in daemons:
            daemon.assert_quiet()
