"""Memory that is used again."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

#: Touches 4 MiB a hundred times over, and prints how many page faults that took.
_PROGRAM = """
from resource import RUSAGE_SELF, getrusage
from threading import Thread
from glancetx.heap import keep_freed_memory

keep_freed_memory()

def use():
    for _ in range(50):
        held = [b"x" * (1 << 20) for _ in range(4)]

def run(thread):
    thread.start()
    thread.join()

use()
before = getrusage(RUSAGE_SELF).ru_minflt
use()
run(Thread(target=use))
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


class HeapTests(SynchronousTestCase):
    """A batch of an image costs no new memory when one before it has gone."""

    def test_used_again(self) -> None:
        """What one thread has let go of another one gets, without asking the system."""
        done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
        # Each of 400 MiB has 256 pages.
        self.assertLess(int(done.stdout), 1000)
