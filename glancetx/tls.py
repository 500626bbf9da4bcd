"""
TLS as it should be today, with certificates that may be renewed while connections go on.

TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only (RFC 9325); no compression,
no renegotiation, no tickets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import (
    AcceptableCiphers,
    Certificate,
    CertificateOptions,
    TLSVersion,
    trustRootFromCertificates,
)
from zope.interface import implementer

from glancetx.description import Description
from glancetx.identity.watched import WatchedFiles
from glancetx.threads import Threads

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

#: Positional arguments of ``ssl:``, by the names that Twisted gives them.
ARGUMENTS = (
    "port",
    "privateKey",
    "certKey",
    "sslmethod",
    "interface",
    "backlog",
    "extraCertChain",
    "dhParameters",
)

#: Options that name further files, and what is in them.
EXTRAS = {"extraCertChain": "chain", "clientCA": "authorities"}

#: What ``sslmethod`` may be, and the newest TLS that it means.
METHODS = {
    None: TLSVersion.TLSv1_3,
    "TLS_METHOD": TLSVersion.TLSv1_3,
    "TLS_SERVER_METHOD": TLSVersion.TLSv1_3,
    "SSLv23_METHOD": TLSVersion.TLSv1_3,
    "TLSv1_2_METHOD": TLSVersion.TLSv1_2,
}


class TlsEndpoint(SSL4ServerEndpoint):
    """
    A port with TLS.

    ``certificates`` is a service: while it runs they are read again when their files change, and
    connections that begin later get the new ones.
    """

    def __init__(self, reactor: Any, description: Description) -> None:
        """
        ``ssl:PORT:privateKey=FILE:certKey=FILE`` and what else `ARGUMENTS` names; ``clientCA`` is a
        file with the authorities that must have signed what clients show.

        This reads the files, which blocks.

        :raises ValueError: when something is missing, unknown or cannot be used.
        """
        given = _arguments(description)
        unknown = given.keys() - {*ARGUMENTS, "clientCA"}
        if unknown:
            raise ValueError(f"it has no {min(unknown)!r}")
        port = given.get("port", "")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"{port!r} is not a port")
        self.certificates = _certificates(reactor, given)
        super().__init__(
            reactor,
            int(port),
            _Current(self.certificates),
            int(given.get("backlog", "50")),
            given.get("interface", ""),
        )


def _arguments(description: Description) -> dict[str, str]:
    if len(description.args) > len(ARGUMENTS):
        raise ValueError("it has too many arguments")
    return {**dict(zip(ARGUMENTS, description.args, strict=False)), **description.options}


def _certificates(reactor: Any, given: dict[str, str]) -> WatchedFiles[CertificateOptions]:
    method = given.get("sslmethod") or None
    if method not in METHODS:
        raise ValueError(f"{method} is not safe any more: leave sslmethod out")
    key = given.get("privateKey") or "server.pem"
    names = {"key": key, "certificate": given.get("certKey") or key}
    names |= {name: given[option] for option, name in EXTRAS.items() if given.get(option)}

    def parse(*contents: bytes) -> CertificateOptions:
        return _options(_Files(**dict(zip(names, contents, strict=True))), METHODS[method])

    paths = [Path(name) for name in names.values()]
    return WatchedFiles(reactor, paths, parse, Threads(reactor, "certificates", 1))


@implementer(IOpenSSLServerConnectionCreator)
@frozen
class _Current:
    """Begins connections with the certificate that is in force."""

    _certificates: WatchedFiles[CertificateOptions]

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return self._certificates.value.serverConnectionForTLS(protocol)


@frozen
class _Files:
    """What is in the files, by what they are for."""

    key: bytes
    certificate: bytes
    chain: bytes | None = None
    authorities: bytes | None = None


def _options(files: _Files, newest: Any) -> CertificateOptions:
    """
    :raises ValueError: when what is in the files cannot be used, or not together.
    """
    own, *chain = _read_certificates(files.certificate, "certificate")
    if files.chain is not None:
        chain += _read_certificates(files.chain, "chain")
    trusted = None
    if files.authorities is not None:
        authorities = _read_certificates(files.authorities, "authority")
        trusted = trustRootFromCertificates([Certificate(each) for each in authorities])
    options = CertificateOptions(
        privateKey=_read_key(files.key),
        certificate=own,
        extraCertChain=chain,
        trustRoot=trusted,
        raiseMinimumTo=TLSVersion.TLSv1_2,
        lowerMaximumSecurityTo=newest,
        acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
    )
    try:
        context = options.getContext()
    except SSL.Error as error:
        reason = error.args[0][0][2] if error.args and error.args[0] else "unknown"
        if "mismatch" in reason:
            raise ValueError("the key is not that of the certificate") from None
        raise ValueError(f"the key and the certificates cannot be used: {reason}") from None
    context.set_options(SSL.OP_NO_RENEGOTIATION)
    return options


def _read_certificates(content: bytes, what: str) -> list[crypto.X509]:
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ValueError(f"there is no {what} in PEM") from None
    return [crypto.X509.from_cryptography(each) for each in found]


def _read_key(content: bytes) -> crypto.PKey:
    try:
        key: Any = load_pem_private_key(content, None)
        return crypto.PKey.from_cryptography_key(key)
    except (TypeError, ValueError):
        # What the library says might show some of it.
        raise ValueError("there is no key in PEM that could be read without a password") from None
