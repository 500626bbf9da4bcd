"""Tests over real sockets: what curl, requests and http.client see of us, plain and with TLS."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from attrs import evolve, frozen
from twisted.internet.threads import deferToThread

from tests.web.api import FORMATS, Api
from tests.web.case import IMAGE_ID, UPLOAD
from tests.web.network import TEN_GIB, EndlessBody, NetworkCase, reactor

MIB = 1 << 20


@frozen
class Seen:
    """What a client saw: the status, after so many bytes and seconds."""

    status: int
    sent: int
    seconds: float


def by_http_client(method: str, url: str, headers: dict[str, str]) -> Seen:
    """A client that sends first, and reads when it has sent or cannot send."""
    parts, body, started = urlsplit(url), EndlessBody(), time.monotonic()
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    sized = {**headers, "Content-Length": str(TEN_GIB)}
    try:
        connection.request(method, parts.path, body, sized)
    except OSError:
        pass
    status = connection.getresponse().status
    connection.close()
    return Seen(status, body.sent, time.monotonic() - started)


def by_requests(method: str, url: str, headers: dict[str, str]) -> Seen:
    """As python-glanceclient sends: chunked."""
    body, started = EndlessBody(), time.monotonic()
    response = requests.request(method, url, data=iter(body), headers=headers, timeout=30)
    return Seen(response.status_code, body.sent, time.monotonic() - started)


def by_curl(*options: str) -> Callable[[str, str, dict[str, str]], Seen]:
    """Curl, which reads while it sends; its body is a hole of 10 GiB in standard input."""

    def send(method: str, url: str, headers: dict[str, str]) -> Seen:
        command = [
            "curl",
            "-sk",
            "-o",
            "/dev/null",
            "-X",
            method,
            "-w",
            "%{http_code} %{size_upload}",
        ]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        started = time.monotonic()
        result = subprocess.run(
            [*command, *options, "-T", "-", url],
            stdin=open("/dev/zero", "rb"),  # noqa: SIM115
            capture_output=True,
            timeout=30,
            text=True,
        )
        status, sent = result.stdout.split()
        return Seen(int(status), int(sent), time.monotonic() - started)

    return send


SIZED = ("-H", f"Content-Length: {TEN_GIB}", "-H", "Transfer-Encoding:")
NO_EXPECT = ("-H", "Expect:")
CLIENTS = {
    "http.client": by_http_client,
    "requests": by_requests,
    "curl": by_curl(*SIZED, *NO_EXPECT),
    "curl, chunked": by_curl(*NO_EXPECT),
}


class EarlyAnswerTests(NetworkCase):
    """Clients see an early answer, and do not send 10 GiB for it."""

    async def all_see(self, status: int, method: str, path: str, headers: dict[str, str]) -> None:
        for name, client in CLIENTS.items():
            seen = await deferToThread(client, method, self.url + path, headers)
            self.assertEqual(seen.status, status, name)
            self.assertLess(seen.sent, 64 * MIB, name)
            self.assertLess(seen.seconds, 10, name)

    async def test_not_found(self) -> None:
        """PUT of an image that does not exist."""
        await self.all_see(404, "PUT", f"/v1/images/{IMAGE_ID}", FORMATS)

    async def test_conflict(self) -> None:
        """POST of an image that exists."""
        client = self.api.connect()
        self.assertEqual(client.request("POST", "/v1/images", UPLOAD, b"x").status, 201)
        client.disconnect()
        await self.all_see(409, "POST", "/v1/images", UPLOAD)

    async def test_too_large(self) -> None:
        """A chunked body beyond the cap: 413 in the middle of it."""
        self.api.site.resource = Api(
            clock=reactor, limits=evolve(self.api.limits, image_size_cap=3 * MIB)
        ).site.resource
        for name in ("requests", "curl, chunked"):
            seen = await deferToThread(CLIENTS[name], "POST", f"{self.url}/v1/images", FORMATS)
            self.assertEqual(seen.status, 413, name)
            self.assertLess(seen.sent, 64 * MIB, name)
            self.assertLess(seen.seconds, 10, name)

    async def test_expect_continue(self) -> None:
        """Who asks first sends nothing at all."""
        for options in (SIZED, ()):
            curl = by_curl(*options, "-H", "Expect: 100-continue", "--expect100-timeout", "20")
            seen = await deferToThread(curl, "PUT", f"{self.url}/v1/images/{IMAGE_ID}", FORMATS)
            self.assertEqual((seen.status, seen.sent), (404, 0))
            self.assertLess(seen.seconds, 5)


class TransferTests(NetworkCase):
    """Whole images over real sockets, with and without TLS."""

    DATA = bytes(range(256)) * (32 * MIB // 256)

    async def round_trip(self, url: str) -> None:
        data, image = self.DATA, f"{url}/v1/images/{IMAGE_ID}"

        def transfer() -> None:
            with requests.Session() as session:
                session.trust_env = session.verify = False
                chunks = (data[i : i + MIB] for i in range(0, len(data), MIB))
                created = session.post(f"{url}/v1/images", data=chunks, headers=UPLOAD)
                assert created.status_code == 201, created.text
                got = session.get(image)
                assert got.headers["etag"] == hashlib.md5(data).hexdigest()
                assert got.content == data
                part = session.get(image, headers={"Range": f"bytes={MIB - 5}-{MIB + 4}"})
                assert (part.status_code, part.content) == (206, data[MIB - 5 : MIB + 5])
                assert session.get(f"{url}/versions").headers["server"].startswith("glancetx/")

        await deferToThread(transfer)

    async def test_plain(self) -> None:
        """Up, down and a part, over one connection."""
        await self.round_trip(self.url)

    async def test_tls(self) -> None:
        """The same over TLS."""
        await self.round_trip(self.listen_tls())

    async def test_curl_waits_for_continue(self) -> None:
        """Curl asks before it sends, is told to go on, and its image arrives."""
        for url in (self.url, self.listen_tls()):
            command = [
                "curl",
                "-sk",
                "-X",
                "POST",
                "--data-binary",
                "@-",
                "-w",
                "%{http_code}",
                "-o",
                "/dev/null",
                "-H",
                "Expect: 100-continue",
                "--expect100-timeout",
                "20",
            ]
            for name, value in FORMATS.items():
                command += ["-H", f"{name}: {value}"]
            started = time.monotonic()
            result = await deferToThread(
                subprocess.run,
                [*command, f"{url}/v1/images"],
                input=bytes(5 * MIB),
                capture_output=True,
                timeout=30,
            )
            self.assertEqual(result.stdout, b"201", result)
            self.assertLess(time.monotonic() - started, 10)


class TlsTests(NetworkCase):
    """What TLS adds."""

    async def test_early_answer(self) -> None:
        """Curl sees an early answer to a body of 10 GiB."""
        url = f"{self.listen_tls()}/v1/images/{IMAGE_ID}"
        for options in ((*SIZED, *NO_EXPECT), NO_EXPECT):
            seen = await deferToThread(by_curl(*options), "PUT", url, FORMATS)
            self.assertEqual(seen.status, 404)
            self.assertLess(seen.sent, 64 * MIB)
            self.assertLess(seen.seconds, 10)

    async def test_early_answer_to_a_small_body(self) -> None:
        """Clients that send first see it, too, and keep their connection."""
        url = f"{self.listen_tls()}/v1/images/{IMAGE_ID}"

        def put() -> None:
            with requests.Session() as session:
                session.trust_env = session.verify = False
                for _ in range(3):
                    assert session.put(url, data=bytes(MIB), headers=FORMATS).status_code == 404

        await deferToThread(put)
        self.assertLessEqual(len(self.api.site._channels), 1)

    async def test_no_http_2(self) -> None:
        """HTTP/1.1 is what we agree to speak."""
        parts = urlsplit(self.listen_tls())

        def agreed() -> str | None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2", "http/1.1"])
            address: Any = (parts.hostname, parts.port)
            with socket.create_connection(address) as plain, context.wrap_socket(plain) as secure:
                return secure.selected_alpn_protocol()

        self.assertEqual(await deferToThread(agreed), "http/1.1")

    async def test_client_vanishes(self) -> None:
        """A client that leaves mid-upload leaves nothing behind, and nothing is logged."""
        for number, url in enumerate((self.listen_tls(), self.url)):
            image_id = IMAGE_ID[:-1] + str(number)
            await deferToThread(leave_early, url, image_id)
            for _ in range(500):
                if not self.api.site._channels:
                    break
                await deferToThread(time.sleep, 0.01)
            self.assertEqual(self.api.site._channels, set())
            await self.api.transfers.idle()
            image = await self.api.registry.fetch(image_id)
            self.assertEqual(image.status.value, "killed")
            self.assertEqual(self.api.store._images, {})


def leave_early(url: str, image_id: str) -> None:
    """Begin an upload of 10 GiB, and be gone."""
    parts = urlsplit(url)
    address: Any = (parts.hostname, parts.port)
    connection: socket.socket = socket.create_connection(address)
    if parts.scheme == "https":
        connection = ssl._create_unverified_context().wrap_socket(connection)
    headers = {**UPLOAD, "x-image-meta-id": image_id, "Content-Length": str(TEN_GIB)}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = "POST /v1/images HTTP/1.1\r\nHost: h\r\n" + "".join(lines) + "\r\n"
    connection.sendall(head.encode() + bytes(3 * MIB))
    connection.close()
