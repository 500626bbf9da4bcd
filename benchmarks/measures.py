"""What is measured, and in which units."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from functools import partial

from attrs import frozen

from benchmarks.bench import GB, GIB, Running
from benchmarks.seed import seed
from benchmarks.sources import MIB
from benchmarks.targets import CHUNKED, GLANCETX, LENGTH

Values = dict[str, float]

#: How often a single stream downloads its image: one is over too soon to be measured.
TIMES = 4

#: Streams at once.
STREAMS = (1, 16, 64)

#: Images in the registry when lists are measured.
LISTED = 100_000

HEAD_CONNECTIONS = 8

#: Bytes per second that no server of two cores takes in.
FASTEST_UPLOAD = 1 << 30


@frozen
class Scale:
    """
    Bytes that a single stream moves, and seconds of measures by time.

    Many streams move two to sixteen times as much together.
    """

    size: int
    seconds: float

    def share(self, streams: int) -> int:
        return self.size // streams // MIB * MIB or MIB


@frozen
class Measure:
    """Something that a target is asked to do, once in each round."""

    name: str
    take: Callable[[Running, Scale], Values]
    #: Whether a target can be measured so.
    fits: Callable[[Running], bool] = lambda running: True


def download(streams: int, running: Running, scale: Scale) -> Values:
    # Of a small image most of the cost would be that of the request.
    size = scale.share(min(streams, 4))
    return running.download(streams, size, TIMES if streams == 1 else 1).values()


def upload(streams: int, framing: str, running: Running, scale: Scale) -> Values:
    image_ids = [str(uuid.uuid4()) for _ in range(streams)]
    # Large enough that it is the bytes that cost, and little enough for the disk.
    size = scale.share(streams // 2 or 1)
    cost = running.upload(image_ids, size, framing)
    running.delete(image_ids)
    return cost.values()


def first_byte(running: Running, scale: Scale) -> Values:
    """Of an image that is asked for over a new connection."""
    waits = []
    for _ in range(20):
        cost = running.download(1, min(running.images, default=MIB), 1)
        waits += cost.results[0]["first_bytes"]
    return {"ms p50": sorted(waits)[len(waits) // 2] * 1000}


def memory(running: Running, scale: Scale) -> Values:
    """The most of a worker, above what it needs when it is idle, with 64 transfers each way."""
    running.server.forget_memory()
    upload(64, LENGTH, running, scale)
    upload(64, CHUNKED, running, scale)
    download(64, running, scale)
    peaks = running.server.memory()
    return {"MiB over idle": max(peaks[pid] - running.idle.get(pid, 0) for pid in peaks) / MIB}


def ask(name: str, running: Running, scale: Scale) -> Values:
    own = running.server.own_seconds()
    cost = running.timed([running.ask(name, scale.seconds, HEAD_CONNECTIONS)])
    own = running.server.own_seconds() - own
    latencies = cost.results[0]["latencies"]
    return {
        "requests/s": len(latencies) / cost.seconds,
        **quantiles(latencies),
        "CPU µs": cost.spent / len(latencies) * 1e6,
        "of these own": own / len(latencies) * 1e6,
    }


def listing(running: Running, scale: Scale) -> Values:
    if running.target.name == GLANCETX:
        seed(running, LISTED)
    return ask("list", running, scale)


def head_meanwhile(direction: str, running: Running, scale: Scale) -> Values:
    """The latency of a HEAD while 16 transfers run."""
    size, seconds = scale.share(16), scale.seconds
    job = {"kind": "transfer", "port": running.server.port}
    image_ids: list[str] = []
    if direction == "upload":
        # As many as are still under way when the time for asking is over.
        times = max(1, round(seconds * FASTEST_UPLOAD / scale.size))
        image_ids = [str(uuid.uuid4()) for _ in range(16 * times)]
        body, line = running.body(size)
        heads = [running.target.upload.head(each, line) for each in image_ids]
        job |= {**body, "streams": [heads[each::16] for each in range(16)]}
    else:
        job |= {"streams": [[running.get(size)]] * 16, "seconds": seconds}
    # One after the other: how long it takes, not how many there can be.
    cost = running.timed([running.ask("head", seconds, 1), job])
    running.delete(image_ids)
    return quantiles(cost.results[0]["latencies"])


def quantiles(latencies: list[float]) -> Values:
    """Milliseconds, from sorted seconds."""
    return {f"ms p{each}": latencies[len(latencies) * each // 100] * 1000 for each in (50, 99)}


def digest_alone(scale: Scale) -> Values:
    """What hashlib's MD5 does with bytes that are there already."""
    block, begun, spent = bytes(MIB), time.monotonic(), time.process_time()
    digest = hashlib.md5(usedforsecurity=False)
    for _ in range(0, scale.size, MIB):
        digest.update(block)
    spent = time.process_time() - spent
    seconds = time.monotonic() - begun
    return {"GB/s": scale.size / GB / seconds, "CPU s/GiB": spent / (scale.size / GIB)}


def measures(only: Collection[str]) -> Iterator[Measure]:
    """All of them, or those whose names contain one of these words."""
    for measure in _all():
        if not only or any(word in measure.name for word in only):
            yield measure


def _all() -> Iterator[Measure]:
    for streams in STREAMS:
        yield Measure(f"download {streams}", partial(download, streams), _gives)
    for framing in (LENGTH, CHUNKED):
        for streams in STREAMS:
            take = partial(upload, streams, framing)
            yield Measure(f"upload {streams} {framing}", take, partial(_takes, framing))
    yield Measure("first byte", first_byte, _gives)
    yield Measure("memory 64", memory, _is_ours)
    yield Measure("HEAD", partial(ask, "head"), lambda running: running.target.head is not None)
    yield Measure("HEAD during 16 downloads", partial(head_meanwhile, "download"), _is_ours)
    yield Measure("HEAD during 16 uploads", partial(head_meanwhile, "upload"), _is_ours)
    yield Measure("list 25", listing, lambda running: running.target.list is not None)


def _gives(running: Running) -> bool:
    return running.target.download is not None


def _takes(framing: str, running: Running) -> bool:
    return framing in running.target.framings


def _is_ours(running: Running) -> bool:
    return running.target.name == GLANCETX
