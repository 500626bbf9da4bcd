"""Digests of a stream, computed in threads batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from glancetx.deferreds import Patient
from glancetx.strand import Strand
from glancetx.threads import Threads


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Hashing:
    """
    The digests of one stream.

    ``in_parallel`` gives each of them jobs of its own; else one job computes all of them, which
    costs less altogether.
    """

    def __init__(
        self, threads: Threads, algorithms: Sequence[str], *, in_parallel: bool = True
    ) -> None:
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._threads = threads
        self._hashes: Mapping[str, _Hash] = hashes
        together = list(self._hashes.values())
        lanes = [[each] for each in together] if in_parallel else [together]
        self._lanes = [(Strand(threads), lane) for lane in lanes]

    @property
    def digests(self) -> Mapping[str, str]:
        """Algorithm → lower-case hex digest of all that has been hashed so far."""
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def update(self, data: bytes, foremost: Threads | None = None) -> Deferred[None]:
        """
        Fires when this batch, and with it all before it, is hashed.

        ``foremost`` are the threads of the first digest, if they are not those of the others.
        """
        if not self._lanes:
            return succeed(None)
        first, _ = self._lanes[0]
        first.threads = foremost or self._threads
        batch = _Batch(data, len(self._lanes), self._threads)
        for strand, hashes in self._lanes:
            strand.post(partial(batch.hash, hashes), batch.end)
        return batch.done


class _Batch:
    """Bytes that so many lanes hash; the last of them tells, so that the reactor is woken once."""

    def __init__(self, data: bytes, lanes: int, threads: Threads) -> None:
        self.done: Patient[None] = Patient()
        self._data = data
        self._left = lanes
        self._threads = threads
        self._lock = Lock()
        self._failure: Failure | None = None

    def hash(self, hashes: Sequence[_Hash]) -> None:
        """In a thread."""
        try:
            for each in hashes:
                each.update(self._data)
        except BaseException:  # noqa: BLE001 - whoever waits for it is told
            self.end(Failure())
        else:
            self.end()

    def end(self, failure: Failure | None = None) -> None:
        """One of the lanes has hashed it, or has failed to."""
        with self._lock:
            self._left -= 1
            self._failure = self._failure or failure
            if self._left:
                return
        self._threads.tell(self.done.fire, self._failure)
