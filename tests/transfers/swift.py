"""A container of a real server as a backend."""

from __future__ import annotations

import os
import tempfile
from urllib.parse import urlsplit

from glancetx.description import quote
from tests.swift.cluster import Cluster, new_container

MIB = 1 << 20


class SwiftBackend:
    """``options`` are further ones of the store, in the words of an operator."""

    def __init__(self, cluster: Cluster, **options: str) -> None:
        self._cluster = cluster
        self._container = new_container()
        self._options = options
        self._credentials = cluster.credentials(tempfile.mkstemp(suffix=".toml")[1])
        self._account = urlsplit(cluster.spy.url).path
        self.url = f"http://{urlsplit(cluster.auth).netloc}"
        # Batches and buffers on their way, and nothing else.
        self.memory = 40 * MIB

    def store(self, url: str) -> str:
        options = {
            "auth": url + urlsplit(self._cluster.auth).path,
            "credentials": self._credentials,
            "storage_url": url + self._account,
            **self._options,
        }
        told = (f"{name}={quote(value)}" for name, value in options.items())
        return ":".join(["swift", self._container, *told])

    def names(self) -> list[str]:
        return [
            f"{container}/{name}"
            for container in self._containers
            for name in self._cluster.spy.names(container)
        ]

    def remove(self) -> None:
        for path in (*self.names(), *self._containers):
            self._cluster.spy.ask("DELETE", f"/{path}")
        os.remove(self._credentials)

    @property
    def _containers(self) -> tuple[str, str]:
        return self._container, f"{self._container}_segments"
