"""The threads of the cache, and what it means when they cannot do their work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from attrs import frozen
from twisted.logger import Logger

from glancetx.cache.partial import NoRoom
from glancetx.errors import CacheUnavailable
from glancetx.threads import NotRunning, Threads

P = ParamSpec("P")
T = TypeVar("T")

#: Threads that read for clients, that write copies, and that do what is quick.
READERS = 8
WRITERS = 4
SMALL = 4

_log = Logger()


@frozen
class Workers:
    """
    The threads of the cache, in pools of their own so that none waits behind the others.

    ``read`` serves those who read, ``write`` those who make copies, ``small`` is for what is quick.
    ``index`` has exactly one thread.
    """

    read: Threads
    write: Threads
    small: Threads
    index: Threads

    @property
    def pools(self) -> tuple[Threads, ...]:
        return self.read, self.write, self.small, self.index


def make_workers(reactor: Any) -> Workers:
    """The threads of a cache, not started yet."""
    return Workers(
        Threads(reactor, "cache-read", READERS),
        Threads(reactor, "cache-write", WRITERS),
        Threads(reactor, "cache-small", SMALL),
        Threads(reactor, "cache-index", 1),
    )


async def run(threads: Threads, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    What the job returns, in one of the threads.

    :raises CacheUnavailable: when the system refuses; the log tells why.
    """
    try:
        return await threads.run(job, *args, **kwargs)
    except NoRoom:
        raise CacheUnavailable() from None
    except OSError as error:
        _log.error("The cache fails: {reason}", reason=error.strerror)
        raise CacheUnavailable() from error
    except sqlite3.Error as error:
        _log.error("The index of the cache fails: {error}", error=error)
        raise CacheUnavailable() from error
    except NotRunning:
        raise CacheUnavailable() from None


async def attempt(
    threads: Threads, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """As `run`, or None when it cannot be done, where that is no reason to stop."""
    try:
        return await run(threads, job, *args, **kwargs)
    except CacheUnavailable:
        return None
