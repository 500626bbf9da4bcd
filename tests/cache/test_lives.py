"""Whatever happens in whatever order: copies are right, there is room, and every download ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from glancetx.cache import maker
from glancetx.cache.directory import Directory
from glancetx.cache.partial import Partial
from glancetx.cache.workers import Workers
from glancetx.deferreds import as_deferred
from glancetx.errors import ConsumerGone, StoreUnavailable
from glancetx.interfaces import IByteStream
from glancetx.testing.streams import END, HANG, RecordingConsumer, ScriptedStream
from glancetx.testing.threads import HeldThreads
from tests.cache.case import KIB, make_cache, original

PIECE = 40 * KIB

#: Any two fit into the cache, three do not.
CONTENTS = [bytes([65 + number]) * (150 * KIB + number) for number in range(3)]
ROOM = 320 * KIB

ONE_OF_TWO = st.integers(0, 1)
ANY = st.integers(0, 100)


class Tap(ScriptedStream):
    """What a store has of an image from somewhere on; a test lets it flow bit by bit."""

    def __init__(self, data: bytes) -> None:
        super().__init__([], HANG, len(data))
        self.left = [data[each : each + PIECE] for each in range(0, len(data), PIECE)]

    def flow(self, pieces: int) -> None:
        """Give so many pieces more; with the last one it ends."""
        flowing, self.left = self.left[:pieces], self.left[pieces:]
        if not self.was_poured:
            self.chunks = [*self.chunks, *flowing]
        self._script = chain(self._script, flowing)
        if not self.left:
            self.then = END
        if self.was_poured:
            self._play()


class Download:
    """Somebody who downloads through a process; ``result`` is known at the end."""

    def __init__(self, content: bytes, opening: Any, consumer: RecordingConsumer) -> None:
        self.content = content
        self.consumer = consumer
        self.results: list[Any] = []
        self.has_left = False
        self.work: Deferred[None] = as_deferred(self._download(opening))
        self.work.addBoth(self.results.append)

    async def _download(self, opening: Any) -> None:
        stream: IByteStream = await opening
        await stream.flow_to(self.consumer)

    def leave(self) -> None:
        self.has_left = True
        if self.consumer.is_registered:
            self.consumer.stop()
        else:
            self.work.cancel()


class Process:
    """A process with a cache; its threads do a job when they are told to."""

    def __init__(self, clock: Clock, directory: str) -> None:
        self.pools = [HeldThreads() for _ in range(4)]
        self.partials: list[Partial] = []
        self.downloads: list[Download] = []
        self.is_dead = False
        self.cache = make_cache(clock, directory, ROOM, 60.0, Workers(*self.pools))
        self._note_partials(self.cache._directory)

    def _note_partials(self, directory: Directory) -> None:
        begin = directory.begin

        def noted(*args: Any) -> Any:
            begun = begin(*args)
            if isinstance(begun, Partial):
                self.partials.append(begun)
            return begun

        vars(directory)["begin"] = noted

    def work(self, pool: int) -> None:
        if self.pools[pool].held:
            self.pools[pool].do_one()

    def work_off(self) -> None:
        while any(pool.held for pool in self.pools):
            for pool in self.pools:
                pool.do_all()

    def die(self) -> None:
        """As after kill -9: nothing is done any more, and the kernel frees its locks."""
        self.is_dead = True
        for partial in self.partials:
            fcntl.flock(partial.file.number, fcntl.LOCK_UN)
        self.cache._index.close()


class Lives(RuleBasedStateMachine):
    """Two processes on one directory, three images, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp()
        self.clock = Clock()
        self.taps: list[Tap] = []
        self.dead: list[Process] = []
        self.processes = [Process(self.clock, self.directory) for _ in range(2)]
        self.are_broken = False

    # -- what happens

    @rule(process=ONE_OF_TWO, image=st.integers(0, 2), pauses=st.booleans())
    def download(self, process: int, image: int, pauses: bool) -> None:
        where, content = self.processes[process], CONTENTS[image]
        wanted = original(content, f"image-{image}", "md5")

        async def source(offset: int, length: int | None) -> IByteStream:
            self.taps.append(Tap(content[offset:]))
            return self.taps[-1]

        consumer = RecordingConsumer(pause_after=1 if pauses else None)
        opening = where.cache.open(wanted, source)
        where.downloads.append(Download(content, opening, consumer))

    @rule(process=ONE_OF_TWO, image=st.integers(0, 2))
    def drop(self, process: int, image: int) -> None:
        dropping = as_deferred(self.processes[process].cache.drop(f"image-{image}"))
        dropping.addErrback(lambda failure: failure.trap(StoreUnavailable))

    @rule(process=ONE_OF_TWO, pool=st.integers(0, 3))
    def work(self, process: int, pool: int) -> None:
        self.processes[process].work(pool)

    @rule()
    def work_off(self) -> None:
        for process in self.processes:
            process.work_off()

    @rule(image=st.integers(0, 2))
    def want_the_same(self, image: int) -> None:
        for process in 0, 1:
            self.download(process, image, pauses=False)
            self.processes[process].work_off()

    @precondition(lambda self: self.taps)
    @rule(tap=ANY, pieces=st.integers(1, 4))
    def flow(self, tap: int, pieces: int) -> None:
        self.taps[tap % len(self.taps)].flow(pieces)

    @precondition(lambda self: self.taps)
    @rule(tap=ANY)
    def store_breaks(self, tap: int) -> None:
        stream = self.taps[tap % len(self.taps)]
        if stream.was_poured:
            stream.finish(StoreUnavailable())

    @precondition(lambda self: any(each.downloads for each in self.processes))
    @rule(which=ANY)
    def leave(self, which: int) -> None:
        downloads = list(self.alive())
        downloads[which % len(downloads)].leave()

    @precondition(lambda self: any(each.downloads for each in self.processes))
    @rule(which=ANY)
    def take_more(self, which: int) -> None:
        downloads = list(self.alive())
        consumer = downloads[which % len(downloads)].consumer
        if not consumer.is_gone:
            consumer.resume()

    @rule()
    def time_passes(self) -> None:
        self.clock.advance(0.03)

    @rule(process=ONE_OF_TWO)
    def kill(self, process: int) -> None:
        self.processes[process].die()
        self.dead.append(self.processes[process])
        self.processes[process] = Process(self.clock, self.directory)

    def alive(self) -> Iterator[Download]:
        for process in self.processes:
            yield from process.downloads

    # -- what is always so

    @invariant()
    def copies_are_right(self) -> None:
        images = Path(self.directory) / "images"
        for path in images.glob("*"):
            assert path.read_bytes() == CONTENTS[int(path.name[-1])], path.name

    @invariant()
    def there_is_room(self) -> None:
        images, partials = (Path(self.directory) / name for name in ("images", "partial"))
        kept = sum(path.stat().st_size for path in images.glob("*"))
        promised = sum(int(path.name.rpartition(".")[2]) for path in partials.glob("*"))
        assert kept + promised <= ROOM

    @invariant()
    def downloads_are_right(self) -> None:
        for download in self.alive():
            assert download.content.startswith(download.consumer.data)
            if download.results == [None]:
                assert download.consumer.data == download.content

    # -- how it ends

    def teardown(self) -> None:
        try:
            self.come_to_rest()
            self.check_rest()
        finally:
            for process in self.dead:
                # Python has no kill -9: what it would leave for ever waiting has to end somehow.
                process.cache.stopService()
                for download in process.downloads:
                    download.leave()
                process.work_off()
            shutil.rmtree(self.directory)

    def come_to_rest(self) -> None:
        """Everything that can go on goes on, until nothing does."""
        for _ in range(40):
            for process in self.processes:
                process.work_off()
            for tap in self.taps:
                tap.flow(len(tap.left))
            for download in self.alive():
                if not download.consumer.is_gone:
                    download.consumer.resume()
            self.clock.advance(0.03)

    def check_rest(self) -> None:
        for download in self.alive():
            assert len(download.results) == 1, "a download never ends"
            (result,) = download.results
            if isinstance(result, Failure) and not download.has_left:
                result.trap(StoreUnavailable)
            elif isinstance(result, Failure):
                result.trap(StoreUnavailable, ConsumerGone, Exception)
        for process in self.processes:
            assert not process.cache._flights, "a copy never ends"
            stopping = as_deferred(process.cache.stopService())
            process.work_off()
            assert stopping.called
        self.processes[0].cache._directory.set_up()
        assert os.listdir(Path(self.directory) / "partial") == []


class LivesTests(SynchronousTestCase):
    """Lives of two processes that share a cache."""

    def test_lives(self):
        """In 100 lives of 40 steps nothing goes wrong."""
        self.patch(maker, "MEMORY", 1)  # so that even small images come in several batches
        bounds = settings(max_examples=100, stateful_step_count=40, deadline=None, database=None)
        run_state_machine_as_test(Lives, settings=bounds)
