"""What surrounds a request: who asks, under which id, and by which address we are known."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

from twisted.internet.address import IPv6Address
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest

from glancetx.access import Caller
from glancetx.web.errors import HttpError
from glancetx.web.forwarded import HOST
from glancetx.web.request import StreamingRequest

MAX_REQUEST_ID_LENGTH = 64
REQUEST_ID = "X-Openstack-Request-Id"


class ReceivedHeaders(Mapping[str, str]):
    """
    The headers of a request as authenticators see them: by lower-case names with dashes.

    Those whose name has an underscore are not among them: a proxy that keeps ``X-Roles`` from its
    clients may well let ``X_Roles`` pass.
    Values of repeated ones are joined by commas, and what is not UTF-8 is replaced.
    ``target`` holds what is told besides, as ``:method``: no header has such a name.
    """

    def __init__(self, headers: Headers, target: Mapping[str, str] | None = None) -> None:
        self._headers = headers
        self._target = target or {}

    def __getitem__(self, name: str) -> str:
        if name in self._target:
            return self._target[name]
        values = None if "_" in name else self._headers.getRawHeaders(name.encode("utf-8"))
        if values is None:
            raise KeyError(name)
        return b",".join(values).decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        yield from self._target
        for raw, _ in self._headers.getAllRawHeaders():
            if b"_" not in raw:
                yield raw.lower().decode("latin-1")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def target_of(request: IRequest) -> Mapping[str, str]:
    """
    What is asked for, by the names of HTTP/2: the method, and the path without its query.

    The path is decoded, as it is before it is routed: who may use ``/v1/images/*`` may not use
    ``/v1/images/x%2Fmembers``, which has one segment more than it seems.
    """
    path = unquote_to_bytes(request.uri.partition(b"?")[0])
    return {
        ":method": request.method.decode("latin-1"),
        ":path": path.decode("utf-8", "replace"),
    }


def peer_of(request: StreamingRequest) -> str | None:
    """
    The address of whoever is connected, or None when there is none, as for unix sockets.

    It is that of a proxy, if there is one: whoever believes what a header says must know that.
    """
    host: str | None = getattr(request.channel.getPeer(), "host", None)
    return host


def client_of(request: StreamingRequest) -> str | None:
    """
    The address of whoever asked, as far as those proxies tell it that are believed.

    None when there is none, as for unix sockets; it is known also when he has left.
    """
    host: str | None = getattr(request.getClientAddress(), "host", None)
    return host


def new_request_id() -> str:
    """An id that no other request has."""
    return f"req-{uuid.uuid4()}"


def request_id(inbound: str | None, caller: Caller, own: str | None = None) -> str:
    """
    The id of a request: his own when the client is authenticated, or else ours or a new one (§1.7).

    :raises HttpError: 431 when the client's is longer than 64 characters.
    """
    if inbound is None or not caller.is_authenticated:
        return own or new_request_id()
    if len(inbound) > MAX_REQUEST_ID_LENGTH:
        raise HttpError(431, f"The request id is longer than {MAX_REQUEST_ID_LENGTH} characters.")
    return inbound if inbound.startswith("req-") else f"req-{inbound}"


def host_url(request: StreamingRequest) -> str:
    """
    Scheme, host and port by which the client reached us, or the proxy that stands before us.

    :raises HttpError: 400 when the Host header is not a host, or is missing although the request is
        of HTTP/1.1 (RFC 9112 §3.2).
    """
    named = request.getHeader("host")
    if named is None and request.clientproto == b"HTTP/1.1":
        raise HttpError(400, "A request of HTTP/1.1 needs a Host header.")
    host = request.forwarded.host or named or _own_address(request)
    if HOST.fullmatch(host) is None:
        raise HttpError(400, "The Host header does not name a host.")
    scheme = request.forwarded.scheme or ("https" if request.isSecure() else "http")
    return f"{scheme}://{host}"


def _own_address(request: IRequest) -> str:
    address = request.getHost()
    if isinstance(address, IPv6Address):
        return f"[{address.host.partition('%')[0]}]:{address.port}"
    return f"{address.host}:{address.port}" if hasattr(address, "port") else "localhost"
