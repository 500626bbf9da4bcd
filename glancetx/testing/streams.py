"""Both ends of a stream, for tests: a source that plays a script, and a consumer that records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import Enum, auto

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IProducer, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from glancetx.errors import ConsumerGone
from glancetx.interfaces import IByteStream

_log = Logger()


class Then(Enum):
    """How a script goes on after its last chunk, if not by an error."""

    END = auto()
    HANG = auto()


END = Then.END
HANG = Then.HANG


@implementer(IByteStream, IPushProducer)
@define(eq=False)
class ScriptedStream:
    """
    A stream that plays a script: first the chunks, ``then`` `END`, `HANG`, or an exception.

    Chunks are taken from the iterable one by one, as the consumer wants them, so a lazy one may
    go on for gigabytes.
    One that hangs goes on when the test calls `finish`.
    ``length`` is whatever the test wants the stream to promise.
    """

    chunks: Iterable[bytes] = ()
    then: Then | BaseException = END
    length: int | None = None

    #: What has happened so far.
    was_poured: bool = field(default=False, init=False)
    was_stopped: bool = field(default=False, init=False)
    was_cancelled: bool = field(default=False, init=False)
    has_ended: bool = field(default=False, init=False)
    is_paused: bool = field(default=False, init=False)
    pauses: int = field(default=0, init=False)
    resumes: int = field(default=0, init=False)
    #: How many bytes were written to the consumer.
    written: int = field(default=0, init=False)

    _script: Iterator[bytes] = field(factory=lambda: iter(()), init=False)
    _consumer: IConsumer | None = field(default=None, init=False)
    _flow: Deferred[None] = field(factory=Deferred, init=False)
    _is_playing: bool = field(default=False, init=False)

    def flow_to(self, consumer: IConsumer) -> Deferred[None]:
        if self.was_poured:
            raise RuntimeError("a stream is poured only once")
        self.was_poured = True
        self._script = iter(self.chunks)
        self._consumer = consumer
        self._flow = Deferred(self._cancelled)
        flow = self._flow
        consumer.registerProducer(self, True)
        self._play()
        return flow

    def finish(self, how: Then | BaseException = END) -> None:
        """End a script that hangs, well or by an error."""
        if self.has_ended:
            return
        self.has_ended = True
        self._leave()
        if isinstance(how, BaseException):
            self._flow.errback(Failure(how))
        else:
            self._flow.callback(None)

    def _play(self) -> None:
        # A consumer may resume us while we write to it: the loop below goes on then.
        if self._is_playing:
            return
        self._is_playing = True
        try:
            while not self.is_paused and not self.has_ended and self._consumer is not None:
                chunk = next(self._script, None)
                if chunk is None:
                    if self.then is not HANG:
                        self.finish(self.then)
                    return
                self.written += len(chunk)
                self._consumer.write(chunk)
        finally:
            self._is_playing = False

    def _cancelled(self, _: Deferred[None]) -> None:
        self.was_cancelled = True
        self.has_ended = True
        self._leave()

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.unregisterProducer()

    def pauseProducing(self) -> None:
        self.pauses += 1
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.resumes += 1
        self.is_paused = False
        self._play()

    def stopProducing(self) -> None:
        self.was_stopped = True
        self.finish(ConsumerGone())


@implementer(IConsumer)
@define(eq=False)
class RecordingConsumer:
    """
    A consumer that records what it is given, and makes the test fail when it is mistreated.

    It pauses its producer once it has ``pause_after`` bytes, and stops it once it has
    ``stop_after``; the test may call `pause`, `resume` and `stop` at any time.
    With ``keep=False`` it keeps only `size` and `md5`, for streams larger than memory.

    A write while paused or without a producer raises AssertionError and is logged as one, so
    that a trial test fails also when the stream swallows it.
    """

    pause_after: int | None = None
    stop_after: int | None = None
    keep: bool = True

    writes: list[bytes] = field(factory=list, init=False)
    size: int = field(default=0, init=False)
    producer: IPushProducer | None = field(default=None, init=False)
    #: How often a producer came, so that one knows whether there ever was one.
    registrations: int = field(default=0, init=False)
    is_paused: bool = field(default=False, init=False)
    is_gone: bool = field(default=False, init=False)
    _md5: hashlib._Hash = field(factory=hashlib.md5, init=False)

    @property
    def data(self) -> bytes:
        """All bytes so far."""
        return b"".join(self.writes)

    @property
    def md5(self) -> str:
        """The digest of all bytes so far, in hex."""
        return self._md5.hexdigest()

    @property
    def is_registered(self) -> bool:
        return self.producer is not None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if self.producer is not None:
            self._complain("a second producer was registered")
        if not streaming:
            self._complain("a pull producer was registered")
        self.registrations += 1
        self.producer = IPushProducer(producer)
        self._do_as_told()

    def unregisterProducer(self) -> None:
        if self.producer is None:
            self._complain("a producer was unregistered that never was registered")
        self.producer = None

    def write(self, data: bytes) -> None:
        if self.producer is None:
            self._complain("written to without a producer")
        if self.is_paused:
            self._complain("written to while paused")
        if self.is_gone:
            self._complain("written to after stopProducing")
        if not isinstance(data, bytes):
            self._complain(f"given {type(data).__name__} instead of bytes")
        if self.keep:
            self.writes.append(data)
        self._md5.update(data)
        self.size += len(data)
        self._do_as_told()

    def _do_as_told(self) -> None:
        if self.stop_after is not None and self.size >= self.stop_after:
            self.stop()
        elif self.pause_after is not None and self.size >= self.pause_after:
            self.pause_after = None
            self.pause()

    def pause(self) -> None:
        """Ask the producer to wait; does nothing when there is none."""
        if self.producer is not None:
            self.is_paused = True
            self.producer.pauseProducing()

    def resume(self) -> None:
        """Let the producer go on, and do not pause it by ourselves any more."""
        # A test that resumes us before the first byte has come does not mean to wait for ever.
        self.pause_after = None
        self.is_paused = False
        if self.producer is not None:
            self.producer.resumeProducing()

    def stop(self) -> None:
        """Tell the producer that we want no more."""
        self.is_gone = True
        if self.producer is not None:
            self.producer.stopProducing()

    def _complain(self, sentence: str) -> None:
        error = AssertionError(sentence)
        _log.failure("mistreated consumer", Failure(error))
        raise error
