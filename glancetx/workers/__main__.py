"""A worker as a process, which only a supervisor starts."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module

#: Of Linux's prctl(2).
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve as the order says that is the first line of standard input."""
    # The supervisor hears us; what libraries print goes elsewhere.
    status = os.dup(1)
    os.dup2(2, 1)
    line, rest = _first_line()
    order = json.loads(line)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != order["supervisor"]:
        sys.exit(1)
    with suppress(OSError):
        os.chdir(order["directory"])
    if order["is_activated"]:
        # As systemd would tell us; Twisted has removed it from the supervisor's environment.
        count = len(os.environ["LISTEN_FDNAMES"].split(":"))
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
    import_module(order["reactor"]).install()
    from twisted.internet import reactor

    from glancetx.clocks import keep_steady
    from glancetx.heap import keep_freed_memory
    from glancetx.workers.worker import Worker

    keep_steady(reactor)
    keep_freed_memory()
    worker = Worker(reactor, order, rest)
    worker.run(status)
    sys.exit(worker.status)


def _first_line() -> tuple[bytes, bytes]:
    """The first line that comes, and what has come behind it."""
    data = b""
    while b"\n" not in data:
        more = os.read(0, 65536)
        if not more:
            sys.exit(1)
        data += more
    line, _, rest = data.partition(b"\n")
    return line, rest


main()
