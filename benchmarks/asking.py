"""Small requests over some connections, one after the other on each, for some time."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Any

BUFFER = 1 << 20


def ask_for_a_while(job: dict[str, Any], wait: Callable[[], None]) -> dict[str, Any]:
    """
    How many answers came in ``seconds``, and how long each was waited for (sorted seconds).

    ``heads`` are sent in turn over each of ``connections``; answers have no more than their head,
    or a Content-Length.
    """
    heads = [head.encode("latin-1") for head in job["heads"]]
    poll = select.epoll()
    connections: dict[int, socket.socket] = {}
    for _ in range(job["connections"]):
        connection = socket.create_connection(("127.0.0.1", job["port"]), 30.0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    wait()
    latencies: list[float] = []
    asked: dict[int, float] = {}
    begun = now = time.monotonic()
    until = begun + job["seconds"]
    for turn, (number, connection) in enumerate(connections.items()):
        asked[number] = time.monotonic()
        connection.sendall(heads[turn % len(heads)])
    while now < until:
        for number, _ in poll.poll():
            connection = connections[number]
            _receive(connection, is_head=heads[0].startswith(b"HEAD "))
            now = time.monotonic()
            latencies.append(now - asked[number])
            asked[number] = now
            connection.sendall(heads[len(latencies) % len(heads)])
    for connection in connections.values():
        connection.close()
    return {"begun": begun, "ended": now, "latencies": sorted(latencies)}


def _receive(connection: socket.socket, *, is_head: bool) -> None:
    data = connection.recv(BUFFER)
    while data and (end := data.find(b"\r\n\r\n")) < 0:
        more = connection.recv(BUFFER)
        data = data + more if more else b""
    if not data.startswith(b"HTTP/1.1 2"):
        raise OSError(data[:120].decode("latin-1") or "the server hung up")
    if is_head:
        return
    fields = data[:end].lower().split(b"\r\n")
    left = sum(int(each[15:]) for each in fields if each.startswith(b"content-length:"))
    left -= len(data) - end - 4
    while left > 0:
        size = len(connection.recv(BUFFER))
        if not size:
            raise OSError("the server hung up")
        left -= size
