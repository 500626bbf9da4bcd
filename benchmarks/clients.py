"""The processes that ask: they get jobs, begin together, and tell what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: On more cores servers get more of them, too.
PROCESSES = 2


class Failed(Exception):
    """A client was refused, or has broken down; the text says by what."""


class Clients:
    """So many processes of `benchmarks.client`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.client"]
        root = Path(__file__).resolve().parents[1]
        self._processes = [
            subprocess.Popen(
                command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(PROCESSES)
        ]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.communicate()

    def run(self, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """
        What came of jobs that ran at the same time, each in a process of its own.

        :raises Failed: when one of them did not succeed.
        """
        processes = self._processes[: len(jobs)]
        for process, job in zip(processes, jobs, strict=True):
            _write(process, json.dumps(job))
        said = [_read(process) for process in processes]
        for process, word in zip(processes, said, strict=True):
            if word == "ready":
                _write(process, "go")
        results = [
            json.loads(_read(process) if word == "ready" else word)
            for process, word in zip(processes, said, strict=True)
        ]
        for result in results:
            if "error" in result:
                raise Failed(result["error"])
        return results


def _write(process: Any, line: str) -> None:
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _read(process: Any) -> str:
    line: str = process.stdout.readline().strip()
    if not line:
        raise Failed("a client has ended")
    return line
