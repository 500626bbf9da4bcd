"""What is sent, with the digests by which the server can tell that it has arrived as it was."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from glancetx.httpclient import Pieces
from glancetx.stores.s3.signature import UNSIGNED_PAYLOAD

NO_CHECKSUM = ""


class _Crc32:
    """CRC-32 with the methods of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def _new(name: str) -> _Hash:
    return _Crc32() if name == "crc32" else hashlib.new(name, usedforsecurity=False)


#: S3's additional checksums, as far as they need nothing but Python.
CHECKSUMS = ("crc32", "sha1", "sha256")


@frozen
class Sealed:
    """
    Content with its digests.

    ``md5`` is in hex; ``payload`` is what the signature says of it; ``checksum`` is the additional
    one in base 64, or empty.
    """

    content: Pieces = field(repr=False)
    md5: str
    payload: str
    checksum: str = ""


@frozen
class Seals:
    """
    Which digests are made.

    ``is_signed`` says that the signature covers the content: where there is no TLS that guards it.
    ``checksum`` is one of `CHECKSUMS`, or empty.
    """

    is_signed: bool
    checksum: str = NO_CHECKSUM

    def seal(self, pieces: Sequence[bytes]) -> Sealed:
        """Content with its digests; this computes for long, so it is for a thread."""
        names = {"md5", *(["sha256"] if self.is_signed else []), *filter(None, [self.checksum])}
        digests = dict(_digests(names, pieces))
        payload = digests["sha256"].hex() if self.is_signed else UNSIGNED_PAYLOAD
        checksum = b64encode(digests[self.checksum]).decode() if self.checksum else ""
        return Sealed(Pieces(pieces), digests["md5"].hex(), payload, checksum)

    def headers(self, sealed: Sealed) -> Mapping[str, str]:
        """The headers that tell the digests."""
        headers = {"Content-MD5": b64encode(bytes.fromhex(sealed.md5)).decode()}
        if self.checksum:
            headers[f"x-amz-checksum-{self.checksum}"] = sealed.checksum
        return headers

    @property
    def upload_headers(self) -> Mapping[str, str]:
        """What an upload is begun with: which checksum its parts will have."""
        return {"x-amz-checksum-algorithm": self.checksum.upper()} if self.checksum else {}

    def entry(self, number: int, etag: str, sealed: Sealed) -> Mapping[str, str]:
        """What completes an upload: what is to be told of this part."""
        entry = {"PartNumber": str(number), "ETag": etag}
        if self.checksum:
            entry[f"Checksum{self.checksum.upper()}"] = sealed.checksum
        return entry


def _digests(names: Iterable[str], pieces: Sequence[bytes]) -> Iterable[tuple[str, bytes]]:
    for name in names:
        digest = _new(name)
        for piece in pieces:
            digest.update(piece)
        yield name, digest.digest()
