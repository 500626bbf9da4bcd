"""What is sent with a request, and how it gets into a connection at that connection's pace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface import implementer

from glancetx.deferreds import as_deferred, finish_first
from glancetx.httpclient.patience import Patience
from glancetx.interfaces import IByteStream
from glancetx.streams import from_chunks
from glancetx.streams.relay import Relay


class Content(Protocol):
    """
    The body of a request.

    ``length`` is in bytes, None when nobody knows.
    ``may_repeat`` says that it can be sent again when a connection broke.
    """

    @property
    def length(self) -> int | None: ...

    @property
    def may_repeat(self) -> bool: ...

    def open(self) -> IByteStream:
        """The bytes, for one try."""
        ...


@frozen
class Pieces:
    """Content that is in memory, in pieces, and may be sent again."""

    pieces: Sequence[bytes] = field(repr=False)
    length: int = field(init=False)
    may_repeat: bool = field(default=True, init=False)

    @length.default
    def _size(self) -> int:
        return sum(map(len, self.pieces))

    def open(self) -> IByteStream:
        return from_chunks(_each(self.pieces), self.length)


@frozen
class Flow:
    """Content that flows once; without a ``length`` it is sent in HTTP's chunks."""

    stream: IByteStream
    length: int | None
    may_repeat: bool = field(default=False, init=False)

    def open(self) -> IByteStream:
        return self.stream


async def _each(pieces: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


class _Unsent(Exception):
    """Tells the connection that there is no more to send; why is told to whoever asked."""


@implementer(IBodyProducer, IConsumer)
class Sending(Relay):
    """
    Content on its way into one connection: the only body producer of ours.

    ``patience`` runs while the connection takes nothing, and not while the content's own source
    lets us wait; that has its own limits.
    """

    def __init__(self, content: Content, patience: Patience) -> None:
        super().__init__()
        length = content.length
        self.length: Any = UNKNOWN_LENGTH if length is None else length
        #: What broke the content's own source.
        self.failure: Failure | None = None
        self.has_begun = False
        self.is_complete = False
        self._content = content
        self._patience = patience
        self._consumer: IConsumer | None = None
        self._flow: Deferred[None] | None = None
        self._sent: Deferred[None] = Deferred(lambda _: self.stopProducing())
        self._ended: Deferred[None] = Deferred()

    async def end(self) -> None:
        """Stop a source that has not ended, if it was ever asked, and wait until it has."""
        if not self.has_begun:
            return
        if not self.is_complete:
            self.stopProducing()
        await finish_first(self._ended)

    # -- towards the connection

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        self.has_begun = True
        self._patience.rest()
        self._consumer = consumer
        self._flow = as_deferred(self._content.open().flow_to(self))
        self._flow.addBoth(self._flowed)
        return self._sent

    def pauseProducing(self) -> None:
        if not self.is_complete:
            self._patience.wait_for_room()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        if not self.is_complete:
            self._patience.rest()
        super().resumeProducing()

    def _stop_waiting(self) -> None:
        if self._flow is not None:
            self._flow.cancel()

    # -- towards the source

    def write(self, data: bytes) -> None:
        if self._consumer is not None and not self.is_stopped:
            self._consumer.write(data)

    def _flowed(self, result: Any) -> None:
        self._consumer = None
        if not self.is_stopped:
            if isinstance(result, Failure):
                self.failure = result
                self._sent.errback(Failure(_Unsent()))
            else:
                self.is_complete = True
                self._patience.wait_for_head()
                self._sent.callback(None)
        self._ended.callback(None)
