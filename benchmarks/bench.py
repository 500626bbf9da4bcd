"""Everything that runs while measures are taken, and what is asked of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from benchmarks.client import Connection
from benchmarks.clients import PROCESSES, Clients
from benchmarks.processes import Server, free_port
from benchmarks.sources import Sources
from benchmarks.targets import CHUNKED, Request, Target

GB, GIB = 1e9, float(1 << 30)


@frozen
class Cost:
    """What some work took: of time, of the server's processors (seconds), and for how much."""

    seconds: float
    spent: float
    size: int
    results: Sequence[dict[str, Any]]

    def values(self) -> dict[str, float]:
        return {
            "GB/s": self.size / GB / self.seconds,
            "CPU s/GiB": self.spent / (self.size / GIB),
        }


@define
class Running:
    """A target that has been started, with an image of each size that is downloaded."""

    target: Target
    server: Server
    clients: Clients
    sources: Sources
    images: dict[int, str] = field(factory=dict, init=False)
    #: Resident memory of each process, in bytes, before it has done anything.
    idle: dict[int, int] = field(factory=dict, init=False)

    @classmethod
    def start(
        cls, target: Target, directory: Path, clients: Clients, sources: Sources, workers: int
    ) -> Running:
        """
        :raises NotStarted: when it does not answer.
        """
        place = directory / target.name
        place.mkdir()
        port = free_port()
        server = Server(target.prepared(place, port, workers), place, port)
        try:
            server.wait(target.ready)
        except BaseException:
            server.stop()
            raise
        running = cls(target, server, clients, sources)
        running.idle = server.memory()
        return running

    def image(self, size: int) -> str:
        """The id of an image of this size, uploaded when it is first asked for."""
        if size not in self.images:
            image_id = str(uuid.uuid4())
            self.upload([image_id], size)
            self.images[size] = image_id
        return self.images[size]

    def download(self, streams: int, size: int, times: int) -> Cost:
        """So many streams at once, each of which downloads so much so often."""
        head = self.get(size)
        return self._transfer([[head] * times] * streams, {}, streams * size * times)

    def get(self, size: int) -> str:
        """The head of a request for an image of this size."""
        if self.target.download is None:
            raise ValueError(f"{self.target.name} gives nothing")
        return self.target.download.head(self.image(size))

    def upload(self, image_ids: Sequence[str], size: int, framing: str = "") -> Cost:
        """An image of this size for each id, all at once, into memory that is warm."""
        job, line = self.body(size, framing)
        job["warmth"] = size
        streams = [[self.target.upload.head(image_id, line)] for image_id in image_ids]
        return self._transfer(streams, job, len(image_ids) * size)

    def body(self, size: int, framing: str = "") -> tuple[dict[str, Any], str]:
        """What a job says of a body of this size, and the line of the head."""
        path, length = self.sources.file(size, framing)
        line = f"Content-Length: {size}\r\n"
        if framing == CHUNKED:
            line = "Transfer-Encoding: chunked\r\n"
        return {"file": str(path), "size": length}, line

    def delete(self, image_ids: Sequence[str]) -> None:
        connection = Connection(self.server.port)
        for image_id in image_ids:
            connection.ask(self.target.delete.head(image_id))
        connection.close()

    def ask(self, name: str, seconds: float, connections: int) -> dict[str, Any]:
        """A job that sends the target's request of this name again and again."""
        request: Request = getattr(self.target, name)
        heads = [request.head(self.image(min(self.images, default=1 << 20)))]
        job = {"kind": "ask", "port": self.server.port, "seconds": seconds}
        return {**job, "connections": connections, "heads": heads}

    def timed(self, jobs: Sequence[dict[str, Any]], size: int = 0) -> Cost:
        """
        What jobs cost that run at the same time.

        :raises Failed: when one of them does not succeed.
        """
        before = self.server.seconds()
        results = self.clients.run(jobs)
        spent = self.server.seconds() - before
        begun = min(result["begun"] for result in results)
        ended = max(result["ended"] for result in results)
        return Cost(ended - begun, spent, size, results)

    def _transfer(self, streams: list[list[str]], job: dict[str, Any], size: int) -> Cost:
        shares = [streams[each::PROCESSES] for each in range(PROCESSES)]
        job = {"kind": "transfer", "port": self.server.port, **job}
        return self.timed([{**job, "streams": share} for share in shares if share], size)
