"""Requests of clients who send at their own pace, and when each answer was there to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from select import select
from time import monotonic
from typing import Any

from attrs import field, frozen

#: The seconds that any answer may take.
PATIENCE = 40


@frozen
class Answer:
    """
    What came of a request that ``began`` then; ``status`` is None when the connection broke first.

    It ``came`` before the request had been sent as a whole, maybe: a client that sends slowly looks
    at it much later. Both moments are those of the monotonic clock.
    """

    began: float
    came: float
    status: int | None = None
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, method: str, path: str, headers: dict[str, str], body: Iterator[bytes] | None = None
) -> Answer:
    """The answer, read also when the daemon did not want all of the body."""
    began = monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    watched = None if body is None else _Watched(connection, body)
    try:
        try:
            is_chunked = "Transfer-Encoding" in headers
            connection.request(method, path, watched, headers, encode_chunked=is_chunked)
        except (BrokenPipeError, ConnectionResetError):
            # It may have answered before it had all.
            if connection.sock is None:
                raise
        response = connection.getresponse()
        came = (watched and watched.answered) or monotonic()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(began, came, response.status, names, response.read())
    except (OSError, HTTPException):
        return Answer(began, monotonic())
    finally:
        connection.close()


class _Watched:
    """A body, and the moment at which the first of the answer was seen while it was sent."""

    def __init__(self, connection: HTTPConnection, pieces: Iterator[bytes]) -> None:
        self.answered: float | None = None
        self._connection = connection
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self.answered is None and select([self._connection.sock], [], [], 0)[0]:
                self.answered = monotonic()
            yield piece
