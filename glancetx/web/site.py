"""The site: connections, their limits, and how they end at shutdown."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.web import http, server
from twisted.web.resource import IResource

from glancetx.web.channel import StreamingChannel
from glancetx.web.request import StreamingRequest

_access_log = Logger(namespace="glancetx.access")


class StreamingSite(server.Site):
    """
    Serves a resource over HTTP/1.1 with streaming requests.

    ``timeout`` is the number of seconds after which an idle client is cut, or None for never.
    ``is_leaving`` says that balancers are to send nobody any more.
    ``senders`` counts the clients to whom the kernel sends files at the moment, and ``receivers``
    those whose bodies somebody is reading.
    """

    protocol = StreamingChannel  # type: ignore[assignment]
    requestFactory = StreamingRequest

    def __init__(self, resource: IResource, reactor: IReactorTime, timeout: float | None) -> None:
        super().__init__(resource, timeout=timeout, reactor=reactor, parsePOSTFormSubmission=False)
        self.is_draining = self.is_leaving = False
        self.senders = self.receivers = 0
        self._grace = 0.0
        self._farewells: dict[StreamingChannel, IDelayedCall] = {}
        self._channels: set[StreamingChannel] = set()
        self._drained: Deferred[None] | None = None
        self._notice: Deferred[None] = succeed(None)

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/2 stays off: in Twisted it is six times slower, and early answers break it."""
        return [b"http/1.1"]

    def log(self, request: http.Request) -> None:
        client = getattr(request.getClientAddress(), "host", "-")
        method = request.method.decode("ascii", "replace")
        path = request.path.decode("ascii", "replace")
        line = f'{client} "{method} {path}" {request.code} {request.sentLength}'
        # The line is made here: formatting it by its fields costs a tenth of a small request.
        _access_log.info(
            line.replace("{", "{{").replace("}", "}}"),
            client=client,
            method=method,
            path=path,
            code=request.code,
            sent=request.sentLength,
        )

    def startFactory(self) -> None:
        """Nothing of Twisted's own access log."""

    def stopFactory(self) -> None:
        """Nothing of Twisted's own access log."""

    # -- connections

    def channel_opened(self, channel: StreamingChannel) -> None:
        self._channels.add(channel)

    def channel_closed(self, channel: StreamingChannel) -> None:
        self._channels.discard(channel)
        farewell = self._farewells.pop(channel, None)
        if farewell is not None and farewell.active():
            farewell.cancel()
        self._check_drained()

    def give_notice(self, seconds: float) -> Deferred[None]:
        """
        Fires after so many seconds, or when it is `cut`.

        Meanwhile everybody is served, also who is new; but the health check tells balancers that
        we are leaving, and responses tell their clients to close the connection.
        """
        self.is_leaving = self.is_draining = True
        self._grace = seconds
        if seconds:
            self._notice = Deferred()
            over = self.reactor.callLater(seconds, self._notice.callback, None)
            self._notice.addBoth(lambda _: over.cancel() if over.active() else None)
        return self._notice

    def drain(self, seconds: float | None, grace: float = 0.0) -> Deferred[None]:
        """
        Fires when all connections are gone: busy ones go after their response.

        Idle ones go at once, or, where somebody else serves whoever comes again, when they have
        been idle for ``grace`` seconds, since a request may be on its way; its response says that
        the connection is to close.
        After ``seconds``, unless they are None, the rest is cut.
        """
        self.is_draining, self._grace = True, grace
        drained = self._drained = Deferred()
        for channel in list(self._channels):
            self.part_with(channel)
        late = None if seconds is None else self.reactor.callLater(seconds, self.cut)
        self._check_drained()

        def on_time(result: Any) -> Any:
            if late is not None and late.active():
                late.cancel()
            return result

        return drained.addBoth(on_time)

    def part_with(self, channel: StreamingChannel) -> None:
        """Close a connection if nothing is under way on it, now or when its grace is over."""
        if not self._grace:
            _close_if_idle(channel)
        elif channel.is_idle and channel not in self._farewells:
            farewell = self.reactor.callLater(self._grace, _close_if_idle, channel)
            self._farewells[channel] = farewell

    def cut(self) -> None:
        """Break every connection off."""
        if not self._notice.called:
            self._notice.callback(None)
        for channel in list(self._channels):
            channel.transport.abortConnection()

    def _check_drained(self) -> None:
        if self._drained is not None and not self._channels and not self._drained.called:
            self._drained.callback(None)


def _close_if_idle(channel: StreamingChannel) -> None:
    if channel.is_idle:
        channel.loseConnection()
