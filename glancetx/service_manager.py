"""
What a daemon tells the service manager that started it: systemd's ``sd_notify(3)`` protocol.

A message is one datagram of ``NAME=VALUE`` lines to the socket that NOTIFY_SOCKET names.
Nothing is told where nobody asked to be.
"""

from __future__ import annotations

import socket
from collections.abc import MutableMapping
from time import CLOCK_MONOTONIC, clock_gettime_ns

from attrs import frozen
from twisted.logger import Logger

_log = Logger()


@frozen
class ServiceManager:
    """Listens at ``address``, a path or, after an ``@``, a name; nobody does where it is empty."""

    address: str

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> ServiceManager:
        """Whoever started us; what we start ourselves does not learn of him."""
        return cls(environment.pop("NOTIFY_SOCKET", ""))

    def ready(self) -> None:
        """The daemon serves, for the first time or again."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """It reads its configuration again, and will be `ready` afterwards."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It has begun to end."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto("\n".join(lines).encode("ascii"), name)
        except OSError as error:
            _log.warn("The service manager does not listen: {error}", error=str(error))
