"""Asks all workers at once, and waits for nobody long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime


class Asked(Protocol):
    """What is known of a worker that is asked."""

    def tell(self, *message: Any) -> None: ...


class Survey:
    """
    Puts questions to those who are ``living``, and collects what they answer.

    A worker is asked the same again only when it has answered: one that hangs is not told more and
    more.
    """

    #: Seconds that anybody waits for answers: more than a worker itself waits for what it asks.
    patience = 2.0

    def __init__(self, clock: IReactorTime, living: Callable[[], Iterable[Asked]]) -> None:
        self._clock = clock
        self.living = living
        self._asked: dict[tuple[Asked, str], list[Deferred[Any]]] = {}

    async def ask(self, what: str) -> dict[Asked, Any]:
        """What each of them says who answers in time."""
        answers: dict[Asked, Any] = {}

        def note(said: Any, worker: Asked) -> None:
            answers[worker] = said

        waiting = []
        for worker in list(self.living()):
            answer = self._ask_one(worker, what).addTimeout(self.patience, self._clock)
            waiting.append(answer.addCallback(note, worker))
        await DeferredList(waiting, consumeErrors=True)
        return answers

    def answered(self, worker: Asked, what: str, said: Any) -> None:
        """A worker has answered."""
        waiting = self._asked.pop((worker, what), [])
        for answer in waiting:
            answer.callback(said)

    def gone(self, worker: Asked) -> None:
        """A worker has ended; whatever it was asked it will not answer."""
        for asked in [each for each in self._asked if each[0] is worker]:
            for answer in self._asked.pop(asked):
                answer.cancel()

    def _ask_one(self, worker: Asked, what: str) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred(lambda answer: self._forget(worker, what, answer))
        if (worker, what) not in self._asked:
            self._asked[worker, what] = []
            worker.tell("ask", what)
        self._asked[worker, what].append(answer)
        return answer

    def _forget(self, worker: Asked, what: str, answer: Deferred[Any]) -> None:
        """Somebody waits no longer, but the worker has been asked all the same."""
        waiting = self._asked.get((worker, what), [])
        if answer in waiting:
            waiting.remove(answer)
