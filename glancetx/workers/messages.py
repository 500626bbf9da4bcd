"""
What a supervisor and its workers say to each other: JSON arrays, one in a line.

To a worker, on its standard input: first its order, one object, and then

- ``stop``: end within the time of the drain; ``retire``: end when all transfers have;
  ``hurry``: end now
- ``deleted``, id: another worker has deleted this image
- ``turn``: a copy may run
- ``ask``, ``metrics`` or ``standings``: answer that

From a worker, on its standard output:

- ``ready``: it serves; ``failed``, sentence: it cannot
- ``deleted``, id: it has deleted this image
- ``turn``: a copy would like to run; ``done``: one has ended
- ``answer``, ``metrics`` or ``standings``, what it knows: also its last numbers, unasked, when it
  ends
- ``log``, record: an event, as `glancetx.logs.record_of` makes it
"""

from __future__ import annotations

import json
from typing import Any

Message = list[Any]


def encode(message: Any) -> bytes:
    """The line that says it."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> Message | None:
    """What a line says, or None when it is not one of ours: libraries may print, too."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if isinstance(message, list) and message and isinstance(message[0], str):
        return message
    return None


class Lines:
    """Cuts what comes in into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, data: bytes) -> list[bytes]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines

    def rest(self) -> list[bytes]:
        """What has come without the end of its line."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
