"""
Real servers for tests: started by scripts, disturbed by tests, and gone when the run is over.

The scripts lie in the folder that GLANCE_SERVICES names, or else in ``shared/services`` beside the
checkout; one that is not there is a failure.
Each is called as ``NAME.sh start DIR PORT``, ``stop DIR``, ``env DIR`` or ``status DIR``, installs
what it needs, and listens on the loopback interface, on PORT and some ports after it.

Everything here blocks: where there is a reactor, tests call it by `deferToThread`.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

SERVICES = Path(
    os.environ.get("GLANCE_SERVICES")
    or Path(__file__).resolve().parents[1].parent / "shared" / "services"
)

HOST = "127.0.0.1"

#: How many ports one after the other a script may use.
PORTS = 14

#: Seconds for a script that installs a server first, on a busy machine.
PATIENCE = 600

#: Ends a server and its directory once the run has ended, in whatever way: then its input ends.
_GUARD = 'cat >/dev/null; "$0" stop "$1"; rm -rf "$1"'


class RealServer:
    """
    A server with a directory and ports of its own.

    ``values`` are what its script said when it was started, as ``SWIFT_URL`` or
    ``AWS_ACCESS_KEY_ID``.
    """

    def __init__(self, name: str, **settings: str) -> None:
        """``name`` is that of the script; ``settings`` are the variables that it reads."""
        self.script = SERVICES / f"{name}.sh"
        if not self.script.is_file():
            raise FileNotFoundError(f"{self.script} is missing; GLANCE_SERVICES names its folder")
        self.directory = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.port = free_ports(PORTS)
        self.settings = settings
        self.values: Mapping[str, str] = {}
        guard: Any = subprocess.Popen(
            ["bash", "-c", _GUARD, self.script, self.directory],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(guard.communicate)

    def start(self, **settings: str) -> None:
        """
        Start it, or what has ended of it.

        ``settings`` hold for this time only; what runs does not learn of them.

        :raises CalledProcessError: when it does not start; its script has told why.
        """
        self.values = _values(self._call("start", str(self.port), settings=settings))

    def stop(self) -> None:
        """End it in order, paused or not; its data stays."""
        for daemon in self.daemons():
            self.signal(daemon, signal.SIGCONT)
        self._call("stop")

    def restart(self, **settings: str) -> None:
        """Stop and start it."""
        self.stop()
        self.start(**settings)

    def daemons(self) -> Mapping[str, int]:
        """The pids of the processes of it that run, by name, as ``proxy`` or ``object_updater``."""
        said = _values(self._call("status", statuses=(0, 3)))
        return {
            name.removesuffix("_PID").lower(): int(pid)
            for name, pid in said.items()
            if name.endswith("_PID")
        }

    def signal(self, daemon: str, number: signal.Signals) -> None:
        """
        Send a signal to one daemon and its children.

        :raises KeyError: when it does not run.
        """
        os.killpg(self.daemons()[daemon], number)

    @contextmanager
    def paused(self, daemon: str) -> Iterator[None]:
        """Meanwhile a daemon stands still: it accepts, and answers nothing."""
        self.signal(daemon, signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(daemon, signal.SIGCONT)

    def kill(self, daemon: str) -> None:
        """End a daemon as a crash does; `start` brings it back."""
        self.signal(daemon, signal.SIGKILL)

    def _call(
        self,
        verb: str,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        statuses: Container[int] = (0,),
    ) -> str:
        """What the script said."""
        command = [str(self.script), verb, str(self.directory), *arguments]
        done = subprocess.run(
            command,
            env={**os.environ, **self.settings, **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
        if done.returncode not in statuses:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
        return done.stdout


class FaultProxy(RealServer):
    """
    Passes connections on to another server, with the faults that a test sets.

    They hold for all connections, those that are open and new ones.
    """

    def __init__(self, target: str) -> None:
        """``target`` is the URL of the server; `url` stands for it from now on."""
        there = urlsplit(target)
        super().__init__("faultproxy", FAULT_TARGET=there.netloc)
        self.url = there._replace(netloc=f"{HOST}:{self.port}").geturl()

    def disturb(self, way: Literal["up", "down", "both"] = "both", **faults: float) -> None:
        """
        Set faults and leave the others as they are; a fault of 0 is none.

        ``way`` is ``up`` for what goes to the server, ``down`` for what comes from it.
        Of each connection on each way: ``latency``, ``jitter`` in seconds, ``rate`` in bytes per
        second, ``stall`` (1: takes bytes and passes none on), ``close_after``, ``reset_after`` so
        many bytes, ``corrupt`` (flips a bit of this byte, counted from 1).
        Of new connections, so without a way: ``refuse`` (1: closes them), ``reset_new`` (with this
        probability), ``hang`` (1: accepts them, and nothing more).

        :raises ValueError: when there is no such fault.
        """
        prefix = "" if way == "both" else f"{way}."
        self._ask("POST", "/?" + urlencode({prefix + name: of for name, of in faults.items()}))

    def clear(self) -> None:
        """Be without faults from now on."""
        self._ask("POST", "/clear")

    def reset(self) -> None:
        """Break all open connections now."""
        self._ask("POST", "/reset")

    def counts(self) -> dict[str, int]:
        """``connections``, ``open`` ones, ``resets``, and bytes that went ``up`` and ``down``."""
        return dict(self._ask("GET", "/")["stats"])

    def _ask(self, method: str, path: str) -> Any:
        connection = HTTPConnection(HOST, self.port + 1, timeout=30)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            if answer.status != 200:
                raise ValueError(f"the fault proxy does not know {path}")
            return json.loads(answer.read())
        finally:
            connection.close()


_starting = Lock()


def real_server(name: str, **settings: str) -> RealServer:
    """The one server of this run that was started so; it runs."""
    with _starting:
        return _real_server(name, **settings)


@cache
def _real_server(name: str, **settings: str) -> RealServer:
    server = RealServer(name, **settings)
    server.start()
    return server


def free_ports(count: int) -> int:
    """
    The first of so many ports one after the other that nobody uses now.

    They are below those that the kernel gives to outgoing connections and to listeners on port 0,
    so that a server that is stopped for a while finds them free again.
    """
    while True:
        first = random.randrange(10_000, 32_000)
        if all(map(_is_free, range(first, first + count))):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True


def _values(said: str) -> Mapping[str, str]:
    """The KEY=VALUE lines of a script."""
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
