"""Programs of PostgreSQL as children of the reactor."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from signal import Signals

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from glancetx.registry.account import Account

log = Logger()

#: Where a child finds the directory it was given, whatever lies above it.
#: The link leads straight to the directory: a child that may not pass through the directories above
#: it, say because they are root's own, gets there all the same.
HANDED_DOWN = "/proc/self/fd/3"


_BAD_WORDS = ("WARNING:", "ERROR:", "FATAL:", "PANIC:")


class IChildReactor(IReactorProcess, IReactorTime):
    """What starting a child asks of the reactor."""


class Child(ProcessProtocol):
    """A child that runs or has ended; remembers the last lines that it wrote."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=20)
        self.has_ended = False
        self.exit_code: int | None = None
        self._rest = b""
        self._waiting: list[Deferred[None]] = []

    @property
    def pid(self) -> int | None:
        return self.transport.pid if self.transport is not None else None

    @property
    def last_words(self) -> str:
        """The end of what it wrote, in one line."""
        return "; ".join(list(self.lines)[-3:]) or "it said nothing"

    def signal(self, number: Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self.has_ended and self.transport is not None:
            self.transport.signalProcess(number)

    def ended(self) -> Deferred[None]:
        """Fires when it has ended and all that it wrote has been read."""
        done: Deferred[None] = Deferred()
        if self.has_ended:
            done.callback(None)
        else:
            self._waiting.append(done)
        return done

    async def ends_within(self, seconds: float, clock: IReactorTime) -> bool:
        """Whether it has ended when these seconds are over."""
        try:
            await self.ended().addTimeout(seconds, clock)
        except TimeoutError:
            return False
        return True

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._note(line)

    def errReceived(self, data: bytes) -> None:
        self.outReceived(data)

    def processEnded(self, reason: Failure) -> None:
        if self._rest:
            self._note(self._rest)
        self.has_ended = True
        self.exit_code = getattr(reason.value, "exitCode", None)
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(None)

    def _note(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if text:
            self.lines.append(text)
            is_bad = any(word in text for word in _BAD_WORDS)
            level = LogLevel.warn if is_bad else LogLevel.debug
            log.emit(level, "{name}: {line}", name=self.name, line=text)


def spawn(
    reactor: IChildReactor,
    account: Account | None,
    directory: int,
    program: Path,
    arguments: Sequence[str],
) -> Child:
    """
    Start a program with the open directory as `HANDED_DOWN`, as another user if one is given.

    It gets a session of its own, for a Ctrl-C at the terminal is meant for the daemon, which ends
    its children in order.
    It is told to shut down when the daemon dies, however that happens.
    """
    command = [str(program), *arguments]
    uid = gid = None
    if setpriv := which("setpriv"):
        options = ["--pdeathsig", "INT"]
        if account is not None:
            options += [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
        command = [setpriv, *options, "--", *command]
    else:
        log.warn(
            "setpriv is missing: {program} will outlive a daemon that is killed",
            program=program.name,
        )
        if account is not None:
            uid, gid = account.uid, account.gid
    if setsid := which("setsid"):
        command = [setsid, *command]
    child = Child(program.name)
    reactor.spawnProcess(
        child,
        command[0],
        command,
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
        path="/",
        uid=uid,
        gid=gid,
        childFDs={0: "w", 1: "r", 2: "r", 3: directory},
    )
    return child
