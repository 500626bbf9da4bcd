"""Counting, hashing and limiting on the way through, once for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IProducer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from glancetx.deferreds import finish_first
from glancetx.digests import DEFAULT_DIGESTS
from glancetx.errors import ConsumerGone, TooLarge
from glancetx.interfaces import IByteStream
from glancetx.streams.hashing import Hashing
from glancetx.threads import Threads

KIB = 1024
SMALLEST_BATCH = 64 * KIB
#: What one read brings may be more; it goes on as it is then, without being copied.
LARGEST_BATCH = 1024 * KIB

#: Batches of one stream whose hashing is not done when its source is asked to wait; the store works
#: on one of these. When there are more streams than threads, others have work for them.
BACKLOG = 3
BACKLOG_IN_A_CROWD = 1

#: Of each stream as many batches more may be in memory: one that is being gathered, and what the
#: transport holds.
HELD_BESIDE = 2

#: Bytes of memory for the batches of all streams that are metered together.
MEMORY = 32 << 20


class Metering:
    """
    What all running meters share: the threads that hash, and a budget of memory in bytes.

    Batches shrink while many uploads run, so that all of them together keep to the budget.
    ``largest`` is for whoever wants bytes soon rather than cheaply.
    ``foremost`` has the first digest of a stream that is alone, which bounds it mostly: if all that
    is done with a batch shared the cores in equal parts, that digest would be kept waiting.
    """

    def __init__(
        self,
        threads: Threads,
        algorithms: Sequence[str] = DEFAULT_DIGESTS,
        memory: int = MEMORY,
        largest: int = LARGEST_BATCH,
        foremost: Threads | None = None,
    ) -> None:
        self.threads = threads
        self._foremost = foremost
        self.algorithms = tuple(algorithms)
        self._memory = memory
        self._largest = largest
        self.running = 0

    def meter(self, source: IByteStream, limit: int | None = None) -> Metered:
        """A meter around a stream that may bring at most ``limit`` bytes."""
        return Metered(self, source, limit)

    @property
    def foremost(self) -> Threads | None:
        """The threads of a stream's first digest, as things stand now, if they are others."""
        return self._foremost if self.running == 1 else None

    @property
    def backlog(self) -> int:
        """How many batches of a stream may wait to be hashed, as things stand now."""
        return BACKLOG if self.running <= self.threads.size else BACKLOG_IN_A_CROWD

    @property
    def batch_size(self) -> int:
        """How many bytes to gather before they go on, as things stand now."""
        share = self._memory // ((self.backlog + HELD_BESIDE) * max(self.running, 1))
        return min(max(share, SMALLEST_BATCH), self._largest)


@implementer(IByteStream, IConsumer, IPushProducer)
class Metered:
    """
    A stream that counts and hashes what passes, off the reactor, and stops at a limit.

    Chunks are gathered into batches: large enough that handing them to threads costs little.
    A batch goes on to the consumer at once, while its digests are computed beside.

    ``size`` is the number of bytes so far; ``digests`` is complete once the flow has ended.
    """

    def __init__(self, metering: Metering, source: IByteStream, limit: int | None = None) -> None:
        self.length = source.length
        self.size = 0
        self._metering = metering
        self._source = source
        self._limit = limit
        threads = metering.threads
        # A thread for each digest gains nothing when there are streams enough for all threads.
        is_alone = metering.running < threads.size
        self._hashing = Hashing(threads, metering.algorithms, in_parallel=is_alone)
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._backlog = 0
        self._hashed: Deferred[None] = succeed(None)
        self._failure: Failure | None = None
        self._consumer: IConsumer | None = None
        self._producer: IPushProducer | None = None
        self._consumer_pauses = False
        self._holding = False
        self._released: Deferred[None] | None = None

    @property
    def digests(self) -> Mapping[str, str]:
        """Algorithm → lower-case hex digest."""
        return self._hashing.digests

    # -- the stream

    async def flow_to(self, consumer: IConsumer) -> None:
        """
        As the source flows.

        :raises TooLarge: when more than the limit comes; nothing beyond it was passed on.
        """
        self._consumer = consumer
        self._metering.running += 1
        consumer.registerProducer(self, True)
        try:
            await self._pour()
        finally:
            self._consumer = None
            self._gathered.clear()
            consumer.unregisterProducer()
            try:
                # Batches in the hands of threads are memory still in use.
                await finish_first(self._hashed)
            finally:
                self._metering.running -= 1

    async def _pour(self) -> None:
        try:
            await self._source.flow_to(self)
        except Exception:
            # What a source says that we have stopped ourselves is not why this flow ends.
            if self._failure is None:
                raise
        while self._failure is None and self._consumer_pauses:
            self._released = Deferred()
            await self._released
        if self._failure is None:
            self._pass_on()
            await finish_first(self._hashed)
        if self._failure is not None:
            self._failure.raiseException()

    # -- towards the source

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        self._producer = IPushProducer(producer)
        self._holding = False
        if self._failure is not None:
            self._producer.stopProducing()
        self._balance()

    def unregisterProducer(self) -> None:
        self._producer = None

    def write(self, data: bytes) -> None:
        if self._failure is not None:
            return
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            self._fail(
                Failure(
                    TooLarge(f"Denying attempt to upload image larger than {self._limit} bytes.")
                )
            )
            return
        self._gathered.append(data)
        self._gathered_size += len(data)
        self._pass_on_full_batch()

    # -- towards the consumer

    def pauseProducing(self) -> None:
        self._consumer_pauses = True
        self._balance()

    def resumeProducing(self) -> None:
        self._consumer_pauses = False
        self._release()
        self._pass_on_full_batch()
        self._balance()

    def stopProducing(self) -> None:
        self._fail(Failure(ConsumerGone()))

    # -- between

    def _pass_on_full_batch(self) -> None:
        # A source may be in the middle of several writes when it is paused.
        if self._gathered_size >= self._metering.batch_size and not self._consumer_pauses:
            self._pass_on()

    def _pass_on(self) -> None:
        batch = b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_size = 0
        if not batch or self._consumer is None:
            return
        self._backlog += 1
        done = self._hashing.update(batch, self._metering.foremost)
        self._hashed = done.addCallbacks(lambda _: self._batch_hashed(), self._not_hashed)
        self._consumer.write(batch)
        self._balance()

    def _batch_hashed(self) -> None:
        self._backlog -= 1
        self._balance()

    def _not_hashed(self, failure: Failure) -> None:
        self._fail(failure)

    def _balance(self) -> None:
        """Hold the source while the consumer or the hashing is behind."""
        hold = self._consumer_pauses or self._backlog >= self._metering.backlog
        if self._producer is None or self._failure is not None or hold == self._holding:
            return
        self._holding = hold
        if hold:
            self._producer.pauseProducing()
        else:
            self._producer.resumeProducing()

    def _fail(self, failure: Failure) -> None:
        if self._failure is None:
            self._failure = failure
            if self._producer is not None:
                self._producer.stopProducing()
            self._release()

    def _release(self) -> None:
        released, self._released = self._released, None
        if released is not None:
            released.callback(None)
