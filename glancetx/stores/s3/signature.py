"""
Signature Version 4 for S3: what a request must say so that the server believes who sends it.

After Amazon's "Authenticating Requests (AWS Signature Version 4)".
Everything here is pure: the moment of signing is an argument.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from attrs import field, frozen

_ALGORITHM = "AWS4-HMAC-SHA256"

#: In place of a digest: the body is not part of what is signed.
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

#: The digest of a body of no bytes.
EMPTY_PAYLOAD = sha256(b"").hexdigest()


@frozen
class Credentials:
    """
    Who asks.

    ``token`` comes with credentials that are good for some hours only.
    Of all this only the name of the key appears in ``repr``.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@frozen
class Scope:
    """What signatures are good for: one region of one service."""

    region: str
    service: str = "s3"

    def on(self, day: str) -> str:
        return f"{day}/{self.region}/{self.service}/aws4_request"


def encode_path(path: str) -> str:
    """
    A path as S3 signs it and as it is sent: encoded once, its slashes kept, nothing normalised.

    Other services of Amazon encode twice; S3 does not, for ``//`` and ``..`` are parts of keys.
    """
    return quote(path, safe="/~")


def encode_query(query: Mapping[str, str]) -> str:
    """A query as S3 signs it and as it may be sent: sorted by what the names are encoded to."""
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    credentials: Credentials,
    scope: Scope,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload: str,
    moment: datetime,
) -> dict[str, str]:
    """
    The headers of a request with those that sign it.

    ``path`` and ``query`` are what is sent, as `encode_path` and `encode_query` make them.
    ``headers`` have Host among them; all of them are signed, so none may be changed on the way.
    ``payload`` is the SHA-256 of the body in hex, or `UNSIGNED_PAYLOAD`.
    ``moment`` is in UTC.
    """
    time = moment.strftime("%Y%m%dT%H%M%SZ")
    day = time[:8]
    headers = {**headers, "x-amz-date": time, "x-amz-content-sha256": payload}
    if credentials.token is not None:
        headers["x-amz-security-token"] = credentials.token
    lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        [
            method,
            path,
            query,
            *(f"{name}:{lines[name]}" for name in sorted(lines)),
            "",
            names,
            payload,
        ]
    )
    digest = sha256(canonical.encode("utf-8")).hexdigest()
    to_sign = "\n".join([_ALGORITHM, time, scope.on(day), digest])
    signature = _hmac(_key(credentials, scope, day), to_sign).hex()
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope.on(day)}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _key(credentials: Credentials, scope: Scope, day: str) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.on(day).split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8"), "sha256")
