"""What is sent over one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import field, frozen

#: An image that must still be there after everything, and what would remove it.
VICTIM = "0badc0de-0000-4000-8000-000000000001"
SMUGGLED = b"DELETE /v1/images/%b HTTP/1.1\r\nHost: h\r\n\r\n" % VICTIM.encode()

#: Images with bytes, without, and one that is not there.
IMAGE = "0badc0de-0000-4000-8000-000000000002"
QUEUED = "0badc0de-0000-4000-8000-000000000003"
NOWHERE = "0badc0de-0000-4000-8000-000000000004"

#: What stands beside the images on the disk, and in no answer.
CANARY = b"canary-5f2d9c"

UPLOAD = (
    b"Content-Type: application/octet-stream",
    b"x-image-meta-disk_format: raw",
    b"x-image-meta-container_format: bare",
)

#: Longer messages are told by their beginning, and are no material for mutation.
LONG = 64 * 1024


@frozen
class Message:
    """
    Bytes for one connection; the client sends no more after them.

    ``more`` makes what comes behind ``data`` when it is too much to be held, and perhaps endless.
    Of one that ``trickles`` the server gets piece by piece, each of ``step`` bytes, and nobody
    takes its answers before everything is sent.
    """

    data: bytes = field(repr=lambda data: repr(data[:600]))
    more: Callable[[], Iterator[bytes]] | None = field(default=None, repr=False)
    trickles: bool = False
    step: int = LONG

    def pieces(self) -> Iterator[bytes]:
        """What is to be sent, in order."""
        for start in range(0, len(self.data), self.step):
            yield self.data[start : start + self.step]
        if self.more is not None:
            yield from self.more()


def head(request: bytes, *lines: bytes, host: bytes | None = b"h") -> bytes:
    """A request line without its version, and lines, to the empty one."""
    first = request if request.endswith((b"HTTP/1.1", b"HTTP/1.0")) else request + b" HTTP/1.1"
    hosts = () if host is None else (b"Host: " + host,)
    return b"\r\n".join([first, *hosts, *lines]) + b"\r\n\r\n"


def with_body(request: bytes, body: bytes, *lines: bytes) -> bytes:
    """The same with a length, and a body of it."""
    return head(request, *lines, b"Content-Length: %d" % len(body)) + body


def chunked(*chunks: bytes) -> bytes:
    """A body in chunks, to its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def image_path(image_id: str = IMAGE) -> bytes:
    return b"/v1/images/" + image_id.encode()
