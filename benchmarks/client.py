"""
A client that costs less than any server: one process of it does one job after the other.

Each line of standard input is a job as JSON, each line of standard output what came of it.
Bodies are sent by sendfile(2) and received into one buffer, so that what is measured is the server.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.asking import ask_for_a_while
from benchmarks.warmth import Warmth

BUFFER = 1 << 20

#: Bytes that are sent before a server is given as much memory again.
STEP = 16 << 20

PATIENCE = 120.0


class Refused(Exception):
    """A server answered by anything but success."""


class Connection:
    """
    A connection that is kept; ``received`` counts the bytes of bodies.

    While a body is sent, as much of so many bytes of warm memory is given to whoever stores it.
    """

    def __init__(self, port: int, warmth: int = 0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self._warmth = Warmth(warmth) if warmth else None
        self.received = 0
        #: Seconds from the request to the first byte of the answer.
        self.first_byte = 0.0

    def close(self) -> None:
        self._socket.close()
        if self._warmth is not None:
            self._warmth.close()

    def ask(self, head: str, body: tuple[str, int] | None = None) -> None:
        """
        Send a request, with a file and so many bytes of it as its body, and take the answer in.

        :raises Refused: when it is no success, or ends too early.
        """
        begun = time.monotonic()
        self._socket.sendall(head.encode("latin-1"))
        if body is not None:
            self._send(*body)
        filled = self._socket.recv_into(self._buffer)
        self.first_byte = time.monotonic() - begun
        while filled and (end := self._buffer.find(b"\r\n\r\n", 0, filled)) < 0:
            more = self._socket.recv_into(self._view[filled:])
            filled = filled + more if more else 0
        if not filled or not self._buffer.startswith(b"HTTP/1.1 2"):
            raise Refused(bytes(self._buffer[: max(filled, 120)]).decode("latin-1"))
        fields = bytes(self._buffer[:end]).lower().split(b"\r\n")
        lengths = [int(each[15:]) for each in fields if each.startswith(b"content-length:")]
        self._take(sum(lengths) - (filled - end - 4))
        self.received += sum(lengths)

    def _send(self, path: str, size: int) -> None:
        with open(path, "rb", buffering=0) as file:
            for begin in range(0, size, STEP):
                if self._warmth is not None:
                    self._warmth.give(STEP)
                self._socket.sendfile(file, begin, min(STEP, size - begin))

    def _take(self, left: int) -> None:
        receive, buffer = self._socket.recv_into, self._buffer
        while left > 0:
            size = receive(buffer, min(left, BUFFER))
            if not size:
                raise Refused("the connection ended within a body")
            left -= size


def transfer(job: dict[str, Any], wait: Callable[[], None]) -> dict[str, Any]:
    """
    Several streams at once, each of which sends its requests one after the other.

    With ``seconds`` each of them begins anew until that time is over.
    ``warmth`` is how many bytes of warm memory are given to whoever stores what each of them sends.
    """
    streams: list[list[str]] = job["streams"]
    body = (job["file"], job["size"]) if job.get("file") else None
    connections = [Connection(job["port"], job.get("warmth", 0)) for _ in streams]
    wait()
    begun, spent = time.monotonic(), time.process_time()
    until = begun + job.get("seconds", 0.0)

    def run(connection: Connection, heads: list[str]) -> None:
        while True:
            for head in heads:
                connection.ask(head, body)
            if time.monotonic() >= until:
                return

    with ThreadPoolExecutor(len(streams)) as threads:
        list(threads.map(run, connections, streams))
    result = {
        "begun": begun,
        "ended": time.monotonic(),
        "spent": time.process_time() - spent,
        "received": sum(connection.received for connection in connections),
        "first_bytes": [connection.first_byte for connection in connections],
    }
    for connection in connections:
        connection.close()
    return result


def main() -> None:
    jobs = {"transfer": transfer, "ask": ask_for_a_while}

    def wait() -> None:
        """All processes begin together: when each of them is connected."""
        print("ready", flush=True)
        sys.stdin.readline()

    while line := sys.stdin.readline():
        job = json.loads(line)
        try:
            result = jobs[job["kind"]](job, wait)
        except (OSError, Refused) as error:
            result = {"error": str(error) or type(error).__name__}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        os._exit(1)
