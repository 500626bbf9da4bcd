"""Image bytes that nobody has to keep, sent and received by threads."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

from attrs import define, field, frozen

from tests.integration.daemon import FORMATS, PATIENCE

MIB = 1 << 20


@define
class Content:
    """So many bytes, no two MiB of which are alike; ``md5`` is of those that were taken so far."""

    size: int
    seed: int = 0
    _hash: hashlib._Hash = field(factory=hashlib.md5, init=False)

    @property
    def md5(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The bytes from the beginning, a MiB at a time; once."""
        block = random.Random(self.seed).randbytes(MIB)
        for number, offset in enumerate(range(0, self.size, MIB)):
            piece = (b"%016d" % number + block[16:])[: self.size - offset]
            self._hash.update(piece)
            yield piece


@frozen
class Received:
    """What a client got: a status, and of a body the length and the MD5."""

    status: int
    size: int
    md5: str


def upload(port: int, image_id: str, content: Content, *, announced: bool = True) -> int:
    """
    PUT the content of an image, with or without telling its size before; the status.

    :raises OSError: when the connection broke off and no answer had come.
    """
    length = {"Content-Length": str(content.size)}
    headers = {**FORMATS, **(length if announced else {"Transfer-Encoding": "chunked"})}
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        try:
            connection.request(
                "PUT", f"/v1/images/{image_id}", content, headers, encode_chunked=not announced
            )
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent: the answer tells why
        return connection.getresponse().status


def download(port: int, image_id: str) -> Received:
    """
    GET an image.

    :raises OSError: when the connection broke off before the end that was announced.
    """
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("GET", f"/v1/images/{image_id}")
        response = connection.getresponse()
        announced, size, md5 = response.length, 0, hashlib.md5()
        while piece := response.read(MIB):
            size += len(piece)
            md5.update(piece)
    if announced is not None and size != announced:
        raise ConnectionAbortedError(f"{size} bytes of {announced} came")
    return Received(response.status, size, md5.hexdigest())
