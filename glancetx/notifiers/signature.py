"""
Signatures of webhooks, as the specification Standard Webhooks has them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from glancetx.credentials_file import read_values

#: What a secret may begin with, so that those who look for leaked ones know it.
PREFIX = "whsec_"

#: How many bytes a secret has.
SHORTEST, LONGEST = 24, 64


@frozen
class Signer:
    """Signs with each of its secrets; none of them, no signature."""

    _secrets: Sequence[bytes] = field(default=(), repr=False)

    def headers(self, message_id: str, moment: int, body: bytes) -> dict[str, str]:
        """
        The three headers of a message that is sent at this moment, in seconds since 1970.

        Receivers know by them who sent it, that it is whole, how old it is, and whether they had
        it before.
        """
        told = {"webhook-id": message_id, "webhook-timestamp": str(moment)}
        if self._secrets:
            signed = b".".join([message_id.encode("ascii"), str(moment).encode("ascii"), body])
            signatures = (_signature(secret, signed) for secret in self._secrets)
            told["webhook-signature"] = " ".join(signatures)
        return told


def read_signer(path: str, whose: str) -> Signer:
    """
    A signer with the ``secret`` of a TOML file, or several secrets; this blocks.

    Without a path it signs nothing.

    :raises ValueError: as `read_values`, and when a secret is none.
    """
    return read_values(path, whose, _parse) if path else Signer()


def _parse(values: Mapping[str, Any]) -> Signer:
    if unknown := sorted(values.keys() - {"secret"}):
        raise ValueError(f"{unknown[0]!r} is not known")
    given = values.get("secret")
    texts = given if isinstance(given, list) else [given]
    if not texts:
        raise ValueError("secret is missing")
    return Signer([_secret(text) for text in texts])


def _secret(text: object) -> bytes:
    problem = f"secret must be {PREFIX} and the base64 of {SHORTEST} to {LONGEST} bytes"
    if not isinstance(text, str):
        raise ValueError(problem)
    try:
        secret = b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        # Its text may quote the secret, and so does its traceback.
        secret = b""
    if not SHORTEST <= len(secret) <= LONGEST:
        raise ValueError(problem)
    return secret


def _signature(secret: bytes, signed: bytes) -> str:
    return "v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii")
