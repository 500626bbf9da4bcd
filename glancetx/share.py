"""What one process does of a daemon's work: all of it, or, as a worker, its share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from attrs import frozen

from glancetx.config import ConfigError, Settings
from glancetx.usecases.copy import Turns


@frozen(kw_only=True)
class Share:
    """
    The share of worker ``number`` of so many, counted from 1.

    ``listening`` is the reactor that endpoints listen with, or None for the one of all else.
    ``turns`` are those of copies, or None where nobody else copies.
    ``buckets`` is the descriptor of those of request rates, or None where nobody else counts.
    ``tell_deleted`` passes on that an image was deleted here.
    """

    number: int = 1
    workers: int = 1
    listening: Any = None
    turns: Turns | None = None
    buckets: int | None = None
    tell_deleted: Callable[[str], None] = lambda image_id: None

    @property
    def is_all(self) -> bool:
        """Whether the process is the whole daemon."""
        return self.workers == 1

    @property
    def name(self) -> str:
        """What the process is called among those of its daemon."""
        return "daemon" if self.is_all else f"worker {self.number}"

    @property
    def tends(self) -> bool:
        """Whether what one process does for the whole daemon is done in this one: the janitor."""
        return self.number == 1

    @property
    def hash_threads(self) -> int:
        """So many that all processes together keep every core busy, and no more."""
        return max(1, cores() // self.workers)


#: The share of a daemon that is one process.
WHOLE = Share()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def worker_count(settings: Settings) -> int:
    """
    How many processes serve.

    :raises ConfigError: when several are wanted that could not share what they keep.
    """
    private = [f"the store {each.name!r}" for each in settings.store if each.kind == "memory"]
    if settings.registry.partition(":")[0] == "memory":
        private.insert(0, "the registry")
    if not private:
        return settings.workers or cores()
    if (settings.workers or 1) > 1:
        raise ConfigError(
            f"--workers {settings.workers} cannot share {private[0]}, which is in the memory of "
            "one process: say --workers 1, or keep it elsewhere"
        )
    return 1
