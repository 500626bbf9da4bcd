"""An embedded PostgreSQL that somebody else runs, for those who join it."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen
from psycopg2.extensions import make_dsn

from glancetx.registry.cluster import EmbeddedFailure


@frozen
class RunningCluster:
    """The directory of a server that is ready, kept open so that its socket has a short name."""

    _directory: int
    _port: str

    @classmethod
    def at(cls, path: Path) -> RunningCluster | None:
        """
        The one in this directory, or None when none is ready there now.

        :raises EmbeddedFailure: when we may not know.
        """
        directory = None
        try:
            directory = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open("postmaster.pid", flags, dir_fd=directory)) as file:
                lines = [line.strip() for line in file.read(4096).splitlines()]
        except FileNotFoundError:
            lines = []
        except OSError as error:
            if directory is not None:
                os.close(directory)
            raise EmbeddedFailure(
                f"The registry's directory {path} cannot be used: {error.strerror}"
            ) from error
        # Line 4 is the port and line 8 the state.
        if directory is not None and len(lines) >= 8 and lines[7] == "ready":
            return cls(directory, lines[3])
        if directory is not None:
            os.close(directory)
        return None

    @property
    def dsn(self) -> str:
        """How to reach it, from this process."""
        host = f"/proc/{os.getpid()}/fd/{self._directory}"
        return make_dsn(host=host, port=self._port, user="glance", dbname="postgres")

    def close(self) -> None:
        """Forget the directory; the server goes on."""
        os.close(self._directory)
