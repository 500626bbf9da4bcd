"""
The clock of the daemon's machine, which is set now and then.

PostgreSQL finds a function ``now`` of ours before it finds its own, and the daemon's
processes a `time.time` (see ``plugins/sitecustomize.py``): so both go wrong together, as they do
when somebody sets the machine's clock, and nobody else's clock does.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tests.load.watch import Watch

_INSTALL = """
CREATE TABLE chaos_clock AS SELECT interval '0' AS fast;
CREATE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT pg_catalog.now() + fast FROM chaos_clock';
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
    AS 'SELECT pg_catalog.clock_timestamp() + fast FROM chaos_clock';
ALTER DATABASE postgres SET search_path = public, pg_catalog;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class MachineClock:
    """``path`` is the file that tells processes how many seconds the clock is fast."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fast = 0.0
        path.write_bytes(struct.pack("d", 0.0))

    def install(self, watch: Watch) -> None:
        """Let the watch's database go by it; who is connected has to come again; blocks."""
        watch.ask(_INSTALL)

    def step(self, watch: Watch, seconds: float) -> None:
        """Set it forward, or back; blocks."""
        self.fast += seconds
        with self.path.open("rb+", buffering=0) as file:
            file.write(struct.pack("d", self.fast))
        watch.ask(f"UPDATE chaos_clock SET fast = interval '{self.fast} seconds'")
