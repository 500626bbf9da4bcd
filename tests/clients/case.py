"""A daemon for clients: on PostgreSQL, with a web server to copy from, and small quotas."""

import hashlib
from functools import partial

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.integration.daemon import folder, start
from tests.outbound.server import Resource, Server
from tests.registry.server import fresh_database

MIB = 1 << 20

FORMATS = {"disk_format": "raw", "container_format": "bare"}

#: What is to be copied.
REMOTE = b"from far away " * 10_000

CONFIG = f"""
image_size_cap = {4 * MIB}
image_member_quota = 3
image_property_quota = 8
user_storage_quota = "64MB"
"""


def md5(data):
    """The MD5, in hexadecimal."""
    return hashlib.md5(data).hexdigest()


class ClientCase(TestCase):
    """Starts the ``daemon``; its log shows no traceback in the end."""

    timeout = 300

    async def setUp(self):  # type: ignore[override]
        self.place = folder(self)
        config = self.place / "glance.toml"
        config.write_text(CONFIG)
        dsn = await fresh_database(self)
        self.source = Server(self, Resource(REMOTE)).url
        self.daemon = await start(
            self,
            "--config",
            config,
            "--registry",
            f"postgres:{dsn}",
            "--store",
            f"file:{self.place}/images",
            "--store",
            "http:allow=127.0.0.1",
        )

    def tearDown(self):
        self.daemon.assert_quiet()

    def in_thread(self, work, *arguments):
        """Fires with what ``work``, which blocks, returns."""
        return deferToThread(partial(work, *arguments))

    def file(self, name, data):
        """The path of a new file."""
        path = self.place / name
        path.write_bytes(data)
        return path

    def corrupt(self, image_id):
        """Change the bytes of an image behind the daemon's back."""
        [path] = (self.place / "images").rglob(image_id)
        path.write_bytes(bytes(path.stat().st_size))
