"""What a process costs, as the kernel counts it."""

from __future__ import annotations

import re
import time
from pathlib import Path

from attrs import frozen

MIB = 1 << 20


@frozen
class Meter:
    """Memory and CPU of one process, this machine's."""

    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that all of its threads have had, and the reactor's is one of them."""
        # The clock that clock_getcpuclockid(3) makes of a pid.
        return time.clock_gettime_ns((~self.pid << 3) | 2) / 1e9

    def memory(self) -> int:
        """Bytes that it has now."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most bytes that it has had since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        if found is None:
            raise ValueError(f"the kernel does not tell {name}")
        return int(found[1]) * 1024
