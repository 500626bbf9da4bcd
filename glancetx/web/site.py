"""The site: connections, their limits, and how they end at shutdown."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.web import server
from twisted.web.resource import IResource

from glancetx.interfaces import UNOBSERVED, Answered, Observer
from glancetx.networks import Networks
from glancetx.web.access_log import log_access
from glancetx.web.channel import StreamingChannel
from glancetx.web.connections import Connections, source_of
from glancetx.web.forwarded import Proxies
from glancetx.web.receivers import Receivers
from glancetx.web.request import StreamingRequest, streaming
from glancetx.web.rounds import Rounds

#: What there is when nothing stands before us.
NO_PROXIES = Proxies(Networks())


class StreamingSite(server.Site):
    """
    Serves a resource over HTTP/1.1 with streaming requests.

    ``timeout`` is the number of seconds after which an idle client is cut, or None for never.
    ``is_leaving`` says that balancers are to send nobody any more.
    ``rounds`` are those in which files are sent; ``receivers`` are the clients whose bodies
    somebody is reading.
    ``head_time`` is how many seconds the head of a request may take, and how many without a byte.
    ``observer`` is told of each request that is over, and of what fails.
    ``hash_threads`` is how many threads hash what is received.
    """

    protocol = StreamingChannel  # type: ignore[assignment]
    requestFactory = StreamingRequest

    def __init__(
        self,
        resource: IResource,
        reactor: IReactorTime,
        timeout: float | None,
        head_time: tuple[float | None, float | None] = (None, None),
        connections: Connections | None = None,
        proxies: Proxies = NO_PROXIES,
        observer: Observer = UNOBSERVED,
        hash_threads: int = 2,
    ) -> None:
        super().__init__(resource, timeout=timeout, reactor=reactor, parsePOSTFormSubmission=False)
        self.head_time = head_time
        self.proxies = proxies
        self.observer = observer
        self._connections = connections or Connections()
        self.is_draining = self.is_leaving = False
        self.rounds = Rounds(reactor)
        self.receivers = Receivers(reactor, self.rounds, hash_threads)
        self._grace = 0.0
        self._farewells: dict[StreamingChannel, IDelayedCall] = {}
        self._channels: set[StreamingChannel] = set()
        self._drained: Deferred[None] | None = None
        self._notice: Deferred[None] = succeed(None)

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/2 stays off: in Twisted it is six times slower, and early answers break it."""
        return [b"http/1.1"]

    def log(self, request: Any) -> None:
        """Called by Twisted when the response is complete."""
        self._over(streaming(request), is_whole=True)

    def broken_off(self, request: StreamingRequest) -> None:
        """The connection is gone, and the response was not complete."""
        self._over(request, is_whole=False)

    def _over(self, request: StreamingRequest, *, is_whole: bool) -> None:
        seconds = self.reactor.seconds() - request.begun
        first = request.first_byte
        answered = Answered(
            route=request.route,
            method=request.method.decode("ascii", "replace"),
            status=request.code,
            seconds=seconds,
            first_byte=None if first is None else first - request.begun,
            received=request.body.received,
            sent=request.sentLength,
            is_whole=is_whole,
        )
        self.observer.answered(answered)
        log_access(request, seconds, is_whole=is_whole)

    def startFactory(self) -> None:
        """Nothing of Twisted's own access log."""

    def stopFactory(self) -> None:
        """Nothing of Twisted's own access log."""

    # -- connections

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._channels)

    @property
    def is_ending(self) -> bool:
        """Whether whoever comes again should go elsewhere: nobody will succeed us here."""
        return self.is_draining and not self._grace

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A connection, or None when it is to be closed at once."""
        return None if self._connections.is_flooded else super().buildProtocol(addr)

    def channel_opened(self, channel: StreamingChannel) -> bool:
        """Whether there is room for one more connection; if not, it is to be told so and closed."""
        self._channels.add(channel)
        host: str | None = getattr(channel.getPeer(), "host", None)
        # Behind a proxy there are many clients, who come and go on its connections.
        matters = host is not None and not self.proxies.listed.has(host)
        return self._connections.admit(channel, source_of(host) if host and matters else None)

    def channel_closed(self, channel: StreamingChannel) -> None:
        self._channels.discard(channel)
        self._connections.gone(channel)
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
