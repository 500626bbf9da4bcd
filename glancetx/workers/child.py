"""A worker, as its supervisor sees it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from glancetx.logs import FIELDS
from glancetx.workers.messages import Lines, Message, decode, encode

_log = Logger()


class WorkerFailed(Exception):
    """A worker cannot serve; the sentence says why."""


class WorkerProcess(ProcessProtocol):
    """
    A child that serves when it is ``ready``, a Deferred that may fail with `WorkerFailed`.

    ``heard`` is given what it says that does not concern itself alone.
    """

    def __init__(
        self, number: int, order: Mapping[str, Any], heard: Callable[[Any, Message], None]
    ) -> None:
        self.number = number
        self.ready: Deferred[None] = Deferred()
        self.has_ended = False
        self._order = order
        self._heard = heard
        self._said, self._printed = Lines(), Lines()
        self._why: str | None = None
        self._waiting: list[Deferred[str]] = []
        self._how = ""

    def tell(self, *message: Any) -> None:
        """Say something to it, unless it has ended."""
        self._write(message)

    def kill(self) -> None:
        """End it as it is."""
        if not self.has_ended and self.transport is not None:
            self.transport.signalProcess("KILL")

    def ended(self) -> Deferred[str]:
        """Fires when it has ended, with how: ``exited with status 1``."""
        done: Deferred[str] = Deferred()
        if self.has_ended:
            done.callback(self._how)
        else:
            self._waiting.append(done)
        return done

    def _write(self, message: Any) -> None:
        if not self.has_ended and self.transport is not None:
            self.transport.write(encode(message))

    # -- the reactor's

    def connectionMade(self) -> None:
        self._write(self._order)

    def outReceived(self, data: bytes) -> None:
        for line in self._said.cut(data):
            message = decode(line)
            if message is None:
                self._print(line)
            else:
                self._hear(message)

    def errReceived(self, data: bytes) -> None:
        for line in self._printed.cut(data):
            self._print(line)

    def processEnded(self, reason: Failure) -> None:
        for line in (*self._said.rest(), *self._printed.rest()):
            self._print(line)
        ending: Any = reason.value
        code, signal = ending.exitCode, ending.signal
        self._how = f"exited with status {code}" if signal is None else f"died of signal {signal}"
        self.has_ended = True
        if not self.ready.called:
            self.ready.errback(WorkerFailed(self._why or f"worker {self.number} {self._how}"))
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(self._how)

    def _hear(self, message: Message) -> None:
        match message:
            case ["ready"]:
                if not self.ready.called:
                    self.ready.callback(None)
            case ["failed", str(why)]:
                self._why = why
            case ["log", dict(record)]:
                self._log(record)
            case _:
                self._heard(self, message)

    def _log(self, record: dict[str, Any]) -> None:
        """Log an event of the worker; what else is known of it is for the log in JSON."""
        text = "\n".join(filter(None, (record["message"], record.get("traceback"))))
        known = {name: record[name] for name in FIELDS if name in record}
        known |= {"worker": self.number, "worker_message": record["message"], "text": text}
        logger, level = _logger(record["namespace"]), LogLevel.lookupByName(record["level"])
        logger.emit(level, "worker {worker}: {text}", **known)

    def _print(self, line: bytes) -> None:
        """What was printed and not logged, as by Python when it cannot even start."""
        text = line.decode("utf-8", "replace")
        _log.warn("worker {worker} printed: {text}", worker=self.number, text=text)


@cache
def _logger(namespace: str) -> Logger:
    return Logger(namespace)


def spawn(
    reactor: IReactorProcess, worker: WorkerProcess, descriptors: Mapping[int, int]
) -> WorkerProcess:
    """
    Start the process; it gets the descriptors under the numbers that are their keys.

    It finds the modules that we find, and runs with ``-O`` if we do.
    """
    path = os.pathsep.join(each for each in sys.path if each)
    command = [sys.executable, *["-O"] * sys.flags.optimize, "-P", "-m", "glancetx.workers"]
    reactor.spawnProcess(
        worker,
        sys.executable,
        command,
        env={**os.environ, "PYTHONPATH": path},
        path="/",
        childFDs={0: "w", 1: "r", 2: "r", **descriptors},
    )
    return worker
