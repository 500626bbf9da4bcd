"""Digests of a stream, computed in threads batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure

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
        self._hashes: Mapping[str, _Hash] = hashes
        together = list(self._hashes.values())
        lanes = [[each] for each in together] if in_parallel else [together]
        self._lanes = [_Lane(threads, lane) for lane in lanes]

    @property
    def digests(self) -> Mapping[str, str]:
        """Algorithm → lower-case hex digest of all that has been hashed so far."""
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def update(self, batch: bytes) -> Deferred[Any]:
        """Fires when this batch, and with it all before it, is hashed."""
        lanes = [lane.update(batch) for lane in self._lanes]
        if len(lanes) == 1:
            return lanes[0]
        return gatherResults(lanes, consumeErrors=True).addErrback(_unwrap)


class _Lane:
    """Some digests of one stream, their batches hashed one after the other."""

    def __init__(self, threads: Threads, hashes: Sequence[_Hash]) -> None:
        self._strand = Strand(threads)
        self._hashes = hashes

    def update(self, batch: bytes) -> Deferred[None]:
        return self._strand.run(self._hash, batch)

    def _hash(self, batch: bytes) -> None:
        for each in self._hashes:
            each.update(batch)


def _unwrap(failure: Failure) -> Failure:
    return failure.value.subFailure if isinstance(failure.value, FirstError) else failure
