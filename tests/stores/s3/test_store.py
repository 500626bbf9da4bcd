"""The store keeps what every store promises, and says in our words what a server says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from twisted.internet import reactor
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from glancetx.errors import (
    DataExists,
    NoSuchData,
    RangeOutside,
    StoreForbids,
    StoreFull,
    StoreUnavailable,
)
from glancetx.interfaces import IProbed, IReloadable, IStore
from glancetx.stores.s3.options import s3_store
from glancetx.stores.s3.schedule import LARGEST_OBJECT
from glancetx.testing.shared_store_contract import SharedStoreContract
from glancetx.testing.streams import ScriptedStream
from tests.stores.s3 import fake
from tests.stores.s3.case import CHUNKS, LARGE, PART, SECRET, SMALL, S3Case

#: Refusals of the server, and what they are to us.
MEANINGS = [
    (403, "AccessDenied", StoreForbids),
    (403, "InvalidAccessKeyId", StoreForbids),
    (403, "SignatureDoesNotMatch", StoreForbids),
    (400, "ExpiredToken", StoreForbids),
    (403, "QuotaExceeded", StoreFull),
    (400, "EntityTooLarge", StoreFull),
    (507, "", StoreFull),
    (404, "NoSuchBucket", StoreUnavailable),
    (400, "InvalidArgument", StoreUnavailable),
    (301, "PermanentRedirect", StoreUnavailable),
]


class S3ContractTests(S3Case, SharedStoreContract, TestCase):  # type: ignore[misc]
    """What every store promises."""

    # The fake keeps all that it is given, in this very process.
    allocation_bound = 400 << 20
    part = 5 << 20
    large = 16 << 20

    def make_store(self) -> IStore:
        return self.store(running=False)

    def another_store(self) -> IStore:
        return self.store(running=False)

    def leftovers(self) -> Iterable[object]:
        return self.server.uploads

    def test_reloadable(self) -> None:
        """Its credentials can be read again."""
        verifyObject(IReloadable, self.store())

    async def test_ready(self) -> None:
        """It is ready when its bucket is there."""
        store = self.store()
        verifyObject(IProbed, store)
        await store.check_ready()
        self.server.exists = False
        await self.assert_raises(StoreUnavailable, store.check_ready())


class RefusalTests(S3Case):
    """What a server refuses, and what is made of it."""

    async def test_add(self) -> None:
        """Each refusal of bytes is the error of ours that says as much; nothing is left."""
        store = self.store()
        for status, code, error in MEANINGS:
            for kind, data in ((fake.PUT, SMALL), (fake.PUT_PART, LARGE), (fake.CREATE, LARGE)):
                self.server.refuse(kind, status, code)
                await self.assert_raises(error, self.add(store, "image", data))
                self.assert_nothing_there()

    async def test_open(self) -> None:
        """Each refusal of a download too."""
        store = self.store()
        for status, code, error in MEANINGS:
            self.server.refuse(fake.GET, status, code)
            await self.assert_raises(error, store.open("image"))
        await self.assert_raises(NoSuchData, store.open("image"))

    async def test_no_upload(self) -> None:
        """An upload that somebody has aborted is not an image that is not there."""
        self.server.refuse(fake.PUT_PART, 404, "NoSuchUpload")
        await self.assert_raises(StoreUnavailable, self.add(self.store(), "image", LARGE))

    async def test_no_bucket(self) -> None:
        """Where the bucket is not there, nobody knows whether the image was."""
        store = self.store()
        self.server.exists = False
        self.server.refuse(fake.HEAD_BUCKET, 404)
        await self.assert_raises(StoreUnavailable, store.delete("image"))
        await self.assert_raises(StoreUnavailable, store.open("image"))
        await self.assert_raises(StoreUnavailable, store.discard("image"))
        await self.assert_raises(StoreUnavailable, self.add(store, "image"))

    async def test_secrets_stay(self) -> None:
        """Neither errors nor log tell secrets, addresses of objects or the server's words (R2)."""
        store = self.store()
        said = []
        with capturedLogs() as events:
            for status, code, error in MEANINGS:
                self.server.refuse(fake.PUT, status, code)
                raised = await self.assert_raises(error, self.add(store, "image"))
                said.append(repr(raised.args) + str(raised))
        lines = [formatEvent(event) for event in events]
        self.assertTrue(any("AccessDenied" in line and "request-7" in line for line in lines))
        for text in (*said, *lines, repr(store), repr(vars(store))):
            for secret in (SECRET, "Signature=", "s3cr3t place", "/images/image"):
                self.assertNotIn(secret, text)

    async def test_too_large(self) -> None:
        """What S3 cannot hold is refused before anything is read."""
        source = ScriptedStream(CHUNKS, length=LARGEST_OBJECT + 1)
        await self.assert_raises(StoreFull, self.store().add("image", source))
        self.assertFalse(source.was_poured)
        self.assertEqual(self.server.requests, [])

    async def test_not_running(self) -> None:
        """A store that was not started has no threads, and says so."""
        await self.assert_raises(StoreUnavailable, self.add(self.store(running=False), "image"))
        self.assert_nothing_there()


class KeyTests(S3Case):
    """What the objects are called."""

    async def test_prefix(self) -> None:
        """An object is called by the prefix and the image's id; the key is the id alone."""
        store = self.store(prefix="glance/one")
        self.assertEqual(await self.add(store, "image"), "image")
        self.assertEqual(list(self.server.objects), ["glance/one/image"])
        self.assertEqual(await self.read(store, "image"), SMALL)

    async def test_discard_exactly(self) -> None:
        """What is discarded is of this image, and not of one whose id only begins alike."""
        store = self.store()
        for key in ("image", "image2"):
            self.server.uploads[key] = fake.Upload(key, {}, 0)
        await self.add(store, "image2")
        await store.discard("image")
        self.assertEqual(list(self.server.uploads), ["image2"])
        self.assertEqual(list(self.server.objects), ["image2"])


class SendingTests(S3Case):
    """How bytes are sent."""

    async def test_small(self) -> None:
        """What fits into a part is one request, which never replaces anything."""
        await self.add(self.store(), "image")
        (headers,) = self.server.seen(fake.PUT)
        self.assertEqual(headers["if-none-match"], "*")
        self.assertEqual(headers["content-length"], "5")
        self.assertNotIn("x-amz-checksum-crc32", headers)
        self.assertEqual(self.server.seen(fake.CREATE), [])

    async def test_large(self) -> None:
        """What does not comes in parts, each with its MD5."""
        await self.add(self.store(), "image", LARGE)
        self.assertEqual(self.server.objects["image"].data, LARGE)
        sizes = [headers["content-length"] for headers in self.server.seen(fake.PUT_PART)]
        self.assertEqual(sizes, [str(PART), str(PART), str(len(LARGE) - 2 * PART)])
        self.assertTrue(all("content-md5" in each for each in self.server.seen(fake.PUT_PART)))
        self.assertEqual(self.server.seen(fake.PUT), [])

    async def test_checksum(self) -> None:
        """A further checksum is sent when it is asked for."""
        for checksum, expected in (("crc32", "dUXqEw=="), ("sha1", None), ("sha256", None)):
            store = self.store(checksum=checksum)
            await self.add(store, f"{checksum}-small")
            sent = self.server.seen(fake.PUT)[-1][f"x-amz-checksum-{checksum}"]
            if expected is not None:
                self.assertEqual(sent, expected)
            await self.add(store, f"{checksum}-large", LARGE)
            created = self.server.seen(fake.CREATE)[-1]
            self.assertEqual(created["x-amz-checksum-algorithm"], checksum.upper())
            self.assertIn(f"x-amz-checksum-{checksum}", self.server.seen(fake.PUT_PART)[-1])

    async def test_unsigned(self) -> None:
        """What is sent need not be part of the signature."""
        await self.add(self.store(payload="unsigned"), "image")
        (headers,) = self.server.seen(fake.PUT)
        self.assertEqual(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD")


class OpeningTests(S3Case):
    """Where a stream begins and ends."""

    async def test_beyond(self) -> None:
        """Also a server that does not tell with a 416 where the end is makes no difference."""
        store = self.store()
        await self.add(store, "image")
        self.assertEqual(await self.read(store, "image", 5), b"")
        error = await self.assert_raises(RangeOutside, store.open("image", 6))
        self.assertEqual(error.size, 5)

    async def test_gone_meanwhile(self) -> None:
        """An image that goes between two questions is not there."""
        store = self.store()
        self.server.refuse(fake.GET, 416, "InvalidRange")
        await self.assert_raises(NoSuchData, store.open("image", 6))

    async def test_strange_range(self) -> None:
        """A server that refuses a range that it has, or gives another one, is of no use."""
        store = self.store()
        await self.add(store, "image")
        self.server.refuse(fake.GET, 416, "InvalidRange")
        await self.assert_raises(StoreUnavailable, store.open("image", 2))
        self.server.fault(fake.GET, lambda request: b"small")
        await self.assert_raises(StoreUnavailable, store.open("image", 2))
        # Nor one that gives all when a part was wanted: it would have to be cut off.
        self.server.fault(fake.GET, lambda request: b"small")
        await self.assert_raises(StoreUnavailable, store.open("image", 0, 2))
        self.server.refuse(fake.GET, 412)
        await self.assert_raises(StoreUnavailable, store.open("image", 2))


class OptionTests(SynchronousTestCase):
    """What an operator may say."""

    def make(self, **options: str) -> object:
        defaults = {"bucket": "images", "endpoint": "http://127.0.0.1:9"}
        return s3_store(reactor, **{**defaults, **options})

    def setUp(self) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.patch(__import__("os"), "environ", {**__import__("os").environ, name: "x"})

    def test_environment(self) -> None:
        """Credentials may come from the environment, and then nothing is said of them."""
        verifyObject(IStore, self.make())

    def test_none(self) -> None:
        """Without any credentials the operator is told what to give."""
        self.patch(__import__("os"), "environ", {})
        error = self.assertRaises(ValueError, self.make)
        self.assertIn("credentials=FILE", str(error))

    def test_amazon(self) -> None:
        """Amazon needs no endpoint, and an instance no file."""
        verifyObject(IStore, self.make(endpoint="", lender="http://169.254.169.254"))

    def test_refused(self) -> None:
        """What makes no sense is told."""
        for name, value in (
            ("part_size", "4MB"),
            ("part_size", "1GB"),
            ("part_size", "many"),
            ("payload", "maybe"),
            ("checksum", "crc7"),
            ("stale", "soon"),
            ("attempts", "-1"),
            ("threads", "0"),
            ("addressing", "host"),
            ("credentials", "/nowhere"),
            ("lender", "no url"),
            ("ca", "/nowhere"),
        ):
            error = self.assertRaises(ValueError, self.make, **{name: value})
            self.assertTrue(str(error))
        self.assertRaises(ValueError, self.make, credentials="/x", lender="http://127.0.0.1")


class ExistsTests(S3Case):
    """What is there is left alone."""

    async def test_large_meanwhile(self) -> None:
        """An object that came while parts were sent is left as it is, and the parts go."""
        store = self.store()
        source = ScriptedStream(CHUNKS)
        self.server.fault(fake.CREATE, self._appear)
        await self.assert_raises(DataExists, store.add("image", source))
        self.assertEqual(self.server.objects["image"].data, b"other")
        self.assertEqual(self.server.uploads, {})

    async def test_condition(self) -> None:
        """Where two daemons are at it, the server decides, in one go and in parts."""
        store = self.store()
        for kind, data in ((fake.PUT, SMALL), (fake.COMPLETE, LARGE)):
            self.server.objects.clear()
            # It is not there when we look, and there when we send.
            self.server.fault(kind, partial(self._appear, kind=kind))
            await self.assert_raises(DataExists, self.add(store, "image", data))
            self.assertEqual(self.server.objects["image"].data, b"other")
            self.assertEqual(self.server.uploads, {})

    async def test_no_conditions(self) -> None:
        """A server that does not know conditions is asked without, from then on."""
        store = self.store()
        self.server.refuse(fake.PUT, 501, "NotImplemented")
        await self.add(store, "one")
        await self.add(store, "two")
        conditions = ["if-none-match" in headers for headers in self.server.seen(fake.PUT)]
        self.assertEqual(conditions, [True, False, False])
        self.server.refuse(fake.PUT, 501, "NotImplemented")
        await self.assert_raises(StoreUnavailable, self.add(store, "three"))

    def _appear(self, request: object, kind: str = fake.CREATE) -> bytes:
        self.server.objects["image"] = fake.Object(b"other", {}, "other")
        return self.server._do(kind, request)
