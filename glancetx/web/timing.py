"""How long a client may take for the head of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from glancetx.web.framing import TOO_SLOW, StrictChannel

if TYPE_CHECKING:
    from glancetx.web.site import StreamingSite


class Deadline:
    """
    Calls ``expired`` when something has not come in ``total`` seconds, once it is begun.

    Or, once a part of it has come, when ``idle`` seconds pass without another part.
    None lets it last for ever.
    """

    def __init__(
        self,
        clock: IReactorTime,
        total: float | None,
        idle: float | None,
        expired: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._total = float("inf") if total is None else total
        self._idle = float("inf") if idle is None else idle
        self._expired = expired
        self._ends_at = self._silent_until = float("inf")
        self._watch: IDelayedCall | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is begun and not over."""
        return self._watch is not None

    def begin(self) -> None:
        """From now on time passes."""
        self._ends_at = self._clock.seconds() + self._total
        self._silent_until = float("inf")
        self._wait()

    def heard(self) -> None:
        """A part has come, perhaps the first one."""
        if not self.is_running:
            self._ends_at = self._clock.seconds() + self._total
        self._silent_until = self._clock.seconds() + self._idle
        self._wait()

    def over(self) -> None:
        """All of it has come, or nobody waits any more."""
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()

    def _wait(self) -> None:
        self.over()
        left = min(self._ends_at, self._silent_until) - self._clock.seconds()
        if left < float("inf"):
            self._watch = self._clock.callLater(max(0, left), self._expire)

    def _expire(self) -> None:
        self._watch = None
        self._expired()


class PunctualChannel(StrictChannel):
    """
    A connection whose client has only so much time to send the head of a request.

    For the first one the time begins when the client connects, and includes the handshake of TLS;
    for later ones with the first byte.
    """

    site: StreamingSite
    _head: Deadline | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        total, idle = self.site.head_time
        if total is not None or idle is not None:
            self._head = Deadline(self.site.reactor, total, idle, self._head_is_late)
            self._head.begin()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._head is not None:
            self._head.over()
        super().connectionLost(reason)

    @property
    def is_within_head(self) -> bool:
        """Whether a part of a request's head has come, and a part has not."""
        return bool(self.line_mode and (self._buffer or self._receivedHeaderSize))

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        if self._head is not None and self.is_within_head and not self.is_deaf:
            self._head.heard()

    def allHeadersReceived(self) -> None:
        if self._head is not None and self._head.is_running:
            self._head.over()
        super().allHeadersReceived()

    def _head_is_late(self) -> None:
        if self.is_within_head:
            self._stop_listening(TOO_SLOW)
        elif not self.is_deaf:
            # Whoever has asked for nothing might take our words for an answer to his next request.
            self.timeoutConnection()
