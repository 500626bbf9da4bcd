"""Which authorities are believed when a server shows its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, trustRootFromCertificates


def read_certificates(path: str) -> str:
    """
    The PEM text of a file of certificates, none without a path; this blocks.

    :raises ValueError: when it cannot be read.
    """
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeError):
        raise ValueError(f"the file of certificates {path!r} cannot be read") from None


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
