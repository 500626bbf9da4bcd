"""Clients that are slow, go silent or vanish, and what the daemon has to do about them."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from attrs import define, field, frozen

from tests.chaos.installation import SILENCE
from tests.chaos.ledger import Ledger
from tests.load.clients import OWNERS
from tests.load.content import KIB, MIB
from tests.load.model import Model

#: Seconds within which a daemon has to end a connection whose client is silent; it may itself be
#: frozen, or wait for its disk, meanwhile.
PATIENCE = SILENCE + 25

#: Of Linux's tcp(7): a socket that is being repaired is closed without a word.
TCP_REPAIR = 19

#: A state, as /proc/net/tcp says it.
LISTENS = "0A"


@frozen
class Connection:
    """A connection whose other end is at ``port``, and whether a process has it open."""

    port: int
    is_owned: bool


@define
class Rude:
    """One client that does one rude thing after the other, as ``deck`` says, until it is over."""

    seed: str
    port: int
    model: Model
    ledger: Ledger
    deck: list[str]
    is_over: bool = False
    _chance: random.Random = field(init=False)

    #: Whatever it may do, and how often in comparison.
    SHARES = {
        "slowloris: a head that takes no end": 25,
        "slowloris: a body that stops coming": 25,
        "slow reader that stops reading": 25,
        "silent connection": 10,
        "half-open: vanished while uploading": 30,
        "half-open: vanished while downloading": 20,
        "connection reset while uploading": 25,
        "connection reset while downloading": 25,
    }

    def __attrs_post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def run(self) -> None:
        """Do all that is in the deck; blocks."""
        deeds: dict[str, Callable[[socket.socket, str], None]] = dict(
            zip(
                self.SHARES,
                [
                    self._slow_head,
                    self._slow_body,
                    self._slow_reader,
                    self._silent,
                    self._vanish_uploading,
                    self._vanish_downloading,
                    self._reset_uploading,
                    self._reset_downloading,
                ],
                strict=True,
            )
        )
        while self.deck and not self.is_over:
            kind = self.deck[-1]
            sleep(self._chance.uniform(0, 1))
            # The daemon may be starting.
            with suppress(OSError), socket.socket() as connection:
                if self._chance.random() < 0.5:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
                connection.settimeout(PATIENCE)
                connection.connect(("127.0.0.1", self.port))
                deeds[kind](connection, kind)

    def _do(self, kind: str) -> None:
        """It happens now; what could not be tried is tried again."""
        self.ledger.inject(kind)
        self.deck.pop()

    def _slow_head(self, connection: socket.socket, kind: str) -> None:
        connection.sendall(b"GET /v1/images HTTP/1.1\r\nHost: here\r\n")
        self._do(kind)
        self._trickle(connection, b"X-More: of it\r\n", kind)

    def _slow_body(self, connection: socket.socket, kind: str) -> None:
        self._begin_upload(connection)
        self._do(kind)
        for _ in range(self._chance.randrange(20)):
            connection.sendall(b"slowly")
            sleep(0.1)
        self._is_ended(connection, kind)

    def _slow_reader(self, connection: socket.socket, kind: str) -> None:
        if self._begin_download(connection):
            self._do(kind)
            for _ in range(self._chance.randrange(10)):
                connection.recv(KIB)
                sleep(0.1)
            self._is_ended(connection, kind)

    def _silent(self, connection: socket.socket, kind: str) -> None:
        self._do(kind)
        self._is_ended(connection, kind)

    def _vanish_uploading(self, connection: socket.socket, kind: str) -> None:
        self._begin_upload(connection)
        self._do(kind)
        self._vanish(connection)

    def _vanish_downloading(self, connection: socket.socket, kind: str) -> None:
        if self._begin_download(connection):
            self._do(kind)
            self._vanish(connection)

    def _reset_uploading(self, connection: socket.socket, kind: str) -> None:
        self._begin_upload(connection)
        self._do(kind)
        self._reset(connection)

    def _reset_downloading(self, connection: socket.socket, kind: str) -> None:
        if self._begin_download(connection):
            self._do(kind)
            self._reset(connection)

    def _begin_upload(self, connection: socket.socket) -> None:
        """Send an upload but for its end."""
        story = self.model.begin(self._chance, self._chance.choice(OWNERS))
        story.uploaders += 1
        size = self._chance.choice([100, 64 * KIB, MIB, 2 * MIB])
        head = [
            "POST /v1/images HTTP/1.1",
            "Host: here",
            f"x-image-meta-id: {story.image_id}",
            f"x-image-meta-owner: {story.owner}",
            "x-image-meta-disk_format: raw",
            "x-image-meta-container_format: bare",
            "Content-Type: application/octet-stream",
            f"Content-Length: {size + 1000}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        connection.sendall(bytes(size))

    def _begin_download(self, connection: socket.socket) -> bool:
        """Ask for an image that was acknowledged, and take the beginning; whether there is one."""
        with self.model.lock:
            kept = [each for each in self.model.stories.values() if each.kept and not each.deleters]
        if not kept:
            return False
        image_id = self._chance.choice(kept[-50:]).image_id
        connection.sendall(f"GET /v1/images/{image_id} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return connection.recv(KIB).startswith(b"HTTP/1.1 200")

    def _trickle(self, connection: socket.socket, data: bytes, kind: str) -> None:
        """Send a little again and again; a fault if that goes on for ever."""
        began = monotonic()
        while _is_kept(connection, self.port):
            if monotonic() > began + PATIENCE:
                self.model.fault(f"{kind}: it went on for {PATIENCE} s")
                break
            connection.sendall(data)
            sleep(0.3)

    def _is_ended(self, connection: socket.socket, kind: str) -> None:
        """Be silent; a fault if that is tolerated for ever."""
        began = monotonic()
        while _is_kept(connection, self.port):
            if monotonic() > began + PATIENCE:
                self.model.fault(f"{kind}: the connection was kept for {PATIENCE} s")
                break
            sleep(0.3)

    def _vanish(self, connection: socket.socket) -> None:
        """Close without a word; whoever may not do that keeps silent until the other side ends."""
        try:
            connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            self._is_ended(connection, "half-open")
        connection.close()

    @staticmethod
    def _reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def _is_kept(connection: socket.socket, port: int) -> bool:
    """
    Whether a process at the other end still has its socket.

    What is seen from here is not enough: while there are unread data, nobody learns of the end.
    """
    here = connection.getsockname()[1]
    for other in connections_of(port):
        if other.port == here:
            return other.is_owned
    return False


def connections_of(port: int) -> Iterator[Connection]:
    """The connections to a port of ours, as the kernel has them at the server's end."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] != LISTENS:
            yield Connection(int(fields[2].rpartition(":")[2], 16), fields[9] != "0")
