"""Many clients at once, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Thread
from typing import Any, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from tests.integration.daemon import reactor
from tests.load.clients import Client
from tests.load.content import source
from tests.load.model import Model


class Runs(Protocol):
    """Somebody who is busy until he has been told to end."""

    def run(self) -> object: ...


def in_threads(test: Any, clients: Sequence[Runs]) -> Deferred[Any]:
    """Let them begin, each in a thread; fires when each has ended what it was doing."""
    pool: Any = ThreadPool(len(clients), len(clients))
    # Whoever interrupts the test does not wait for clients who never heard of it.
    pool.threadFactory = partial(Thread, daemon=True)
    pool.start()
    test.addCleanup(pool.stop)
    return gatherResults(
        [deferToThreadPool(reactor, pool, client.run) for client in clients], consumeErrors=True
    )


class Crowd:
    """So many clients that all know the same ``ports``; each has a seed of its own."""

    def __init__(self, test: Any, size: int, seed: int, ports: list[int], model: Model) -> None:
        self._test = test
        url = source(test).url
        self.clients: Sequence[Client] = [
            Client(f"client{number}", f"{seed}/{number}", ports, url, model)
            for number in range(size)
        ]
        self._ended: Deferred[Any] = Deferred()

    def begin(self) -> None:
        """Let them begin."""
        self._ended = in_threads(self._test, self.clients)

    async def end(self) -> None:
        """Returns when each has ended what it was doing."""
        for client in self.clients:
            client.is_over = True
        await self._ended
