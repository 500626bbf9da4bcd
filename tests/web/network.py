"""A server on real sockets, plain or with TLS, and a body that nobody can wait for."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.trial.unittest import TestCase

from tests.web.api import Api

reactor: Any = installed_reactor

TEN_GIB = 10 << 30
CHUNK = bytes(1 << 16)


class NetworkCase(TestCase):
    """An API in memory that listens on a free port of 127.0.0.1."""

    timeout = 60

    def setUp(self) -> None:
        self.api = Api(clock=reactor)
        self.port = reactor.listenTCP(0, self.api.site, interface="127.0.0.1")
        self.addCleanup(self._stop, self.port)
        self.url = f"http://127.0.0.1:{self.port.getHost().port}"

    def listen_tls(self) -> str:
        """Listen on another port with TLS; its URL."""
        port = reactor.listenSSL(0, self.api.site, tls_options(), interface="127.0.0.1")
        self.addCleanup(self._stop, port)
        return f"https://127.0.0.1:{port.getHost().port}"

    def _stop(self, port: Any) -> Deferred[None]:
        stopped: Deferred[None] = maybeDeferred(port.stopListening)
        return stopped.addCallback(lambda _: self.api.site.drain(0))


class EndlessBody:
    """10 GiB, made as they are sent; ``sent`` counts them."""

    def __init__(self) -> None:
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.sent < TEN_GIB:
            self.sent += len(CHUNK)
            yield CHUNK


def tls_options() -> CertificateOptions:
    """A key and a certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.TraditionalOpenSSL
    text = certificate.public_bytes(pem) + key.private_bytes(
        pem, plain, serialization.NoEncryption()
    )
    options: CertificateOptions = PrivateCertificate.loadPEM(text).options()
    return options
