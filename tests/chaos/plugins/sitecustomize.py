"""
Whatever Python process has this on its path goes by a clock that others may set.

GLANCE_CHAOS_CLOCK names a file whose eight bytes are a double: so many seconds is the clock fast.
"""

import mmap
import os
import struct
import time


def _set_by(path: str) -> None:
    with open(path, "rb") as file:
        shift = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    true_time = time.time
    vars(time)["time"] = lambda: true_time() + struct.unpack("d", shift)[0]


if "GLANCE_CHAOS_CLOCK" in os.environ:
    _set_by(os.environ["GLANCE_CHAOS_CLOCK"])
