"""Ports with TLS: what they speak, and how their certificates are renewed."""

from __future__ import annotations

import ssl
from http.client import HTTPSConnection
from pathlib import Path
from socket import create_connection
from typing import Any

from attrs import evolve, frozen
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.config import ConfigError
from glancetx.description import parse
from glancetx.listening import server_endpoints, web_address
from glancetx.tls import TlsEndpoint
from tests.outbound.certificates import self_signed
from tests.web.api import UNLIMITED, Api
from tests.web.case import logged_events

#: What is installed provides more interfaces than its type tells.
reactor: Any = the_reactor


class DescriptionTests(SynchronousTestCase):
    """What ``ssl:`` may be, and what is said about mistakes."""

    def setUp(self) -> None:
        self.file = self_signed(Path(self.mktemp()))

    def refused(self, text: str) -> str:
        error = self.assertRaises(ConfigError, server_endpoints, reactor, [text], is_open=False)
        sentence = str(error)
        self.assertIn("--listen", sentence)
        return sentence

    def test_weak(self) -> None:
        """What OpenSSL finds too weak is told as that, and not as another mistake."""
        weak = self_signed(Path(self.mktemp()), rsa.generate_private_key(65537, 1024))
        self.assertIn(
            "cannot be used: ee key too small", self.refused(f"ssl:443:privateKey={weak}")
        )

    def test_mistakes(self) -> None:
        """Each is told in a sentence of its own."""
        other = self_signed(Path(self.mktemp()))
        empty = Path(self.mktemp())
        empty.write_text("")
        key = f"privateKey={self.file}"
        for text, words in (
            ("ssl:443:privateKey=no.pem", "no.pem cannot be read: No such file"),
            (f"ssl:443:privateKey={empty}", "no certificate in PEM"),
            (f"ssl:443:{key}:certKey={other}", "the key is not that of the certificate"),
            (f"ssl:443:privateKey={empty}:certKey={other}", "no key in PEM"),
            (f"ssl:443:{key}:extraCertChain={empty}", "no chain in PEM"),
            (f"ssl:443:{key}:clientCA={empty}", "no authority in PEM"),
            (f"ssl:443:{key}:sslmethod=TLSv1_METHOD", "not safe any more"),
            (f"ssl:443:{key}:certkey=a", "no 'certkey'"),
            (f"ssl:no:{key}", "'no' is not a port"),
            (f"ssl:99999:{key}", "'99999' is not a port"),
            ("ssl:443" + ":a" * 8, "too many arguments"),
        ):
            self.assertIn(words, self.refused(text))

    def test_reach(self) -> None:
        """Who may reach it is told by its interface, wherever that stands."""
        for interface, is_refused in (("127.0.0.1", False), ("0.0.0.0", True), ("", True)):
            for text in (
                f"ssl:443:privateKey={self.file}:interface={interface}",
                f"ssl:443:{self.file}:::{interface}",
            ):
                if is_refused:
                    self.assertIn("--allow-open", self.refused(text))
                else:
                    server_endpoints(reactor, [text], is_open=False)
                    self.assertEqual(web_address(text), "https://127.0.0.1:443")

    def test_behind_haproxy(self) -> None:
        """The PROXY protocol comes before TLS, which nobody here could speak after it."""
        self.assertIn(
            "haproxy:", self.refused(f"haproxy:ssl:443:privateKey={self.file}:interface=127.0.0.1")
        )
        server_endpoints(reactor, ["haproxy:tcp:80:interface=127.0.0.1"], is_open=False)
        self.assertIn("--allow-open", self.refused("haproxy:tcp:80"))


@frozen
class Seen:
    """What a client has seen of a handshake."""

    version: str | None
    cipher: str
    protocol: str | None
    certificate: bytes | None


class TlsCase(TestCase):
    """A port with TLS before an API in memory."""

    timeout = 60
    traffic = UNLIMITED

    def setUp(self) -> None:
        self.file = self_signed(Path(self.mktemp()))

    async def listen(self, **options: object) -> TlsEndpoint:
        text = f"ssl:0:privateKey={self.file}:interface=127.0.0.1"
        text += "".join(f":{name}={value}" for name, value in options.items())
        endpoint = TlsEndpoint(reactor, parse(text))
        self.api = Api(clock=reactor, traffic=self.traffic)
        port = await endpoint.listen(self.api.site)
        self.port = port.getHost().port
        self.addCleanup(self._stop, port)
        return endpoint

    def _stop(self, port: Any) -> Deferred[None]:
        stopped: Deferred[None] = maybeDeferred(port.stopListening)
        return stopped.addCallback(lambda _: self.api.site.drain(0))

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.file))
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def look(self, context: ssl.SSLContext) -> Deferred[Seen]:
        """Fires with what one handshake shows."""
        return deferToThread(_handshake, self.port, context)


def _handshake(port: int, context: ssl.SSLContext) -> Seen:
    connection = HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.connect()
        line: Any = connection.sock
        name = line.cipher()[0]
        return Seen(
            line.version(), name, line.selected_alpn_protocol(), line.getpeercert(binary_form=True)
        )
    finally:
        connection.close()


class ProtocolTests(TlsCase):
    """Only what is safe today."""

    async def test_versions(self) -> None:
        """TLS 1.3 and 1.2, each with forward secrecy, and HTTP/1.1 within."""
        await self.listen()
        context = self.context()
        seen = await self.look(context)
        self.assertEqual((seen.version, seen.protocol), ("TLSv1.3", "http/1.1"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        seen = await self.look(context)
        self.assertEqual(seen.version, "TLSv1.2")
        self.assertRegex(seen.cipher, "^ECDHE-.*(GCM|POLY1305)")

    async def test_what_is_refused(self) -> None:
        """Older versions, and ciphers without forward secrecy or authentication."""
        await self.listen()
        old = self.context()
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        weak = self.context()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("ECDHE-ECDSA-AES256-SHA:AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384")
        for context in old, weak:
            await self.assertFailure(self.look(context), ssl.SSLError)

    async def test_sslmethod(self) -> None:
        """Old descriptions mean what they may mean today."""
        for method, version in (("SSLv23_METHOD", "TLSv1.3"), ("TLSv1_2_METHOD", "TLSv1.2")):
            await self.listen(sslmethod=method)
            self.assertEqual((await self.look(self.context())).version, version)

    async def test_chain(self) -> None:
        """All certificates of the file are shown, and those of another one behind them."""
        more = self_signed(Path(self.mktemp()))
        both = Path(self.mktemp())
        both.write_bytes(self.file.read_bytes() + more.read_bytes())
        await self.listen(certKey=both, extraCertChain=more)
        self.assertEqual(len(await deferToThread(_chain, self.port)), 3)

    async def test_client_certificates(self) -> None:
        """With an authority clients have to show a certificate of it, and others are refused."""
        await self.listen(clientCA=self.file)
        context = self.context()
        # Of TLS 1.3 a client learns only with the first answer that it was refused.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        await self.assertFailure(self.look(context), ssl.SSLError, ConnectionError)
        context.load_cert_chain(str(self.file))
        self.assertEqual((await self.look(context)).version, "TLSv1.2")


class LimitTests(TlsCase):
    """Limits are those of plain connections."""

    traffic = evolve(UNLIMITED, max_connections=1, client_header_timeout=0.5)

    async def test_too_many(self) -> None:
        """One too many is told so, after the handshake."""
        await self.listen()
        first = await deferToThread(create_connection, ("127.0.0.1", self.port))
        self.addCleanup(first.close)
        second = HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context())
        self.addCleanup(second.close)
        self.assertEqual(await deferToThread(_status, second), 503)

    async def test_no_handshake(self) -> None:
        """R27: who connects and does not begin it is cut."""
        await self.listen()
        silent = await deferToThread(create_connection, ("127.0.0.1", self.port), 30)
        self.addCleanup(silent.close)
        await self.assertFailure(deferToThread(silent.recv, 1), ConnectionResetError)


def _chain(port: int) -> list[Any]:

    line = SSL.Connection(
        SSL.Context(SSL.TLS_CLIENT_METHOD), create_connection(("127.0.0.1", port))
    )
    line.set_connect_state()
    line.do_handshake()
    try:
        return line.get_peer_cert_chain() or []
    finally:
        line.close()


class RenewalTests(TlsCase):
    """Certificates change while connections go on."""

    async def reload(self, endpoint: TlsEndpoint, content: bytes) -> None:
        self.file.write_bytes(content)
        files = endpoint.certificates
        files._threads.startService()
        self.addCleanup(files._threads.stopService)
        await files.reload()

    async def test_renewed(self) -> None:
        """Connections that begin later get the new one, and those that are there go on."""
        endpoint = await self.listen()
        old = self.context()
        kept = HTTPSConnection("127.0.0.1", self.port, timeout=30, context=old)
        self.addCleanup(kept.close)
        self.assertEqual(await deferToThread(_status, kept), 200)
        before = await self.look(old)
        content = self_signed(Path(self.mktemp())).read_bytes()
        await self.reload(endpoint, content)
        self.assertNotEqual((await self.look(self.context())).certificate, before.certificate)
        await self.assertFailure(self.look(old), ssl.SSLError)
        self.assertEqual(await deferToThread(_status, kept), 200)

    async def test_broken(self) -> None:
        """What cannot be used changes nothing, and is told of once; no key is shown."""
        endpoint = await self.listen()
        context = self.context()
        before = await self.look(context)
        events = logged_events(self)
        content = self.file.read_bytes()
        await self.reload(endpoint, content[: len(content) // 2])
        self.assertEqual(await self.look(context), before)
        errors = [each for each in events if each["log_level"] is LogLevel.error]
        self.assertEqual(len(errors), 1)
        self.assertIn("what was read before stays in force", errors[0]["log_format"])
        self.assertNotIn(content.splitlines()[1].decode(), str(errors))


def _status(connection: HTTPSConnection) -> int:
    connection.request("GET", "/v1/images")
    response = connection.getresponse()
    response.read()
    return response.status
