"""What lies below the root of a file store is told, and nothing strange is walked into."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as installed_reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from glancetx.errors import DataInUse, NoSuchData, StoreUnavailable
from glancetx.stores.file import FileStore
from glancetx.stores.file_listing import PAGE
from glancetx.stores.file_partial import image_id_of_partial
from glancetx.stores.file_tree import digits_of, key_of
from glancetx.testing.streams import ScriptedStream
from tests.integration.daemon import eventually
from tests.stores.writing import begin_writing

reactor = cast(IReactorFromThreads, installed_reactor)

IMAGE_ID = "8f5d5a3e-6f3c-4c0e-9d1f-1d2c3b4a5f60"


class ListingCase(TestCase):
    """A store that runs."""

    async def setUp(self) -> None:  # type: ignore[override]
        self.root = Path(self.mktemp())
        self.store = FileStore(reactor, str(self.root))
        swept = self.place(".partial/probe.0")
        self.store.startService()
        self.addCleanup(self.store.stopService)
        # Whatever it does at its start is done then.
        await eventually(lambda: not swept.exists())

    async def listing(self) -> dict[str, tuple[Any, ...]]:
        """What it tells, by key."""
        return {
            each.key: (each.image_id, each.size, each.is_finished)
            async for each in self.store.listing()
        }

    def place(self, path: str, data: bytes = b"data") -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return place


class StrangeTests(ListingCase):
    """What others have put there."""

    async def test_strange(self) -> None:
        """It has no id, wherever it is; what is in a strange directory is not looked at."""
        key = await self.store.add(IMAGE_ID, ScriptedStream([b"image"]))
        wrong = "ff/ff/" + IMAGE_ID
        for path in "notes.txt", "lost+found/inside", f"{key[:2]}/notes", f"{key[:5]}/x", wrong:
            self.place(path)
        (self.root / key[:5] / "directory").mkdir()
        (self.root / "link").symlink_to(self.root)
        (self.root / "aa").symlink_to(self.root / key[:2])
        os.mkfifo(self.root / "fifo")
        found = await self.listing()
        self.assertEqual(found.pop(key), (IMAGE_ID, 5, True))
        expected = {
            "notes.txt": 4,
            "lost+found": 0,
            f"{key[:2]}/notes": 4,
            f"{key[:5]}/x": 4,
            f"{key[:5]}/directory": 0,
            wrong: 4,
            "link": 0,
            "aa": 0,
            "fifo": 0,
        }
        self.assertEqual(found.pop(f"{key[:5]}/x"), (None, 4, True))
        del expected[f"{key[:5]}/x"]
        self.assertEqual(found, {path: (None, size, True) for path, size in expected.items()})

    async def test_no_file_of_its_own(self) -> None:
        """A directory or a link with the name of an image is none."""
        key = key_of(IMAGE_ID)
        place = self.place(key)
        place.unlink()
        place.symlink_to("/etc/passwd")
        self.assertEqual(await self.listing(), {key: (None, 0, True)})
        self.assertIsNone(await self.store.look_up(key))

    async def test_root_goes(self) -> None:
        """A root that has gone is trouble, and neither an empty store nor a missing image."""
        key = await self.store.add(IMAGE_ID, ScriptedStream([b"image"]))
        self.root.rename(self.mktemp())
        for look in self.listing, self.store.free_space, lambda: self.store.look_up(key):
            with self.assertRaises(StoreUnavailable):
                await look()

    async def test_pages(self) -> None:
        """More than one page is told to its end."""
        for number in range(2 * PAGE + 1):
            self.place(key_of(f"{number:032x}"), b"")
        self.assertEqual(len(await self.listing()), 2 * PAGE + 1)


class PartialTests(ListingCase):
    """What writers have left, or are writing."""

    def begin(self) -> Any:
        """Another process that has begun to write the image; it waits."""
        return begin_writing(self, self.root, IMAGE_ID, "half")

    async def test_writer_lives(self) -> None:
        """A partial file is told with its image's id, and not dropped while somebody writes it."""
        self.begin()
        ((key, told),) = (await self.listing()).items()
        self.assertEqual(told, (IMAGE_ID, 4, False))
        with self.assertRaises(DataInUse):
            await self.store.drop_unfinished(key)
        self.assertEqual(list(await self.listing()), [key])

    async def test_writer_is_killed(self) -> None:
        """When the writer is dead it can be dropped, once."""
        writer = self.begin()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        ((key, told),) = (await self.listing()).items()
        self.assertEqual(told, (IMAGE_ID, 4, False))
        await self.store.drop_unfinished(key)
        self.assertEqual(await self.listing(), {})
        with self.assertRaises(NoSuchData):
            await self.store.drop_unfinished(key)

    async def test_other_names(self) -> None:
        """What is not named as a partial file of an image is strange, and not dropped."""
        digits = digits_of(IMAGE_ID)
        names = ["probe.1", f"{digits}.0123", f"{digits}.{IMAGE_ID}.", f"{'0' * 64}.{IMAGE_ID}.1"]
        for name in names:
            self.place(f".partial/{name}")
        found = await self.listing()
        self.assertEqual(set(found.values()), {(None, 4, False)})
        self.assertEqual(set(found), {f".partial/{name}" for name in names})
        for key in found:
            with self.assertRaises(NoSuchData):
                await self.store.drop_unfinished(key)

    async def test_discard_finds_both_names(self) -> None:
        """An image is discarded with partial files of this version and of former ones."""
        digits = digits_of(IMAGE_ID)
        self.place(f".partial/{digits}.0123456789abcdef")
        self.place(f".partial/{digits}.{IMAGE_ID}.0123456789abcdef")
        await self.store.discard(IMAGE_ID)
        self.assertEqual(await self.listing(), {})

    def test_ids_of_names(self) -> None:
        """Only a name whose parts belong together tells an id."""
        digits = digits_of(IMAGE_ID)
        self.assertEqual(image_id_of_partial(f"{digits}.{IMAGE_ID}.ab"), IMAGE_ID)
        for name in "", ".", "..", f"{digits}", f"{digits}.{IMAGE_ID}", f".{IMAGE_ID}.ab", "ä.ö.ü":
            self.assertIsNone(image_id_of_partial(name))

    async def test_locked_by_another_host(self) -> None:
        """Whoever holds the lock is taken for the writer."""
        place = self.place(f".partial/{digits_of(IMAGE_ID)}.{IMAGE_ID}.ab")
        with place.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with self.assertRaises(DataInUse):
                await self.store.drop_unfinished(f".partial/{place.name}")
        await self.store.drop_unfinished(f".partial/{place.name}")
