"""Where a verification got to, kept in a file so that another one goes on from there."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from glancetx.command.base import CommandError
from glancetx.usecases.verification import Flaw


@define
class State:
    """
    What was verified so far: all images up to the id ``after``.

    ``selection`` says which images are meant; ``bytes`` counts those that were read.
    """

    selection: dict[str, Any]
    after: str = ""
    images: int = 0
    bytes: int = 0
    flaws: list[Flaw] = field(factory=list)


@define
class StateFile:
    """The file of a verification, which is locked while one runs."""

    path: Path
    _lock: int = field(default=-1, init=False)

    def open(self, selection: dict[str, Any], *, anew: bool) -> State:
        """
        What an earlier verification of the same images has left, or else a beginning.

        :raises CommandError: when another one is at it, or the file cannot be used.
        """
        try:
            self._lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._read(selection, anew)
        except BlockingIOError:
            raise CommandError(
                f"another verification is using {self.path}: give this one its own with --state"
            ) from None
        except OSError as error:
            raise CommandError(f"{self.path} cannot be used: {error.strerror}") from None

    def save(self, state: State) -> None:
        """
        Replace the file by what is known now; durably.

        :raises CommandError: when that cannot be done.
        """
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(state), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written: {error.strerror}") from None

    def remove(self) -> None:
        """Everything was verified: the next one begins anew."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _read(self, selection: dict[str, Any], anew: bool) -> State:
        fresh = State(selection)
        if anew or not self.path.exists():
            return fresh
        try:
            told = json.loads(self.path.read_text("utf-8"))
            # What was found behind the point is going to be found again.
            flaws = [Flaw(**each) for each in told["flaws"] if each["id"] <= told["after"]]
            state = State(**{**told, "flaws": flaws})
        except (ValueError, TypeError, KeyError):
            raise CommandError(
                f"{self.path} is not what a verification has left: remove it, or use --restart"
            ) from None
        return state if state.selection == selection else fresh
