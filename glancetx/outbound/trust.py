"""Which authorities are believed when a server shows its certificate."""

from __future__ import annotations

from typing import Any

from twisted.internet.ssl import Certificate, trustRootFromCertificates


def trust_in(pem: str) -> Any:
    """
    Trust in the certificates of a PEM text, and in no others.

    :raises ValueError: when there is none in it.
    """
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    found = [
        Certificate.loadPEM(f"{begin}{part.partition(end)[0]}{end}\n".encode("ascii"))
        for part in pem.split(begin)[1:]
    ]
    if not found:
        raise ValueError("there is no certificate in it")
    return trustRootFromCertificates(found)
