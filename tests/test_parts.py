"""Settings → parts of the daemon."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from glancetx.config import ConfigError, Settings, read_settings
from glancetx.parts import make_cache
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.threads import InlineThreads


class CacheTests(SynchronousTestCase):
    """Whether there is a cache, and where."""

    def settings(self, toml: str = "", **given: object) -> Settings:
        path = Path(self.mktemp())
        path.write_text(toml)
        return read_settings({"data": "/data", **given}, str(path))

    def cache(self, toml: str = "", **given: object):
        shelf = Shelf([ShelvedStore("file", MemoryStore(None))])
        return make_cache(None, self.settings(toml, **given), shelf, InlineThreads())

    def directory(self, toml: str = "", **given: object) -> str:
        return str(self.cache(toml, **given)._directory.root)

    def test_none(self) -> None:
        """By default there is none, nor when the operator says so."""
        self.assertIsNone(self.cache())
        self.assertIsNone(self.cache("image_cache_max_size = 5"))
        self.assertIsNone(self.cache('cache = false\nimage_cache_dir = "/c"'))

    def test_data_directory(self) -> None:
        """It is in the data directory."""
        self.assertEqual(self.directory("cache = true"), "/data/cache")
        self.assertEqual(self.directory(cache=True), "/data/cache")

    def test_elsewhere(self) -> None:
        """Or elsewhere, which says by itself that there is one."""
        self.assertEqual(self.directory('image_cache_dir = "/c"'), "/c")
        self.assertEqual(self.directory('image_cache_dir = "/c"', cache=True), "/c")

    def test_size(self) -> None:
        """Its size has a unit or none, and is 10 GiB when nobody says so."""
        for toml, size in ("", 10 << 30), ('"2GB"', 2 << 30), ("5", 5):
            toml = toml and f"image_cache_max_size = {toml}"
            self.assertEqual(self.cache(toml, cache=True)._directory.max_size, size)

    def test_bypass(self) -> None:
        """Stores that are excepted must be there."""
        self.assertIsNotNone(self.cache('cache = true\nimage_cache_bypass = ["file"]'))
        error = self.assertRaises(ConfigError, self.cache, 'image_cache_bypass = ["s3"]')
        self.assertEqual(str(error), "image_cache_bypass: there is no store 's3'")
