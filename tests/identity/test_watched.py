"""Files that belong together and change one after the other."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from glancetx.identity.watched import WatchedFiles
from glancetx.testing.threads import InlineThreads
from tests.web.case import logged_events


def pair(first: bytes, second: bytes) -> tuple[bytes, bytes]:
    """Both, if they are alike."""
    if first[:1] != second[:1]:
        raise ValueError("they do not belong together")
    return first, second


class TogetherTests(SynchronousTestCase):
    """A key and its certificate, for one."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.first, self.second = Path(self.mktemp()), Path(self.mktemp())
        self.write(self.first, b"a1")
        self.write(self.second, b"a2")
        paths = [self.first, self.second]
        self.files = WatchedFiles(self.clock, paths, pair, InlineThreads())
        self.files.startService()
        self.addCleanup(self.files.stopService)
        self.events = logged_events(self)

    def write(self, path: Path, content: bytes) -> None:
        beside = path.with_suffix(".new")
        beside.write_bytes(content)
        os.replace(beside, path)

    def pass_time(self, seconds: int = 3) -> None:
        self.clock.pump([1] * seconds)

    def errors(self) -> int:
        return sum(each["log_level"] is LogLevel.error for each in self.events)

    def test_one_after_the_other(self) -> None:
        """They are read when both have come, and nothing is wrong meanwhile."""
        self.write(self.first, b"b1")
        self.pass_time(1)
        self.write(self.second, b"b2")
        self.pass_time(1)
        self.assertEqual(self.files.value, (b"a1", b"a2"))
        self.pass_time(1)
        self.assertEqual(self.files.value, (b"b1", b"b2"))
        self.assertEqual(self.errors(), 0)

    def test_one_for_long(self) -> None:
        """One that does not fit is told of once, and changes nothing; the other puts it right."""
        self.write(self.second, b"c2")
        self.pass_time(9)
        self.assertEqual(self.files.value, (b"a1", b"a2"))
        self.assertEqual(self.errors(), 1)
        self.write(self.first, b"c1")
        self.pass_time()
        self.assertEqual(self.files.value, (b"c1", b"c2"))
        self.assertEqual(self.errors(), 1)

    def test_one_is_missing(self) -> None:
        """Which one is told, once."""
        self.second.unlink()
        self.pass_time(9)
        self.assertEqual(self.files.value, (b"a1", b"a2"))
        self.assertEqual(self.errors(), 1)
        told = str(self.events[-1]["trouble"])
        self.assertIn(f"{self.second.name} cannot be read: No such file", told)
