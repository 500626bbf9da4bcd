"""What every real server must let the store do, beside the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    BodyCutShort,
    DataExists,
    StoreError,
    StoreForbids,
    StoreUnavailable,
)
from glancetx.stores.s3.options import s3_store
from glancetx.stores.s3.store import S3Store
from glancetx.testing.streams import RecordingConsumer, ScriptedStream
from tests.s3.case import BucketCase
from tests.services import FaultProxy

MIB = 1 << 20

#: An image of three parts, no MiB of which is as another.
CHUNKS = [hashlib.sha256(bytes([number])).digest() * (MIB // 32) for number in range(11)]
LARGE = b"".join(CHUNKS)


class S3Behaviour(BucketCase):
    """The store before a real server."""

    def store(self, **options: str) -> S3Store:
        """A store that runs."""
        store = s3_store(reactor, **self.bucket.options(**options))
        store.startService()
        self.addCleanup(store.stopService)
        return store

    async def read(self, store: S3Store, key: str, *wanted: int) -> bytes:
        consumer = RecordingConsumer()
        await (await store.open(key, *wanted)).flow_to(consumer)
        return consumer.data

    async def failure(self, awaitable: Any) -> BaseException:
        """The error that comes of it."""
        try:
            result = await awaitable
        except StoreError as error:
            return error
        self.fail(f"it succeeded with {result!r}")

    async def proxied(self) -> FaultProxy:
        """A way to the server that breaks down when it is told to."""
        proxy = FaultProxy(self.bucket.url)
        await deferToThread(proxy.start)
        self.addCleanup(deferToThread, proxy.stop)
        return proxy

    async def assert_left(self, keys: Iterable[str] = ()) -> None:
        """That these objects are below the prefix, and nothing else."""
        prefix = self.bucket.prefix
        self.assertEqual(await deferToThread(self.bucket.uploads), [])
        found = await deferToThread(self.bucket.keys)
        self.assertEqual(sorted(found), sorted(prefix + key for key in keys))

    async def test_parts(self) -> None:
        """An image of several parts is one object, under the prefix and its id."""
        store = self.store()
        for length in (None, len(LARGE)):
            key = await store.add(f"image-{length}", ScriptedStream(CHUNKS, length=length))
            self.assertEqual(await self.read(store, key), LARGE)
            self.assertEqual(await self.read(store, key, 5 * MIB - 3, 7), LARGE[5 * MIB - 3 :][:7])
        await self.assert_left([f"image-{len(LARGE)}", "image-None"])

    async def test_source_fails_late(self) -> None:
        """Parts that were sent before the source broke go."""
        store = self.store()
        source = ScriptedStream(CHUNKS, then=BodyCutShort())
        try:
            await store.add("image", source)
        except BodyCutShort:
            await self.assert_left()
        else:
            self.fail("it succeeded")

    async def test_two_large_adds(self) -> None:
        """Of two adds in parts of one image just one wins."""
        store = self.store()
        adds = [as_deferred(store.add("image", ScriptedStream(CHUNKS))) for _ in range(2)]
        results = await DeferredList(adds, consumeErrors=True)
        self.assertEqual(sorted(good for good, _ in results), [False, True])
        for good, result in results:
            if not good:
                self.assertIsInstance(result.value, DataExists)  # type: ignore[attr-defined]
        await self.assert_left(["image"])

    async def test_checksums(self) -> None:
        """Further checksums are taken, where servers know them or not."""
        for checksum in ("crc32", "sha1", "sha256"):
            store = self.store(checksum=checksum)
            await store.add(checksum, ScriptedStream(CHUNKS))
            await store.add(f"{checksum}-small", ScriptedStream([b"small"]))
            self.assertEqual(await self.read(store, checksum), LARGE)

    async def test_unsigned(self) -> None:
        """Content may be left out of the signature."""
        store = self.store(payload="unsigned")
        await store.add("image", ScriptedStream(CHUNKS))
        self.assertEqual(await self.read(store, "image"), LARGE)

    async def test_wrong_secret(self) -> None:
        """With a wrong secret everything is forbidden."""
        path = Path(self.mktemp())
        access_key = self.bucket.server.values["AWS_ACCESS_KEY_ID"]
        path.write_text(f'aws_access_key_id = "{access_key}"\naws_secret_access_key = "wrong"\n')
        store = self.store(credentials=str(path))
        for asked in (
            store.add("image", ScriptedStream([b"x"])),
            store.open("image"),
            store.delete("image"),
            store.discard("image"),
        ):
            self.assertIsInstance(await self.failure(asked), StoreForbids)

    async def test_no_bucket(self) -> None:
        """Without its bucket the store is unavailable, whatever one wants."""
        store = self.store(bucket="no-such-bucket-there")
        for asked in (
            store.add("image", ScriptedStream([b"x"])),
            store.add("image", ScriptedStream(CHUNKS)),
            store.open("image"),
            store.delete("image"),
            store.discard("image"),
        ):
            self.assertIsInstance(await self.failure(asked), StoreUnavailable)

    async def test_discard(self) -> None:
        """What a daemon left that died in an upload is discarded, and nothing else."""
        store = self.store()
        for key in ("image", "image", "image2"):
            await deferToThread(self.bucket.begin_upload, self.bucket.prefix + key)
        await store.discard("image")
        left = await deferToThread(self.bucket.uploads)
        self.assertEqual([key for key, _ in left], [f"{self.bucket.prefix}image2"])
        await store.discard("image2")
        await self.assert_left()

    async def test_sweep(self) -> None:
        """What is stale is swept, and what lies elsewhere is not."""
        prefix = self.bucket.prefix
        for key in (f"{prefix}image", f"{prefix}not/an-image"):
            await deferToThread(self.bucket.begin_upload, key)
        self.assertEqual(await self.store(stale="3600").sweep(), 0)
        store = self.store(stale="1")
        # The store itself looks too.
        while len(left := await deferToThread(self.bucket.uploads)) > 1:
            await store.sweep()
            await deferLater(reactor, 0.2)
        self.assertEqual([key for key, _ in left], [f"{prefix}not/an-image"])

    async def test_listing(self) -> None:
        """Objects and unfinished uploads are told, and one upload alone is dropped by its key."""
        store = self.store()
        await store.add("image", ScriptedStream([b"hello"]))
        await store.add("large", ScriptedStream(CHUNKS))
        for key in ("half", "not/an-image"):
            await deferToThread(self.bucket.begin_upload, self.bucket.prefix + key)
        found = [each async for each in store.listing()]
        whole = {each.image_id: each.size for each in found if each.is_finished}
        self.assertEqual(whole, {"image": 5, "large": len(LARGE)})
        halves = {each.image_id: each for each in found if not each.is_finished}
        self.assertEqual(set(halves), {"half", None})
        self.assertEqual(halves["half"].size, 100)
        await store.drop_unfinished(halves["half"].key)
        left = await deferToThread(self.bucket.uploads)
        self.assertEqual([key for key, _ in left], [f"{self.bucket.prefix}not/an-image"])
        self.assertEqual(await self.read(store, "large"), LARGE)

    async def test_download_breaks(self) -> None:
        """A download whose connections break again and again is whole."""
        proxy = await self.proxied()
        store = self.store(endpoint=proxy.url)
        await store.add("image", ScriptedStream(CHUNKS))
        for fault in ("reset_after", "close_after"):
            await deferToThread(proxy.disturb, "down", **{fault: 3 * MIB})
            self.assertEqual(await self.read(store, "image"), LARGE)
            self.assertEqual(await self.read(store, "image", 1, 8 * MIB), LARGE[1 : 8 * MIB + 1])
            await deferToThread(proxy.clear)

    async def test_upload_breaks(self) -> None:
        """An upload whose connections break is whole, as long as a part gets through."""
        proxy = await self.proxied()
        store = self.store(endpoint=proxy.url)
        for way, fault, size in (
            ("up", "reset_after", 7 * MIB),
            ("up", "close_after", 6 * MIB),
            ("down", "reset_after", 2000),
        ):
            await deferToThread(proxy.disturb, way, **{fault: size})  # type: ignore[arg-type]
            await store.add(f"{way}-{fault}", ScriptedStream(CHUNKS))
            await deferToThread(proxy.clear)
            self.assertEqual(await self.read(store, f"{way}-{fault}"), LARGE)
        await self.assert_left(["up-reset_after", "up-close_after", "down-reset_after"])

    async def test_upload_cannot_get_through(self) -> None:
        """An upload of which no part ever gets through leaves nothing."""
        proxy = await self.proxied()
        store = self.store(endpoint=proxy.url, attempts="2")
        await deferToThread(proxy.disturb, "up", reset_after=3 * MIB)
        for length in (None, len(LARGE)):
            error = await self.failure(store.add("image", ScriptedStream(CHUNKS, length=length)))
            self.assertIsInstance(error, StoreUnavailable)
        await self.assert_left()
