"""Large images up and down through a daemon whose store is a real bucket."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

from twisted.internet.threads import deferToThread

from tests.integration.daemon import FORMATS, start
from tests.s3.case import BucketCase

MIB = 1 << 20

#: Bytes of an image; a multiple of a MiB.
SIZE = int(os.environ.get("GLANCE_TEST_IMAGE_MIB", "4096")) * MIB
PART = 16 * MIB
#: What a daemon may need for one transfer beside the part: batches, buffers, and what Python keeps.
BESIDE = 24 * MIB

#: Seconds for each silence of the daemon, which may be busy.
PATIENCE = 600


class Transfer:
    """An image that is made on the way up and hashed on the way down; everything here blocks."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.md5 = ""
        self.image_id = ""

    def up(self, *, is_known: bool) -> dict[str, Any]:
        """Send it with a known length, or in chunks; what is said of the image."""
        headers = {**FORMATS, "x-image-meta-name": "large"}
        if is_known:
            headers["Content-Length"] = str(SIZE)
        self._connection.request(
            "POST", "/v1/images", self._body(), headers, encode_chunked=not is_known
        )
        image: dict[str, Any] = json.loads(self._connection.getresponse().read())["image"]
        self.image_id = image["id"]
        return image

    def down(self) -> tuple[str, str | None]:
        """The MD5 of what comes, and how much was announced."""
        self._connection.request("GET", f"/v1/images/{self.image_id}")
        answer = self._connection.getresponse()
        digest = hashlib.md5()
        while chunk := answer.read(MIB):
            digest.update(chunk)
        return digest.hexdigest(), answer.getheader("Content-Length")

    def _body(self) -> Iterator[bytes]:
        digest, rest = hashlib.md5(), os.urandom(MIB - 8)
        for number in range(SIZE // MIB):
            chunk = number.to_bytes(8, "big") + rest
            digest.update(chunk)
            yield chunk
        self.md5 = digest.hexdigest()


class S3Transfers(BucketCase):
    """Images of several GiB."""

    timeout = 3600.0

    async def test_large_images(self) -> None:
        """What comes down is what went up, and the daemon never holds more than one part of it."""
        options = self.bucket.options(part_size=f"{PART // MIB}MB")
        described = ":".join(
            f"{name}={value}".replace(":", "\\:") for name, value in options.items()
        )
        daemon: Any = await start(self, "--registry", "memory:", "--store", f"s3:{described}")
        idle = daemon.memory()
        for is_known in (True, False):
            transfer = Transfer(daemon.port)
            daemon.forget_memory()
            image = await deferToThread(transfer.up, is_known=is_known)
            self.assertEqual((image["status"], image["size"]), ("active", SIZE))
            self.assertEqual(image["checksum"], transfer.md5)
            self.assertLess(daemon.memory() - idle, PART + BESIDE, "too much for an upload")
            daemon.forget_memory()
            md5, length = await deferToThread(transfer.down)
            self.assertEqual((md5, length), (transfer.md5, str(SIZE)))
            self.assertLess(daemon.memory() - idle, BESIDE, "too much for a download")
            await daemon.ask("DELETE", f"/v1/images/{transfer.image_id}")
            self.assertEqual(await deferToThread(self.bucket.keys), [])
            self.assertEqual(await deferToThread(self.bucket.uploads), [])
        daemon.assert_quiet()
