"""
Two clocks: one for how long something takes, which nobody sets, and one for the time of day.

Twisted's reactors go by the time of day.
When that is set, by hand or by whoever corrects it, all that they wait for would come at once, or
hours too late: no lease would be renewed, and no connection ever found silent.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.interfaces import IReactorTime


def keep_steady(reactor: Any) -> None:
    """
    Let all that a reactor waits for go by the clock that is never set.

    From then on its ``seconds()`` have begun at some moment, and only `time_of_day` is a date.
    """
    if reactor.seconds is time.monotonic:
        return
    shift = time.monotonic() - reactor.seconds()
    for call in reactor.getDelayedCalls():
        call.seconds = time.monotonic
        call.delay(shift)
    reactor.time_of_day = reactor.seconds
    reactor.seconds = time.monotonic


def time_of_day(clock: IReactorTime) -> float:
    """
    Seconds since 1970 (UTC), for whoever keeps a date or compares with one from elsewhere.

    A clock that has no other, as those of tests, tells its own seconds.
    """
    return float(getattr(clock, "time_of_day", clock.seconds)())
