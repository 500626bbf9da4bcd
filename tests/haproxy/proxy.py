"""HAProxy with the configuration that the documentation gives to operators."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.threads import deferToThread

from tests.integration.daemon import Process, eventually, folder, free_port, run
from tests.services import SERVICES

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "examples" / "haproxy/haproxy.cfg"

HAPROXY = "/usr/sbin/haproxy"

#: How HAProxy logs a request: its server, status, bytes, cookies, how it ended, and what it was.
_REQUEST = re.compile(r' glance/(\S+) \S+ (-?\d+) \d+ \S+ \S+ (\S\S)\S* .*"(\S+) (\S+) HTTP')


@frozen
class Passed:
    """A request that HAProxy passed on; ``ending`` begins with S when the server cut it."""

    server: str
    status: int
    ending: str
    method: str
    path: str

    @property
    def has_failed(self) -> bool:
        """Whether it failed, and not because of its client."""
        return self.status >= 500 or self.ending[0] not in "-C"


@define
class Proxy:
    """A running HAProxy before servers one and two."""

    port: int
    process: Process
    _socket: Path = field(repr=False)

    @classmethod
    async def start(cls, test: Any, ports: list[int]) -> Proxy:
        """One before two daemons that listen, or will, on these ports of this machine."""
        await deferToThread(_install)
        place, port = folder(test), free_port()
        text = CONFIGURATION.read_text()
        for old, new in (
            (
                "log /dev/log local0",
                f"log stdout format raw local0\n    stats socket {place}/stats",
            ),
            ("bind :9292", f"bind 127.0.0.1:{port}"),
            ("server one 10.0.0.11:9292", f"server one 127.0.0.1:{ports[0]}"),
            ("server two 10.0.0.12:9292", f"server two 127.0.0.1:{ports[1]}"),
        ):
            if text.count(old) != 1:
                raise AssertionError(f"{old!r} is not once in {CONFIGURATION}")
            text = text.replace(old, new)
        (place / "haproxy.cfg").write_text(text)
        process = run(test, HAPROXY, "-db", "-f", place / "haproxy.cfg")
        proxy = cls(port, process, place / "stats")
        await eventually(lambda: (place / "stats").exists())
        return proxy

    async def sees(self, **servers: str) -> None:
        """Wait until it thinks that each of these servers is UP or DOWN."""
        await eventually(lambda: servers.items() <= self._states().items())

    def passed(self) -> list[Passed]:
        """All requests that have ended by now."""
        return [
            Passed(server, int(status), ending, method, path)
            for server, status, ending, method, path in _REQUEST.findall(self.process.log)
        ]

    def _states(self) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self._socket))
            asked.sendall(b"show stat\n")
            said = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        head, *lines = said.lstrip("# ").splitlines()
        names = head.split(",")
        rows = [dict(zip(names, line.split(","), strict=False)) for line in lines if line]
        return {row["svname"]: row["status"] for row in rows if row["pxname"] == "glance"}


def _install() -> None:
    """By the script that also starts one, with a configuration of its own."""
    subprocess.run([SERVICES / "haproxy.sh", "install"], check=True)
