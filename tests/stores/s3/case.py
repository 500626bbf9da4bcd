"""A store before the fake server, for tests."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from glancetx.errors import GlanceError
from glancetx.stores.s3.options import s3_store
from glancetx.stores.s3.store import S3Store
from glancetx.testing.streams import RecordingConsumer, ScriptedStream
from tests.stores.s3.fake import FakeS3

E = TypeVar("E", bound=BaseException)

CHUNK = 16_384
#: Parts that no real server would take, but that are quickly sent.
PART = 5 * CHUNK

#: An image that takes three parts, and one that takes none.
CHUNKS = [bytes([number]) * CHUNK for number in range(11)]
LARGE = b"".join(CHUNKS)
SMALL = b"small"

SECRET = "s3cr3t-s3cr3t"


class S3Case(TestCase):
    """Tests of a store that runs, waits for nothing between tries, and has short parts."""

    timeout = 60
    part = PART

    def setUp(self) -> None:
        self.server = FakeS3(self)

    def store(self, *, running: bool = True, **options: str) -> S3Store:
        path = Path(self.mktemp())
        path.write_text(f'aws_access_key_id = "key"\naws_secret_access_key = "{SECRET}"\n')
        path.chmod(0o600)
        defaults = {"endpoint": self.server.url, "credentials": str(path)}
        store = s3_store(reactor, "images", **{**defaults, "stale": "0", **options})
        object.__setattr__(store._backoff, "wait", 0.001)
        object.__setattr__(store._habits, "part_size", self.part)
        if running:
            store.startService()
            self.addCleanup(store.stopService)
        self.addCleanup(store._server.close)
        return store

    async def read(self, store: S3Store, key: str, *wanted: int) -> bytes:
        consumer = RecordingConsumer()
        await (await store.open(key, *wanted)).flow_to(consumer)
        return consumer.data

    async def add(self, store: S3Store, image_id: str, data: bytes = SMALL) -> str:
        chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
        return await store.add(image_id, ScriptedStream(chunks))

    async def assert_raises(self, expected: type[E], awaitable: Awaitable[object]) -> E:
        """That just this class of error comes."""
        try:
            result = await awaitable
        except expected as error:
            self.assertIs(type(error), expected)
            return error
        except GlanceError as error:
            self.fail(f"{error!r} was raised instead of {expected.__name__}")
        self.fail(f"{expected.__name__} was not raised, but {result!r} returned")

    def assert_nothing_there(self) -> None:
        self.assertEqual((self.server.objects, self.server.uploads), ({}, {}))
