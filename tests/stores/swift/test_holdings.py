"""What lies in the containers is told: images, and segments of which no image is made."""

from __future__ import annotations

import tempfile
from typing import Any

from twisted.internet.defer import ensureDeferred

from glancetx.errors import NoSuchData, StoreUnavailable
from glancetx.stores.swift.store import SwiftStore
from glancetx.testing.streams import ScriptedStream
from tests.stores.swift.fake_swift import Blob, Fault, Stored
from tests.stores.swift.test_store import DATA, PIECES, SMALL, StoreCase

UPLOAD = "0123456789abcdef"


class HoldingsTests(StoreCase):
    """Small segments, and pages of two names."""

    sizes = SMALL

    def setUp(self) -> None:
        super().setUp()
        self.store: SwiftStore = self.make_store()
        self.store.startService()
        self.addCleanup(self.store.stopService)

    async def listing(self) -> dict[str, tuple[Any, ...]]:
        return {
            each.key: (each.image_id, each.size, each.is_finished)
            async for each in self.store.listing()
        }

    def place(self, container: str, name: str, size: int = 4, modified: float = 1e9) -> None:
        blob = Blob(tempfile.TemporaryFile(), size, "")
        self.addCleanup(blob.file.close)
        stored = Stored([blob], {}, "tag", None, modified)
        self.swift.containers.setdefault(container, {})[name] = stored

    async def test_image(self) -> None:
        """A large image is told once, and not its segments."""
        await self.store.add("abc", ScriptedStream(PIECES))
        self.assertEqual(len(self.swift.names("images_segments")), 4)
        self.assertEqual(await self.listing(), {"abc": ("abc", len(DATA), True)})

    async def test_segments_that_are_left(self) -> None:
        """Those of one attempt are told as one thing, with the time of the last one."""
        for number, size in (1, 10), (2, 20), (3, 30):
            self.place("images_segments", f"abc/{UPLOAD}/{number:06}", size, 1e9 + number)
        self.place("images_segments", "strange", 7)
        found = [each async for each in self.store.listing()]
        told = [(each.key, each.image_id, each.size, each.is_finished) for each in found]
        expected = [(f"abc/{UPLOAD}", "abc", 60, False), ("strange", None, 7, False)]
        self.assertEqual(told, expected)
        self.assertEqual(found[0].changed_at.timestamp(), 1e9 + 3)

    async def test_another_attempt_has_won(self) -> None:
        """What an attempt has left that lost is told beside the image, and dropped alone."""
        await self.store.add("abc", ScriptedStream(PIECES))
        self.place("images_segments", f"abc/{UPLOAD}/000001")
        left = f"abc/{UPLOAD}"
        self.assertEqual(set(await self.listing()), {"abc", left})
        await self.store.drop_unfinished(left)
        self.assertEqual(await self.listing(), {"abc": ("abc", len(DATA), True)})
        self.assertEqual(len(self.swift.names("images_segments")), 4)

    async def test_segments_of_an_image_are_not_dropped(self) -> None:
        """Neither those of a whole image nor what has another name."""
        await self.store.add("abc", ScriptedStream(PIECES))
        (upload,) = {name.split("/")[1] for name in self.swift.names("images_segments")}
        for key in f"abc/{upload}", f"abc/{UPLOAD}", "abc", "abc/", "/", "strange", f"x/{upload}":
            with self.assertRaises(NoSuchData):
                await self.store.drop_unfinished(key)
        self.assertEqual(len(self.swift.names("images_segments")), 4)

    async def test_image_that_does_not_tell(self) -> None:
        """When an image does not say which attempt it is from, no segment of it is left over."""
        self.place("images", "abc")
        self.place("images_segments", f"abc/{UPLOAD}/000001")
        self.assertEqual(await self.listing(), {"abc": ("abc", 4, True)})
        with self.assertRaises(NoSuchData):
            await self.store.drop_unfinished(f"abc/{UPLOAD}")

    async def test_strange(self) -> None:
        """What is not named as an image is, has no id."""
        for name in "a/b", "notes.txt", "abc":
            self.place("images", name)
        ids = {key: told[0] for key, told in (await self.listing()).items()}
        self.assertEqual(ids, {"a/b": None, "notes.txt": None, "abc": "abc"})

    async def test_out_of_reach(self) -> None:
        """A Swift that fails is trouble, and never an empty listing."""
        self.place("images", "abc")
        for look in self.listing, self.store.free_space:
            for method in "GET", "HEAD":
                self.swift.faults += [Fault(method, "images", 503) for _ in range(20)]
            with self.assertRaises(StoreUnavailable):
                await ensureDeferred(look())
            self.swift.faults.clear()
