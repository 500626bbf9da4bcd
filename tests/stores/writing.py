"""Another process that is in the middle of writing an image into a file store's directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO, cast
from unittest import TestCase

#: Begins to write an image, says so, and waits to be killed.
_WRITER = """
import sys
from glancetx.stores.file_partial import Partial
from glancetx.stores.file_tree import Tree
partial = Partial(Tree(sys.argv[1]), sys.argv[2])
partial.create()
partial.write(sys.argv[3].encode())
print("begun", flush=True)
sys.stdin.read()
"""


def begin_writing(
    test: TestCase, root: str | Path, image_id: str, data: str
) -> subprocess.Popen[bytes]:
    """The process, which has written these data and waits; it ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, root, image_id, data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    test.addCleanup(process.communicate)
    test.addCleanup(process.kill)
    test.assertEqual(cast("IO[bytes]", process.stdout).readline(), b"begun\n")
    return process
