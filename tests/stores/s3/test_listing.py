"""What lies in a bucket is told, page by page."""

from __future__ import annotations

import time
from typing import Any

from glancetx.errors import NoSuchData, StoreForbids, StoreUnavailable
from tests.stores.s3 import fake
from tests.stores.s3.case import S3Case


class ListingTests(S3Case):
    """Objects and uploads, ours and strange ones."""

    async def listing(self, store: Any) -> dict[str, tuple[Any, ...]]:
        return {
            each.key: (each.image_id, each.size, each.is_finished) async for each in store.listing()
        }

    def place(self, name: str, size: int = 4) -> None:
        self.server.objects[name] = fake.Object(bytes(size), {}, "tag")

    async def test_objects(self) -> None:
        """What is below the prefix is told, with the ids of those that are named as images."""
        for name in "p/one", "p/two", "p/a/b", "p/Ähm & co", "other":
            self.place(name)
        self.server.page = 2
        store = self.store(prefix="p")
        expected = {
            "one": ("one", 4, True),
            "two": ("two", 4, True),
            "p/a/b": (None, 4, True),
            "p/Ähm & co": (None, 4, True),
        }
        self.assertEqual(await self.listing(store), expected)

    async def test_uploads(self) -> None:
        """An upload that was begun is told as unfinished, with what came and when that was."""
        store = self.store()
        now = time.time()
        upload = fake.Upload("one", {}, now - 1000, {1: bytes(3), 2: bytes(4)}, now - 500)
        self.server.uploads["up/1"] = upload
        self.server.uploads["up/2"] = fake.Upload("a/b", {}, now)
        found = [each async for each in store.listing()]
        self.assertEqual(
            [(each.key, each.image_id, each.size, each.is_finished) for each in found],
            [("one/up/1", "one", 7, False), ("a/b/up/2", None, 0, False)],
        )
        self.assertLess(abs(found[0].changed_at.timestamp() - (now - 500)), 2)

    async def test_drop(self) -> None:
        """An upload is aborted by its key, and no object is touched."""
        self.place("one")
        store = self.store()
        for upload_id in "up/1", "up/2":
            self.server.uploads[upload_id] = fake.Upload("one", {}, time.time(), {1: b"part"})
        await store.drop_unfinished("one/up/1")
        self.assertEqual(
            (list(self.server.uploads), list(self.server.objects)), (["up/2"], ["one"])
        )
        for key in "one/up/1", "one", "one/", "a/b/up/2", "../up/2", "":
            await self.assert_raises(NoSuchData, store.drop_unfinished(key))
        self.assertEqual(list(self.server.uploads), ["up/2"])
        self.assertEqual(list(self.server.objects), ["one"])

    async def test_look_up(self) -> None:
        """Nothing is found of an image that is not there; a bucket that is not there is trouble."""
        store = self.store()
        self.assertIsNone(await store.look_up("one"))
        self.place("one")
        found = await store.look_up("one")
        self.assertEqual((found and found.size), 4)
        del self.server.objects["one"]
        self.server.exists = False
        await self.assert_raises(StoreUnavailable, store.look_up("one"))
        await self.assert_raises(StoreUnavailable, store.free_space())

    async def test_refused(self) -> None:
        """A server that lists nothing for us says so."""
        self.server.refuse(fake.OBJECTS, 403, "AccessDenied")
        with self.assertRaises(StoreForbids):
            await self.listing(self.store())

    async def test_no_end(self) -> None:
        """A list whose next page is the same again is no list."""
        self.place("one")
        rest = "<LastModified>2026-11-25T19:58:01Z</LastModified><Size>1</Size>"
        page = f"<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>one</Key>{rest}"
        document = f"{page}</Contents></ListBucketResult>".encode()
        self.server.fault(fake.OBJECTS, lambda request: document, times=50)
        with self.assertRaises(StoreUnavailable):
            await self.listing(self.store())
