"""The body of a request, as a byte stream under its consumer's back-pressure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from glancetx.errors import BodyCutShort, ConsumerGone, GlanceError
from glancetx.interfaces import IByteStream


@implementer(IByteStream, IPushProducer)
class RequestBody:
    """
    The bytes of one request's body, while they come in.

    Until somebody takes them they stay in the network: what one read of the socket brought waits
    here, and pauses the transport.

    ``length`` is what was announced, or None for a chunked body; ``received`` counts bytes.
    ``is_flowing`` is true while the next bytes would be taken: then it is the client we wait for.
    ``begin`` is called when the first reader comes: that is when a waiting client is told to go on.
    """

    def __init__(self, network: IPushProducer, begin: Callable[[], None]) -> None:
        self.length: int | None = None
        self.received = 0
        self.is_complete = False
        self.is_flowing = False
        self._network = network
        self._begin = begin
        self._pending: deque[bytes] = deque()
        self._consumer: IConsumer | None = None
        self._done: Deferred[None] | None = None
        self._lost: GlanceError | None = None
        self._was_poured = False
        self._is_delivering = False

    @property
    def is_broken(self) -> bool:
        """Whether the rest will never come."""
        return self._lost is not None

    @property
    def remaining(self) -> float:
        """How many bytes are still to come; infinitely many when nobody knows."""
        return float("inf") if self.length is None else self.length - self.received

    # -- the stream

    def flow_to(self, consumer: IConsumer) -> Deferred[None]:
        if self._was_poured:
            raise RuntimeError("a request body can be read once")
        self._was_poured = True
        if self._lost is not None:
            return fail(self._lost)
        self._consumer = consumer
        done = self._done = Deferred(self._cancel)
        self.is_flowing = True
        consumer.registerProducer(self, True)
        # The consumer may have paused or stopped us already.
        if self._consumer is not None:
            self._begin()
        if self.is_flowing:
            self.resumeProducing()
        return done.addBoth(_unregister, consumer)

    def pauseProducing(self) -> None:
        self.is_flowing = False
        if not self.is_complete:
            self._network.pauseProducing()

    def resumeProducing(self) -> None:
        if self._consumer is None:
            return
        self.is_flowing = True
        if self._is_delivering:
            # The consumer resumes us while we write to it: that loop goes on.
            self._network.resumeProducing()
            return
        self._deliver_pending()
        if not self.is_flowing or self._consumer is None:
            return
        if self.is_complete:
            self._end(None)
        # Also when all is in: a paused transport does not notice that the client left.
        self._network.resumeProducing()

    def stopProducing(self) -> None:
        done = self._abandon()
        if done is not None:
            done.errback(ConsumerGone())

    def discard(self, limit: int) -> None:
        """Throw away up to ``limit`` bytes of the rest; what is beyond stays in the network."""
        self._abandon()
        self._was_poured = True
        self._consumer = _Nowhere(self, limit)
        self.is_flowing = True
        self._network.resumeProducing()

    # -- what the channel reports

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        self._pending.append(data)
        if self.is_flowing and not self._is_delivering:
            self._deliver_pending()
        if self._pending:
            self._network.pauseProducing()

    def all_received(self) -> None:
        self.is_complete = True
        if self.is_flowing and not self._pending:
            self._end(None)

    def cut_short(self) -> None:
        """No more will come, although more was owed."""
        if self.is_complete or self._lost is not None:
            return
        self._lost = BodyCutShort()
        self.is_flowing = False
        self._pending.clear()
        self._end(self._lost)

    # -- inside

    def _deliver_pending(self) -> None:
        self._is_delivering = True
        try:
            while self._pending and self.is_flowing and self._consumer is not None:
                self._consumer.write(self._pending.popleft())
        finally:
            self._is_delivering = False

    def _end(self, error: GlanceError | None) -> None:
        self._consumer = None
        done, self._done = self._done, None
        if done is None:
            return
        if error is None:
            done.callback(None)
        else:
            done.errback(error)

    def _cancel(self, _: Deferred[None]) -> None:
        self._abandon()

    def _abandon(self) -> Deferred[None] | None:
        """Nobody wants the rest; it stays in the network until the response is out."""
        done, self._done = self._done, None
        self._consumer = None
        self._pending.clear()
        self.pauseProducing()
        return done


def _unregister(result: object, consumer: IConsumer) -> object:
    consumer.unregisterProducer()
    return result


@implementer(IConsumer)
class _Nowhere:
    """Keeps nothing, and pauses its producer when it was given more than ``room`` bytes."""

    def __init__(self, producer: IPushProducer, room: int) -> None:
        self._producer = producer
        self._room = room

    def registerProducer(self, producer: object, streaming: bool) -> None:
        pass

    def unregisterProducer(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            self._producer.pauseProducing()
