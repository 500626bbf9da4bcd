"""A daemon whose images lie in a bucket."""

import os
import signal
from pathlib import Path

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import TestCase

from glancetx.description import quote
from tests.integration.daemon import FORMATS, eventually, start
from tests.stores.s3 import fake
from tests.stores.s3.fake import FakeS3

IMAGE = os.urandom(1 << 20) * 12


class S3Tests(TestCase):
    """Upload, download, deletion and a reload, by way of the API."""

    timeout = 180

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self):
        self.server = FakeS3(self)
        self.credentials = Path(self.mktemp()).absolute()
        self._write_credentials("one")
        options = {
            "endpoint": self.server.url,
            "credentials": str(self.credentials),
            "prefix": "glance",
            "part_size": "5MB",
        }
        words = ["s3:images", *(f"{name}={quote(value)}" for name, value in options.items())]
        self.daemon = await start(self, "--registry", "memory:", "--store", ":".join(words))

    def _write_credentials(self, key):
        self.credentials.write_text(
            f'aws_access_key_id = "{key}"\naws_secret_access_key = "s3cr3t"\n'
        )
        self.credentials.chmod(0o600)

    async def _upload(self, data=IMAGE):
        made = await self.daemon.ask(
            "POST", "/v1/images", {**FORMATS, "x-image-meta-name": "it"}, data
        )
        self.assertEqual(made.status, 201)
        return made.json["image"]["id"]

    async def test_life(self):
        """An image goes up in parts, comes down again, in part too, and is gone when deleted."""
        image_id = await self._upload()
        self.assertEqual(list(self.server.objects), [f"glance/{image_id}"])
        self.assertEqual(len(self.server.seen(fake.PUT_PART)), 3)
        path = f"/v1/images/{image_id}"
        self.assertEqual((await self.daemon.ask("GET", path)).body, IMAGE)
        part = await self.daemon.ask("GET", path, {"Range": "bytes=5242870-5242890"})
        self.assertEqual((part.status, part.body), (206, IMAGE[5242870:5242891]))
        self.assertEqual((await self.daemon.ask("DELETE", path)).status, 200)
        self.assertEqual((self.server.objects, self.server.uploads), ({}, {}))
        self.daemon.assert_quiet()
        self.assertNotIn("s3cr3t", self.daemon.log)

    async def test_reload(self):
        """SIGHUP reaches the store: new credentials are used without a restart."""
        await self._upload(b"one")
        self._write_credentials("two")
        os.kill(self.daemon.pid, signal.SIGHUP)

        async def is_used():
            await self._upload(b"two")
            return "Credential=two/" in self.server.seen(fake.PUT)[-1]["authorization"]

        await eventually(is_used)

    async def test_refused(self):
        """A store that is full says so, the image is killed, and nothing is left."""
        self.server.refuse(fake.PUT_PART, 403, "QuotaExceeded")
        refused = await self.daemon.ask("POST", "/v1/images", FORMATS, IMAGE)
        self.assertEqual(refused.status, 413)
        self.assertEqual((self.server.objects, self.server.uploads), ({}, {}))
