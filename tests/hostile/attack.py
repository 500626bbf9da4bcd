"""
Sends messages, each over a connection of its own, and asks beside it whether the server still runs.

The probe is one connection over which the victim is asked for, again as soon as it has answered.
What the process has cost between two of its answers is what an input made everybody wait for.
All of this blocks.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from attrs import frozen

from tests.hostile.answers import Malformed, read_answers
from tests.hostile.message import CANARY, VICTIM, Message
from tests.hostile.process import MIB, Meter
from tests.hostile.reading import Requests, read_requests

#: Seconds in which there must be an end, on a machine that is busy; of a pause in which this
#: process did not run either, one counts.
PATIENCE = 60.0

MOST_CPU = 1.0
MOST_MEMORY = 64 * MIB

KNOWN_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH")

#: What the system says of a connection that the server has ended.
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)

_PROBE = b"HEAD /v1/images/%b HTTP/1.1\r\nHost: probe\r\n\r\n" % VICTIM.encode()


class Harm(Exception):
    """An input did what none may do; the text tells the input, and what it did."""


@frozen
class Outcome:
    """
    What came of one message.

    ``cpu`` is seconds, the most between two answers of the probe; ``memory`` is the bytes that the
    process grew by, at its peak.
    """

    statuses: tuple[int, ...]
    cpu: float
    memory: int


def is_fair(message: Message) -> bool:
    """Whether nothing in it is a request to remove what is needed later."""
    return not any(
        method == b"DELETE" and b"0badc0de" in unquote_to_bytes(target) and not target[-1:] == b"4"
        for method, target in read_requests(message.data).seen
    )


class Attacker:
    """Sends to one port, and measures one process."""

    def __init__(self, port: int, meter: Meter) -> None:
        self._port = port
        self._meter = meter
        self._selector = selectors.DefaultSelector()
        self._probe = self._connect()
        self._selector.register(self._probe, selectors.EVENT_READ)

    def close(self) -> None:
        self._selector.close()
        self._probe.close()

    def send(self, message: Message) -> Outcome:
        """
        Send it, take all answers until the server closes, and be answered once more.

        :raises Harm: when it did what none may do.
        """
        self._meter.forget_peak()
        before = self._meter.memory()
        try:
            received, cpu = self._exchange(message)
        except (OSError, Malformed) as error:
            raise Harm(f"{error}, after {message!r}") from error
        memory = max(0, self._meter.peak() - before)
        requests = read_requests(message.data)
        try:
            statuses = read_answers(received, [method for method, _ in requests.seen])
        except Malformed as error:
            raise Harm(f"{error}, after {message!r}") from error
        outcome = Outcome(tuple(statuses), cpu, memory)
        for harm in _harms(message, requests, outcome, received):
            raise Harm(f"{harm}, after {message!r}: {received[:300]!r}")
        return outcome

    # -- one exchange

    def _exchange(self, message: Message) -> tuple[bytes, float]:
        """All that came over the connection, and the most CPU between two answers of the probe."""
        sending = _Sending(self._connect(), message)
        events = self._selector
        events.register(sending.socket, sending.events)
        last, worst = self._meter.cpu(), 0.0
        left, moment = PATIENCE, time.monotonic()
        self._ask()
        is_last = False
        try:
            while True:
                for key, ready in events.select(1.0):
                    if key.fileobj is not self._probe:
                        sending.proceed(ready)
                        continue
                    self._take_answer()
                    cpu = self._meter.cpu()
                    last, worst = cpu, max(worst, cpu - last)
                    if is_last:
                        return bytes(sending.received), worst
                    is_last = sending.is_over
                    sending.may_send = True
                    self._ask()
                if sending.is_over:
                    sending.forget(events)
                elif sending.events != events.get_key(sending.socket).events:
                    events.modify(sending.socket, sending.events)
                now = time.monotonic()
                left, moment = left - min(now - moment, 1.0), now
                if left < 0:
                    raise Malformed(f"no end after {PATIENCE:.0f} seconds")
        finally:
            sending.forget(events)
            sending.socket.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _ask(self) -> None:
        self._probe.sendall(_PROBE)

    def _take_answer(self) -> None:
        answer = self._probe.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise Malformed(f"the victim is gone: {answer[:200]!r}")


class _Sending:
    """One connection: what is still to be sent over it, and what has come."""

    def __init__(self, connection: socket.socket, message: Message) -> None:
        self.socket = connection
        self.socket.setblocking(False)
        self.received = bytearray()
        self.is_over = False
        #: Of what trickles, one piece for each answer of the probe.
        self.may_send = True
        self._trickles = message.trickles
        self._pieces: Iterator[bytes] | None = message.pieces()
        self._piece = b""
        self._is_registered = True

    @property
    def events(self) -> int:
        """What to wait for."""
        writes = self._pieces is not None and (self.may_send or not self._trickles)
        reads = self._pieces is None or not self._trickles
        return (selectors.EVENT_WRITE if writes else 0) | (
            selectors.EVENT_READ if reads or not writes else 0
        )

    def proceed(self, ready: int) -> None:
        """Send and receive what is possible now."""
        try:
            if ready & selectors.EVENT_WRITE and self._pieces is not None:
                self._send()
            if ready & selectors.EVENT_READ and (self._pieces is None or not self._trickles):
                self._receive()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            # It has been told, or is to be told by what has already come.
            self._pieces = None
            self._receive_rest()

    def forget(self, events: selectors.BaseSelector) -> None:
        if self._is_registered:
            self._is_registered = False
            events.unregister(self.socket)

    def _send(self) -> None:
        if not self._piece:
            self._piece = next(self._pieces or iter(()), b"")
        if not self._piece:
            self._pieces = None
            self.socket.shutdown(socket.SHUT_WR)
            return
        self._piece = self._piece[self.socket.send(self._piece) :]
        self.may_send = False

    def _receive(self) -> None:
        data = self.socket.recv(1 << 20)
        self.received += data
        self.is_over = not data

    def _receive_rest(self) -> None:
        try:
            while data := self.socket.recv(1 << 20):
                self.received += data
        except OSError:
            pass
        self.is_over = True


def _harms(
    message: Message, requests: Requests, outcome: Outcome, received: bytes
) -> Iterator[str]:
    """What is wrong with it."""
    for status, request in zip(
        outcome.statuses, [*requests.seen, *[(b"", b"")] * len(outcome.statuses)], strict=False
    ):
        is_unknown = request[0] not in KNOWN_METHODS  # and then 501 is the contract's word (V-15)
        if status >= 500 and not (status == 501 and is_unknown):
            yield f"{status}"
    if message.more is None and len(outcome.statuses) > requests.most_answers:
        yield f"{len(outcome.statuses)} answers to at most {requests.most_answers} requests"
    if requests.seen and requests.is_clean and message.more is None and not outcome.statuses:
        yield "no answer"
    if CANARY in received:
        yield "it gave away a file"
    if outcome.cpu > MOST_CPU:
        yield f"{outcome.cpu:.1f} s of CPU"
    if outcome.memory > MOST_MEMORY:
        yield f"{outcome.memory / MIB:.0f} MiB of memory"
