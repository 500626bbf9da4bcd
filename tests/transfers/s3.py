"""A bucket of a real server as a backend."""

from __future__ import annotations

from glancetx.description import quote
from tests.s3.bucket import real_bucket

MIB = 1 << 20


class S3Backend:
    """With parts of 16 MB at most, one of which is in memory."""

    def __init__(self, server: str, part_size: str = "16MB") -> None:
        self._bucket = real_bucket(server)
        self._bucket.take_prefix()
        self._part_size = part_size
        self.url = self._bucket.url
        # A part, the batches of one upload, and what the allocator has not given back.
        self.memory = 56 * MIB

    def store(self, url: str) -> str:
        options = self._bucket.options(endpoint=url, part_size=self._part_size)
        bucket = options.pop("bucket")
        return ":".join(
            ["s3", bucket, *(f"{name}={quote(value)}" for name, value in options.items())]
        )

    def names(self) -> list[str]:
        uploads = [f"{key}, not finished" for key, _ in self._bucket.uploads()]
        return [*self._bucket.keys(), *uploads]

    def remove(self) -> None:
        self._bucket.empty()
