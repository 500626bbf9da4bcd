"""The small file system where the images lie, and how it fills up."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.load.content import MIB

#: Bytes; more than all quotas together, so that it is only full when it is filled on purpose.
SIZE = 160 * MIB

#: Bytes that a process may write into one file while the disk is "full", where we cannot mount.
TINY = 1000


class SmallDisk:
    """
    A tmpfs of its own, for whoever may mount one.

    Others have a directory, and workers may write only short files while it is "full".
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_mounted = False

    @classmethod
    def at(cls, test: Any, path: Path) -> SmallDisk:
        """Mounted for as long as the test lasts."""
        disk = cls(path)
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "chaos", str(path)]
        if os.getuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
            disk.is_mounted = True
            test.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)
        return disk

    def fill(self, workers: list[int]) -> None:
        """Leave no room; blocks."""
        if self.is_mounted:
            with (self.path / "ballast").open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(MIB)) == MIB:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        else:
            self._limit(workers, str(TINY))

    def relieve(self, workers: list[int]) -> None:
        """Leave room again; blocks."""
        if self.is_mounted:
            (self.path / "ballast").unlink(missing_ok=True)
        else:
            self._limit(workers, "unlimited")

    @staticmethod
    def _limit(workers: list[int], size: str) -> None:
        for pid in workers:
            subprocess.run(["prlimit", f"--pid={pid}", f"--fsize={size}:unlimited"], check=False)
