"""A request that is handled as soon as its headers are in."""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, AnyStr

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.iweb import IRequest
from zope.interface import implementer

from glancetx.access import Caller
from glancetx.web.body import RequestBody
from glancetx.web.forwarded import DIRECT
from glancetx.web.receiving import Receiving
from glancetx.web.routes import ELSEWHERE

if TYPE_CHECKING:
    from glancetx.web.channel import StreamingChannel
    from glancetx.web.site import StreamingSite

_ABSOLUTE_FORM = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)


@implementer(IRequest)
class StreamingRequest(server.Request):
    """
    A request whose handler runs when the headers are in; ``body`` is a byte stream.

    ``expects_continue`` is true while the client waits for ``100 Continue`` before it sends.
    ``is_routed`` is true once a handler has it.
    ``caller`` is whoever sent it, once that is known.
    ``challenge`` is what a 401 says in WWW-Authenticate, if anything.
    ``is_lost`` becomes true when the connection is gone.
    ``forwarded`` is what proxies that the site believes have said of it.
    ``route`` is the route of an API that it takes, for those who count; ``request_id`` is known
    once the caller is.
    ``begun`` and ``first_byte`` are when its head was in, and that of the response out, by the
    reactor's clock.
    ``prepared`` are lines of the response's head that are sent as they are, before the headers.
    """

    channel: StreamingChannel
    site: StreamingSite
    transport: Any
    caller: Caller
    challenge: str | None = None
    forwarded = DIRECT
    expects_continue = False
    is_lost = False
    is_routed = False
    route = ELSEWHERE
    request_id: str | None = None
    begun = 0.0
    first_byte: float | None = None

    def __init__(self, channel: StreamingChannel, *args: Any, **kwargs: Any) -> None:
        super().__init__(channel, *args, **kwargs)
        self._receiving = Receiving(channel)
        self.body = RequestBody(self._receiving, self._begin_body)
        self.prepared: list[bytes] = []

    @property
    def is_kept_waiting(self) -> bool:
        """Whether it is we who let the client wait, and not the other way round."""
        is_wanted = self.body.is_flowing and not self._receiving.is_waiting
        return self.is_routed and not (self.body.is_complete or is_wanted)

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        self.body.length = length

    def headers_received(self, command: bytes, path: bytes, version: bytes) -> None:
        """Called by the channel: route the request now, whatever of its body is still to come."""
        self.is_routed = True
        self.begun = self.channel.site.reactor.seconds()
        proxies = self.channel.site.proxies
        if proxies.listed:
            peer = getattr(self.channel.getPeer(), "host", None)
            self.forwarded = proxies.read(peer, self.requestHeaders)
        super().requestReceived(command, self._origin_form(path), version)

    def getClientAddress(self) -> Any:
        """The address of whoever asked us, or the first of our proxies."""
        client = self.forwarded.client
        if client is None:
            return self.client
        return (IPv6Address if ":" in client else IPv4Address)("TCP", client, 0)

    def _origin_form(self, target: bytes) -> bytes:
        """The target as path and query; what names a host as well sets the Host header."""
        match = _ABSOLUTE_FORM.fullmatch(target)
        if match is None:
            return target
        host, path = match.groups()
        self.requestHeaders.setRawHeaders(b"Host", [host])
        return path if path.startswith(b"/") else b"/" + path

    def getHeader(self, key: AnyStr) -> AnyStr | None:
        """
        The values of a header, joined by commas (contract §1.8), or None.

        As text what is not UTF-8 is replaced: no client makes us fail by a byte.
        """
        name = key.encode("latin-1", "replace") if isinstance(key, str) else key
        values = self.requestHeaders.getRawHeaders(name)
        if values is None:
            return None
        value = b",".join(values)
        return value.decode("utf-8", "replace") if isinstance(key, str) else value

    def prepare(self, name: bytes, value: bytes) -> None:
        """
        Add a header whose value has no control characters, and which nobody will look at again.

        That costs a quarter of what Twisted's `Headers` take to make sure of it.
        """
        self.prepared.append(b"%b: %b\r\n" % (_canonical(name), value))

    def handleContentChunk(self, data: bytes) -> None:
        self._receiving.piece_came(len(data))
        self.body.data_received(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.body.all_received()
        self._receiving.end()
        if not self.is_routed:
            self.headers_received(command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        self.is_lost = True
        # First this: it makes Klein cancel the handler, once.
        # A body that failed before would have the handler clear up, and that would be cancelled.
        super().connectionLost(reason)
        self._receiving.end()
        self.body.cut_short()
        if self.is_routed and not self.finished:
            self.site.broken_off(self)

    def caught_up(self) -> None:
        """The channel was behind with what it had read, and is so no more."""
        self._receiving.caught_up()

    def stay_paused(self) -> None:
        """The transport was let go on, by somebody who knows nothing of the body."""
        if not self.body.is_complete:
            self._receiving.stay_paused()

    def discard_body(self, limit: int) -> None:
        """Throw away up to so many bytes of what is still to come, for whoever must still send."""
        self._receiving.end()
        self.body.discard(limit)

    async def until_lost(self) -> None:
        """Waits until the connection, which is closing, is gone."""
        if not self.is_lost:
            await self.notifyFinish().addErrback(lambda _: None)

    def abort(self) -> None:
        """Break the connection off, so that the client sees it did not get everything."""
        self.transport.abortConnection()

    def getRequestHostname(self) -> bytes:
        """
        A constant: Klein binds its routes to a host name and fails on odd ones.

        Our routes do not depend on it; links are built from the Host header itself.
        """
        return b"localhost"

    def _begin_body(self) -> None:
        if self.expects_continue and not self.startedWriting and not self.body.received:
            self.channel.send_continue()
        self.expects_continue = False
        # A small body is in before anybody reads it.
        if not self.body.is_complete:
            self._receiving.begin(self.body)


@lru_cache(1000)
def _canonical(name: bytes) -> bytes:
    """The name of a header as Twisted writes it; one that has capitals is taken as it is."""
    if name != name.lower():
        return name
    return b"-".join(word.capitalize() for word in name.split(b"-"))


def streaming(request: IRequest) -> StreamingRequest:
    """
    The request as what it is: our site makes no others.

    :raises TypeError: when another site made it.
    """
    if not isinstance(request, StreamingRequest):
        raise TypeError(f"{request!r} does not stream")
    return request
