"""What the workers of a daemon know, as if it were one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from glancetx.metrics.book import Book
from glancetx.metrics.monitor import Standings
from glancetx.metrics.process import add_process
from glancetx.workers.survey import Asked, Survey

#: What workers are asked.
METRICS, STANDINGS = "metrics", "standings"


class CrewMonitor:
    """
    The `Monitoring` of a supervisor.

    What a worker has counted stays counted when it has ended, as far as it has told.
    One that hangs keeps nobody waiting: what it said last is told for it.
    """

    def __init__(self, clock: IReactorTime, living: Callable[[], Iterable[Asked]]) -> None:
        self._survey = Survey(clock, living)
        self._latest: dict[Asked, Book] = {}
        self._past = Book()

    async def measure(self) -> Book:
        """All numbers of all workers, and how many of them have told theirs just now."""
        answers = await self._survey.ask(METRICS)
        ours, book = Book(), Book()
        add_process(ours, "supervisor")
        for each in (self._past, *self._latest.values(), ours):
            book.include(each)
        book.add("glancetx_workers", len(answers), "serving")
        silent = sum(worker not in answers for worker in self._survey.living())
        book.add("glancetx_workers", silent, "silent")
        return book

    async def standings(self) -> Standings:
        """
        How things stand by the word of those who answer.

        What one of them cannot use is not ready.
        """
        answers = await self._survey.ask(STANDINGS)
        found: Standings = {}
        # Whoever retires depends on nothing, and says so.
        for said in filter(None, answers.values()):
            for name, standing in said.items():
                if name not in found or found[name]["trouble"] is None:
                    found[name] = standing
        if not found:
            return {"workers": {"is_needed": True, "trouble": "None of them answers."}}
        return {"workers": {"is_needed": True, "trouble": None}, **found}

    # -- what is heard of workers

    def answered(self, worker: Asked, what: str, said: Any) -> None:
        """A worker has answered, None if it could not, or tells its numbers before it ends."""
        if what == METRICS and said is not None:
            self._latest[worker] = Book.from_json(said)
        self._survey.answered(worker, what, said)

    def gone(self, worker: Asked) -> None:
        """A worker has ended."""
        latest = self._latest.pop(worker, None)
        if latest is not None:
            self._past.include(latest, is_over=True)
        self._survey.gone(worker)
