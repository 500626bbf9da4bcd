"""How one body comes from its socket: when, and how much of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from glancetx.web.receivers import SMALLEST_READ
from glancetx.web.transports import below_tls, socket_below, unread

if TYPE_CHECKING:
    from glancetx.web.body import RequestBody
    from glancetx.web.channel import StreamingChannel

#: There is room for a whole read before it is known how little comes: reads are small after so
#: many that brought next to nothing.
TINY, MOST_TINY = 1 << 10, 100

#: Under TLS a read is handed over in records, by a loop that nobody can interrupt: it must not
#: bring more chunks than are taken apart at once.
LARGEST_CHUNKED_READ_OF_TLS = 256 << 10


@implementer(IPushProducer)
class Receiving:
    """
    What a body pauses and resumes: the transport, and the patience with its client.

    While the body is read it is one of the site's receivers.
    ``is_waiting`` is true while others have their turn to read.
    """

    def __init__(self, channel: StreamingChannel) -> None:
        self._channel = channel
        self._receivers = channel.site.receivers
        #: While somebody reads it.
        self._body: RequestBody | None = None
        self._is_paused = False
        #: Whether it waits to read much, and whether it does so now.
        self.is_waiting = False
        self._is_reading = False
        self._tiny = 0

    # -- what the request reports

    def begin(self, body: RequestBody) -> None:
        """Somebody reads the body."""
        self._body = body
        self._receivers.join()
        self._fit()

    def piece_came(self, size: int) -> None:
        """So many bytes of it came, at once."""
        if size >= TINY:
            self._tiny = 0
            return
        self._tiny += 1
        if self._tiny == MOST_TINY:
            self._set_read_size(SMALLEST_READ)

    def end(self) -> None:
        """All of it is in, or nothing more will come."""
        if self._body is not None:
            self._body, self.is_waiting = None, False
            self._receivers.leave(self)
            self._set_read_size(SMALLEST_READ)

    def caught_up(self) -> None:
        """Whatever was read has been looked at, which had to be done before more is read."""
        if not self._is_paused:
            self.resumeProducing()

    def stay_paused(self) -> None:
        """The transport was let go on; it is to wait if there is a reason why it did."""
        if self._is_paused or self.is_waiting or self._channel.is_behind:
            self._channel.transport.pauseProducing()

    # -- what the body asks for

    def pauseProducing(self) -> None:
        self._is_paused = True
        if self.is_waiting:
            self.is_waiting = False
            self._receivers.withdraw(self)
        self._channel.transport.pauseProducing()

    def resumeProducing(self) -> None:
        # So far it was we who kept the client waiting.
        self._channel.resetTimeout()
        self._is_paused = False
        if self._channel.is_behind:
            # Called again when it has caught up.
            return
        if self._is_reading:
            self._channel.transport.resumeProducing()
        elif not self.is_waiting:
            self._receivers.give_back(self)
            self.is_waiting = self._has_much() and self._receivers.ask(self)
            if not self.is_waiting:
                self.read_on()

    def stopProducing(self) -> None:
        raise NotImplementedError("a body does not close its connection")

    # -- what receivers do

    def read_much(self) -> int:
        body = self._body
        if body is None or not (self.is_waiting and self._receivers.has_turn(self)):
            return 0
        self.is_waiting, self._is_reading, before = False, True, body.received
        transport = self._channel.transport
        # Not much of what comes behind the body, which nobody waits for yet.
        self._set_read_size(
            int(min(self._receivers.large_read, max(body.remaining, SMALLEST_READ)))
        )
        # Whoever pauses it from now on has the last word.
        transport.resumeProducing()
        try:
            if transport.connected:
                # If the client turns out to be gone, the reactor will find that again.
                transport.doRead()
        except BaseException:
            # As the reactor would.
            self._receivers.give_back(self)
            transport.abortConnection()
            raise
        finally:
            self._is_reading = False
            self._fit()
        if not (self._is_paused or self._channel.is_behind):
            self._receivers.give_back(self)
        return body.received - before

    def read_on(self) -> None:
        self.is_waiting = False
        self._fit()
        self._channel.transport.resumeProducing()

    def _has_much(self) -> bool:
        """Whether there is more to be read now than its share."""
        if self._body is None:
            return False
        socket, share = socket_below(self._channel.transport), self._receivers.share
        is_more = share < self._receivers.large_read
        return socket is not None and is_more and min(unread(socket), self._body.remaining) > share

    # -- the size of reads

    def _fit(self) -> None:
        """Let a read of the socket bring as much as there is room for, with those who send now."""
        if self._body is None or self._tiny >= MOST_TINY:
            return
        size = self._receivers.share
        if self._body.length is None and self._channel.isSecure():
            size = min(size, LARGEST_CHUNKED_READ_OF_TLS)
        self._set_read_size(size)

    def _set_read_size(self, size: int) -> None:
        transport: Any = below_tls(self._channel.transport)
        if hasattr(transport, "bufferSize"):
            transport.bufferSize = size
