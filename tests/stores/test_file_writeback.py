"""Tests that writing to the medium begins early."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from glancetx.stores import file_writeback
from glancetx.stores.file_writeback import STRETCH, Writeback, begin_writing


class WritebackTests(SynchronousTestCase):
    """The system is told of each stretch of a file once."""

    def setUp(self) -> None:
        self.begun: list[tuple[int, int, int]] = []
        self.patch(file_writeback, "begin_writing", lambda *part: self.begun.append(part))
        self.writeback = Writeback()

    def test_little(self) -> None:
        """It is not told of less than a stretch."""
        self.writeback.written(5, STRETCH - 1)
        self.assertEqual(self.begun, [])

    def test_stretches(self) -> None:
        """Stretches follow one another without a gap."""
        for size in (STRETCH - 1, 2, STRETCH, 1):
            self.writeback.written(5, size)
        self.assertEqual(self.begun, [(5, 0, STRETCH + 1), (5, STRETCH + 1, STRETCH)])


class SystemTests(SynchronousTestCase):
    """The system itself."""

    def test_real(self) -> None:
        """It takes the call, and the file is as it was."""
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(b"hello")
            file.flush()
            begin_writing(file.fileno(), 0, 5)
        self.assertEqual(os.path.getsize(path), 5)

    def test_without(self) -> None:
        """A system that has no such call does without."""
        self.patch(file_writeback, "_sync_file_range", None)
        begin_writing(-1, 0, 5)
