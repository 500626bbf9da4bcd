"""Whether the machine stands still, when nobody can keep a promise."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import psycopg2
from attrs import define, field

#: Seconds that we wait between two beats, and that may be between them before that is the machine's
#: trouble: less than what a daemon has patience for. The machine may have stopped us, too.
OFTEN, LONG = 0.1, 2.0

#: Seconds for which what was held up goes on to suffer.
LATER = 10.0


@define
class Pulse:
    """Writes to the database all the time, as everybody does, and notes when that took too long."""

    dsn: str
    stalls: list[tuple[float, float]] = field(factory=list, init=False)
    _over: threading.Event = field(factory=threading.Event, init=False)
    _thread: Any = field(default=None, init=False)

    def begin(self) -> None:
        """Feel it from now on, until `end`."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Feel it no more; blocks for a moment."""
        self._over.set()
        self._thread.join()

    def stood_still(self, began: float, ended: float) -> bool:
        """Whether there was a moment in this time when the machine stood still, or just had."""
        return any(began < end + LATER and ended > start for start, end in self.stalls)

    def _run(self) -> None:
        connection = psycopg2.connect(self.dsn)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE pulse AS SELECT 0 AS beats")
                last = monotonic()
                while not self._over.wait(OFTEN):
                    cursor.execute("UPDATE pulse SET beats = beats + 1")
                    began, last = last, monotonic()
                    if last - began > LONG:
                        self.stalls.append((began, last))
        finally:
            connection.close()
