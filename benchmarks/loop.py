"""
A plain blocking loop that receives a body, digests it and writes it: the least there is.

``python -m benchmarks.loop PORT DIRECTORY DIGEST...`` serves PUT and DELETE.
Each connection has a thread of its own.
It understands what `benchmarks.client` sends, and no more.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from collections.abc import Iterator

BUFFER = 1 << 20


def serve(connection: socket.socket, directory: str, digests: list[str]) -> None:
    """Answer the requests of one connection until it ends."""
    buffer = memoryview(bytearray(BUFFER))
    with connection:
        while filled := connection.recv_into(buffer[:4096]):
            head, _, rest = bytes(buffer[:filled]).partition(b"\r\n\r\n")
            method, target, _ = head.split(b" ", 2)
            path = os.path.join(directory, os.path.basename(target.decode()))
            if method == b"PUT":
                _take(connection, buffer, head, rest, path, digests)
            elif method == b"DELETE":
                os.unlink(path)
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def _take(
    connection: socket.socket,
    buffer: memoryview,
    head: bytes,
    rest: bytes,
    path: str,
    digests: list[str],
) -> None:
    left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    hashes = [hashlib.new(name, usedforsecurity=False) for name in digests]
    with open(path, "wb", buffering=0) as file:
        for piece in _pieces(connection, buffer, rest, left):
            for each in hashes:
                each.update(piece)
            while piece:
                piece = piece[file.write(piece) :]


def _pieces(
    connection: socket.socket, buffer: memoryview, rest: bytes, left: int
) -> Iterator[memoryview]:
    if rest:
        yield memoryview(rest)
    left -= len(rest)
    while left > 0:
        size = connection.recv_into(buffer[: min(left, BUFFER)])
        if not size:
            return
        left -= size
        yield buffer[:size]


def main() -> None:
    port, directory, *digests = sys.argv[1:]
    listening = socket.create_server(("127.0.0.1", int(port)), backlog=128)
    while True:
        connection, _ = listening.accept()
        arguments = (connection, directory, digests)
        threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
