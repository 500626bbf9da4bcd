"""Certificates of a running daemon, and what stands before it."""

import hashlib
import os
import re
import socket
import ssl
from threading import Event

from attrs import define, field
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import FORMATS, READY, call, eventually, folder, launch, start
from tests.outbound.certificates import self_signed

MIB = 1 << 20

HEAD = b"GET /v1/images HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@define
class Looker:
    """Somebody who connects on and on in a thread, and keeps what certificates he was shown."""

    port: int
    seen: list[bytes] = field(factory=list)
    wrong: list[str] = field(factory=list)
    is_over: Event = field(factory=Event)

    def run(self):
        """Until told to stop; blocks."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not self.is_over.is_set():
            try:
                plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
                with context.wrap_socket(plain) as line:
                    line.sendall(HEAD)
                    self.seen.append(line.getpeercert(binary_form=True) or b"")
                    if not line.recv(4096).startswith(b"HTTP/1.1 200"):
                        self.wrong.append("another status")
            except OSError as error:
                self.wrong.append(repr(error))


def replace(file, content):
    """Another content, all at once."""
    beside = file.with_suffix(".new")
    beside.write_bytes(content)
    os.replace(beside, file)


class RenewalTests(TestCase):
    """Two workers whose certificate changes under load."""

    timeout = 180

    async def test_renewal(self):
        """Nobody is refused, both workers soon show the new one; a broken one changes nothing."""
        place = folder(self)
        file = self_signed(place / "tls.pem")
        listen = f"ssl:0:privateKey={file}:interface=127.0.0.1"
        daemon = launch(self, "--workers", "2", "--listen", listen)
        await daemon.says(READY)
        port = int((await daemon.says(r"listening on 127\.0\.0\.1:(\d+)"))[1])
        looker = Looker(port)
        looking = deferToThread(looker.run)
        await eventually(lambda: len(looker.seen) > 10)

        replace(file, file.read_bytes()[:100])
        for number in (1, 2):
            await daemon.says(rf"worker {number}: .*tls.pem is refused.*stays in force")
        replace(file, self_signed(place / "other.pem").read_bytes())
        for number in (1, 2):
            await daemon.says(rf"worker {number}: .*tls.pem was read")
        before = len(looker.seen)
        await eventually(lambda: len(looker.seen) > before + 20)
        looker.is_over.set()
        await looking

        self.assertEqual(looker.wrong, [])
        old, new = looker.seen[0], looker.seen[-1]
        self.assertNotEqual(old, new)
        self.assertEqual(set(looker.seen), {old, new})
        # Which may have begun before the last of them was read.
        self.assertEqual(set(looker.seen[before + 2 :]), {new})
        self.assertEqual(len(re.findall("is refused", daemon.log)), 2)
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()

    async def test_protocols(self):
        """What openssl(1) sees: TLS 1.2 and 1.3 with ephemeral keys, and no compression."""
        file = self_signed(folder(self) / "tls.pem")
        listen = f"ssl:0:privateKey={file}:interface=127.0.0.1"
        daemon = await start(self, "--registry", "memory:", "--listen", listen)

        async def view(*options):
            address = ("-connect", f"127.0.0.1:{daemon.port}")
            command = ("openssl", "s_client", *address, "-alpn", "h2,http/1.1", *options)
            return (await deferToThread(call, *command, input="")).stdout

        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            text = await view(option)
            self.assertIn(f"New, {version}, Cipher is", text)
            for words in ("Compression: NONE", "ALPN protocol: http/1.1", "X25519"):
                self.assertIn(words, text)
        for options in (
            ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
            ("-tls1_2", "-cipher", "AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA"),
        ):
            self.assertIn("Cipher is (NONE)", await view(*options))
        self.assertEqual(await daemon.stop(), 0)


class ProxyProtocolTests(TestCase):
    """haproxy:tcp: — connections that begin with whose they are."""

    timeout = 120

    async def test_proxy_protocol(self):
        """The log has the client's address, bodies pass whole, and who says nothing is cut."""
        listen = "haproxy:tcp:0:interface=127.0.0.1"
        daemon = await start(self, "--registry", "memory:", "--listen", listen)
        line = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 9292\r\n"
        fields = {**FORMATS, "Host": "h", "Content-Length": 4 * MIB, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        upload = f"POST /v1/images HTTP/1.1\r\n{head}\r\n".encode() + bytes(4 * MIB)
        answer = await deferToThread(exchange, daemon.port, line + upload)
        self.assertIn(b"HTTP/1.1 201 Created", answer)
        self.assertIn(hashlib.md5(bytes(4 * MIB)).hexdigest().encode(), answer)
        await daemon.says(r"192\.0\.2\.7")
        self.assertEqual(await deferToThread(exchange, daemon.port, upload[:200]), b"")
        self.assertEqual(await daemon.stop(), 0)
        daemon.assert_quiet()


def exchange(port, data):
    """What a server answers until it ends the connection; blocks."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(data)
            while more := connection.recv(65536):
                found += more
        except ConnectionError:
            pass
    return found
