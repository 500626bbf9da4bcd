"""A request that is handled as soon as its headers are in."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import ITLSTransport
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.iweb import IRequest
from zope.interface import implementer

from glancetx.access import Caller
from glancetx.web.body import RequestBody

if TYPE_CHECKING:
    from glancetx.web.channel import StreamingChannel

#: Bytes that one read of an uploading client's socket may bring (measured: 64 KiB costs a
#: quarter of the throughput).
READ_SIZE = 256 * 1024


@implementer(IRequest)
class StreamingRequest(server.Request):
    """
    A request whose handler runs when the headers are in; ``body`` is a byte stream.

    ``expects_continue`` is true while the client waits for ``100 Continue`` before it sends.
    ``is_routed`` is true once a handler has it.
    ``caller`` is whoever sent it, once that is known.
    ``is_lost`` becomes true when the connection is gone.
    """

    channel: StreamingChannel
    transport: Any
    caller: Caller
    expects_continue = False
    is_lost = False
    is_routed = False

    def __init__(self, channel: StreamingChannel, *args: Any, **kwargs: Any) -> None:
        super().__init__(channel, *args, **kwargs)
        self.body = RequestBody(self.transport, self._begin_body)

    @property
    def is_kept_waiting(self) -> bool:
        """Whether it is we who let the client wait, and not the other way round."""
        return self.is_routed and not (self.body.is_complete or self.body.is_flowing)

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        self.body.length = length

    def headers_received(self, command: bytes, path: bytes, version: bytes) -> None:
        """Called by the channel: route the request now, whatever of its body is still to come."""
        self.is_routed = True
        super().requestReceived(command, path, version)

    def handleContentChunk(self, data: bytes) -> None:
        self.body.data_received(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.body.all_received()
        if not self.is_routed:
            self.headers_received(command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        self.is_lost = True
        # First this: it makes Klein cancel the handler, once.
        # A body that failed before would have the handler clear up, and that would be cancelled.
        super().connectionLost(reason)
        self.body.cut_short()

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
        _widen(self.transport)


def _widen(transport: Any) -> None:
    """Let one read bring more; under TLS it is the transport below that reads."""
    if ITLSTransport.providedBy(transport) and hasattr(transport, "transport"):
        transport = transport.transport
    if hasattr(transport, "bufferSize"):
        transport.bufferSize = READ_SIZE


def streaming(request: IRequest) -> StreamingRequest:
    """
    The request as what it is: our site makes no others.

    :raises TypeError: when another site made it.
    """
    if not isinstance(request, StreamingRequest):
        raise TypeError(f"{request!r} does not stream")
    return request
