"""Processes that are measured: what they cost, and that nothing of them is left."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PATIENCE = 90.0


class NotStarted(Exception):
    """A server did not come up; the text is the end of what it said."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def descendants(pid: int) -> Iterator[int]:
    """The process and all that came of it, as far as they run."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [each for task in tasks for each in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from descendants(int(child))


def seconds_of(pid: int) -> float:
    """Processor time, user's and system's, of all threads of a process that there ever were."""
    # The kernel's id of the clock of another process's processor time, in nanoseconds.
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


class Server:
    """A server of its own process group, with all its children."""

    def __init__(self, command: Sequence[str], directory: Path, port: int) -> None:
        self.port = port
        self.directory = directory
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def wait(self, path: str) -> None:
        """
        Wait until it answers a GET of this path, by whatever status.

        :raises NotStarted: when it does not.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                    connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                    if connection.recv(12).startswith(b"HTTP/1."):
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise NotStarted(self._log.read_text("utf-8", "replace")[-2000:])

    @property
    def pids(self) -> list[int]:
        return list(descendants(self._process.pid))

    @property
    def workers(self) -> list[int]:
        """Those of its processes that run the same program as it does itself."""
        own = os.readlink(f"/proc/{self._process.pid}/exe")
        return [pid for pid in self.pids if _program(pid) == own]

    def seconds(self) -> float:
        """Processor time of all its processes."""
        return sum(map(seconds_of, self.pids))

    def own_seconds(self) -> float:
        """Processor time without that of a database that it has started."""
        return sum(map(seconds_of, self.workers))

    def forget_memory(self) -> None:
        """From now on `memory` tells the most since now."""
        for pid in self.workers:
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def memory(self) -> dict[int, int]:
        """The most resident memory of each worker, in bytes, by its pid."""
        return {pid: _peak(pid) for pid in self.workers}

    def stop(self) -> None:
        """End it, first in order and then by force, with everything of its session."""
        pids = self.pids
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in pids:
            if os.path.exists(f"/proc/{pid}") and _session(pid) == self._process.pid:
                os.kill(pid, signal.SIGKILL)


def _program(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
