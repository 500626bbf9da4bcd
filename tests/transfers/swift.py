"""A container of a real Swift, or of what speaks like it, as a backend."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from glancetx.description import quote
from tests.swift.cluster import Cluster, new_container

MIB = 1 << 20


class SwiftBackend:
    """Sizes as operators write them: from ``large`` on an object has segments of ``segment``."""

    def __init__(self, cluster: Cluster, large: str = "5120MB", segment: str = "200MB") -> None:
        self._spy = cluster.spy
        self._container = new_container()
        self._place = Path(tempfile.mkdtemp(prefix="credentials-"))
        self._options = {
            "credentials": cluster.credentials(self._place / "swift"),
            "large_object_size": large,
            "large_object_chunk_size": segment,
        }
        self.url = cluster.server.values["SWIFT_URL"]
        self._path = cluster.auth.removeprefix(self.url)
        # The batches of one upload, and what the allocator has not given back.
        self.memory = 48 * MIB

    def store(self, url: str) -> str:
        options = {"auth": url + self._path, **self._options}
        told = [f"{name}={quote(value)}" for name, value in options.items()]
        return ":".join(["swift", self._container, *told])

    def names(self) -> list[str]:
        return [
            f"{container}/{name}"
            for container in self._containers
            for name in self._spy.names(container)
        ]

    def remove(self) -> None:
        for name in self.names():
            self._spy.ask("DELETE", f"/{name}")
        for container in self._containers:
            self._spy.ask("DELETE", f"/{container}")
        os.unlink(self._options["credentials"])
        self._place.rmdir()

    @property
    def _containers(self) -> list[str]:
        return [self._container, f"{self._container}_segments"]
