"""What the tests of the cache share: caches without threads, images, and sources that count."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache.cache import ImageCache
from glancetx.cache.workers import Workers
from glancetx.copies import Original
from glancetx.deferreds import as_deferred
from glancetx.interfaces import IByteStream
from glancetx.testing.streams import END, HANG, RecordingConsumer, ScriptedStream, Then
from glancetx.testing.threads import InlineThreads
from glancetx.threads import Threads

KIB = 1024
MIB = 1024 * KIB

IMAGE_ID = "8f5d5a3e-6f3c-4c0e-9d1f-1d2c3b4a5f60"

#: Long enough that a meter, a reader and what is held back all work in several steps.
DATA = bytes(range(251)) * 12 * KIB


def workers(make: Callable[[], Threads] = InlineThreads) -> Workers:
    """Threads of a cache that do what they are asked at once, or as they are made."""
    return Workers(make(), make(), make(), make())


def make_cache(
    clock: Clock,
    directory: str,
    max_size: int = 1 << 30,
    stall_time: float = 60.0,
    threads: Workers | None = None,
) -> ImageCache:
    """A cache that has started."""
    cache = ImageCache(
        clock, directory, max_size, stall_time, InlineThreads(), threads or workers()
    )
    cache.startService()
    return cache


def original(data: bytes = DATA, image_id: str = IMAGE_ID, algorithm: str = "sha256") -> Original:
    """What a copy of these bytes must be like."""
    return Original(image_id, len(data), algorithm, hashlib.new(algorithm, data).hexdigest())


@define
class CountingSource:
    """
    Where an image lies: each `open` makes a stream that plays ``script``, or what is left of it.

    ``opened`` are the offsets and lengths that were asked for, ``streams`` what came of it.
    An ``error`` is raised instead.
    """

    data: bytes = DATA
    piece: int = 64 * KIB
    then: Then | BaseException = END
    error: Exception | None = None
    tells_length: bool = True
    opened: list[tuple[int, int | None]] = field(factory=list)
    streams: list[ScriptedStream] = field(factory=list)
    #: What waits until `let_in`, when there is a gate.
    gate: Deferred[None] | None = None

    def give(self, data: bytes) -> None:
        """Let the only stream that hangs go on by this much."""
        (stream,) = self.streams
        stream._script = iter([data])
        stream._play()

    def finish(self) -> None:
        """Let it end."""
        (stream,) = self.streams
        stream.finish()

    async def __call__(self, offset: int = 0, length: int | None = None) -> IByteStream:
        self.opened.append((offset, length))
        if self.gate is not None:
            await self.gate
        if self.error is not None:
            raise self.error
        end = len(self.data) if length is None else offset + length
        part = self.data[offset:end]
        stream = ScriptedStream(self._pieces(part), self.then)
        stream.length = len(part) if self.tells_length else None
        self.streams.append(stream)
        return stream

    def _pieces(self, data: bytes) -> Iterable[bytes]:
        return (data[each : each + self.piece] for each in range(0, len(data), self.piece))


class Reader:
    """Somebody who downloads; ``flow`` fires when he has all, or fails with the reason."""

    def __init__(self, stream: IByteStream, consumer: RecordingConsumer) -> None:
        self.consumer = consumer
        self.flow = as_deferred(stream.flow_to(consumer))

    @property
    def size(self) -> int:
        return self.consumer.size


class CacheCase(SynchronousTestCase):
    """A cache on a real directory, whose threads do everything at once."""

    max_size = 1 << 30
    stall_time = 60.0

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.directory = self.mktemp()
        self.cache = self.make_cache()
        self.source = CountingSource()
        self.addCleanup(self.assert_at_rest)

    def make_cache(self, **options: Any) -> ImageCache:
        """Another cache on the same directory, as another process would have it."""
        options = {"max_size": self.max_size, "stall_time": self.stall_time, **options}
        cache = make_cache(self.clock, self.directory, **options)
        self.addCleanup(lambda: self.successResultOf(cache.stopService()))
        return cache

    def assert_at_rest(self) -> None:
        """Nothing is left that waits for time."""
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def do(self, work: Any) -> Any:
        """The result of work that waits for nothing."""
        return self.successResultOf(as_deferred(work))

    def fails(self, work: Any, error: type[BaseException]) -> Any:
        """The error of work that waits for nothing."""
        return self.failureResultOf(as_deferred(work), error).value

    def settle(self) -> None:
        """Let what was put off to the next turn of the reactor happen, and others be looked at."""
        for _ in range(3):
            self.clock.advance(0.05)

    def read(
        self,
        cache: ImageCache | None = None,
        wanted: Original | None = None,
        source: CountingSource | None = None,
        **consumer: Any,
    ) -> Reader:
        """Somebody begins to download the whole image."""
        opened = (cache or self.cache).open(wanted or original(), source or self.source)
        return Reader(self.do(opened), RecordingConsumer(**consumer))

    def cached(self, cache: ImageCache | None = None) -> list[str]:
        """The ids of all copies."""
        return [each.image_id for each in self.do((cache or self.cache).entries())]

    def assert_got_all(self, *readers: Reader) -> None:
        """Their downloads are over, and whole."""
        for reader in readers:
            self.successResultOf(reader.flow)
            self.assertEqual(reader.consumer.data, DATA)


class HangingCase(CacheCase):
    """The source has given its first MiB, and hangs."""

    half = MIB

    def setUp(self) -> None:
        super().setUp()
        self.source = half_source()

    def bring_rest(self, rest: bytes = DATA[MIB:]) -> None:
        """The source gives the rest, and ends."""
        self.source.give(rest)
        self.source.finish()


def half_source() -> CountingSource:
    """A source that gives the first MiB, and hangs."""
    return CountingSource(then=HANG, data=DATA[:MIB], tells_length=False)
