"""The suite for shared stores is itself tested: one that is broken in one way fails just there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import aclosing
from unittest import TestResult

from twisted.trial.unittest import SynchronousTestCase, TestCase

from glancetx.errors import NoSuchData
from glancetx.interfaces import IByteStream, IStore
from glancetx.streams import chunks
from glancetx.testing.shared_store_contract import SharedStoreContract
from tests.testing.test_store_contract import SoundStore


class Medium:
    """What two stores share: images by key, and what is not finished."""

    def __init__(self) -> None:
        self.images: dict[str, list[bytes]] = {}
        self.partial: dict[str, list[bytes]] = {}


class SoundSharedStore(SoundStore):
    """Keeps all promises on a medium; each broken store changes one thing about it."""

    def __init__(self, medium: Medium) -> None:
        super().__init__()
        self.medium = medium
        self.images = medium.images

    async def add(self, image_id: str, data: IByteStream) -> str:
        key = self.key(image_id)
        await self.check_new(key, data)
        mine = self.medium.partial[key] = []
        try:
            async with aclosing(chunks(data)) as incoming:
                async for chunk in incoming:
                    self.part(key, mine).append(chunk)
            await self.check_new(key, data)
            self.images[key] = self.part(key, mine)
        finally:
            self.medium.partial.pop(key, None)
        return key

    def part(self, key: str, mine: list[bytes]) -> list[bytes]:
        """What is there of the image so far."""
        if self.medium.partial.get(key) is not mine:
            raise NoSuchData()
        return mine

    async def discard(self, image_id: str) -> None:
        self.medium.partial.pop(self.key(image_id), None)
        await super().discard(image_id)


class SuiteTests(SynchronousTestCase):
    """Each rule is asked by the test that says so."""

    def assert_fails(self, make: Callable[[Medium], SoundSharedStore], *names: str) -> None:
        class Tests(SharedStoreContract, TestCase):
            timeout = 5.0

            def make_store(self) -> IStore:
                self.medium = Medium()
                return IStore(make(self.medium))

            def another_store(self) -> IStore:
                return IStore(make(self.medium))

            def leftovers(self) -> Iterable[object]:
                return self.medium.partial

        result = TestResult()
        tests = sorted(name for name in vars(SharedStoreContract) if name.startswith("test_"))
        self.assertEqual(len(tests), 5)
        for name in tests:
            Tests(name).run(result)
        found = {test._testMethodName for test, _ in [*result.failures, *result.errors]}
        self.flushLoggedErrors()
        self.assertEqual(found, {f"test_{name}" for name in names})

    def test_sound(self) -> None:
        """A sound store passes."""
        self.assert_fails(SoundSharedStore)

    def test_keeps_keys(self) -> None:
        """What one store knows by heart the other one does not find."""

        class Store(SoundSharedStore):
            def __init__(self, medium: Medium) -> None:
                super().__init__(medium)
                self.known: set[str] = set()

            async def add(self, image_id: str, data: IByteStream) -> str:
                key = await super().add(image_id, data)
                self.known.add(key)
                return key

            def check_key(self, key: str) -> None:
                if key not in self.known:
                    raise NoSuchData()
                super().check_key(key)

        self.assert_fails(Store, "another_reads", "another_deletes")

    def test_overwrites(self) -> None:
        """What another one has added is left as it is."""

        class Store(SoundSharedStore):
            async def check_new(self, key: str, data: IByteStream) -> None:
                pass

        self.assert_fails(Store, "another_refuses")

    def test_discards_its_own(self) -> None:
        """What another one has left is discarded too."""

        class Store(SoundSharedStore):
            def __init__(self, medium: Medium) -> None:
                super().__init__(medium)
                self.mine: set[str] = set()

            async def add(self, image_id: str, data: IByteStream) -> str:
                self.mine.add(image_id)
                return await super().add(image_id, data)

            async def discard(self, image_id: str) -> None:
                if image_id in self.mine:
                    await super().discard(image_id)

        self.assert_fails(Store, "another_discards", "discarded_under_writer")

    def test_deletes_its_own(self) -> None:
        """What another one deletes is gone."""

        class Store(SoundSharedStore):
            def __init__(self, medium: Medium) -> None:
                super().__init__(medium)
                self.read: dict[str, list[bytes]] = {}

            async def open(
                self, key: str, offset: int = 0, length: int | None = None
            ) -> IByteStream:
                if key in self.read:
                    self.images = {**self.images, key: self.read[key]}
                stream = await super().open(key, offset, length)
                self.images = self.medium.images
                return stream

            async def add(self, image_id: str, data: IByteStream) -> str:
                key = await super().add(image_id, data)
                self.read[key] = self.images[key]
                return key

        self.assert_fails(Store, "another_deletes", "another_discards")

    def test_gives_a_part(self) -> None:
        """A writer who goes on after his part was discarded makes no image of the rest."""

        class Store(SoundSharedStore):
            def part(self, key: str, mine: list[bytes]) -> list[bytes]:
                return self.medium.partial.setdefault(key, [])

        self.assert_fails(Store, "discarded_under_writer")

    def test_other_error(self) -> None:
        """Nor does he fail by an error that is none of ours."""

        class Store(SoundSharedStore):
            def part(self, key: str, mine: list[bytes]) -> list[bytes]:
                return self.medium.partial[key]

        self.assert_fails(Store, "discarded_under_writer")
