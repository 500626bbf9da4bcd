"""Contents that tell by themselves where they come from, and a web server that has them."""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache

from tests.outbound.server import CUT, Request, Resource, Server, Step, head

KIB = 1 << 10
MIB = 1 << 20

SIZES = [0, 1, 100, 64 * KIB, 64 * KIB + 1, 300 * KIB, MIB, 2 * MIB + 7]


@lru_cache(maxsize=64)
def content(name: int, size: int) -> bytes:
    """Bytes that no other name has."""
    return random.Random(name).randbytes(size)


def md5(data: bytes) -> str:
    """The MD5, in hexadecimal."""
    return hashlib.md5(data).hexdigest()


def source(test) -> Server:
    """A web server with ``/whole/NAME/SIZE``, and ``/torn/NAME/SIZE`` that always breaks off."""
    return Server(test, _serve)


def _serve(request: Request) -> list[Step]:
    kind, _, rest = request.path[1:].partition("/")
    if kind not in ("whole", "torn"):
        return [head("404 Not Found", "Content-Length: 0")]
    data = content(*map(int, rest.split("/")))
    if kind == "whole":
        return list(Resource(data, tag=f'"{md5(data)}"')(request))
    start = head("200 OK", f"Content-Length: {len(data)}")
    return [start] if request.method == "HEAD" else [start, data[: len(data) // 2], CUT]
