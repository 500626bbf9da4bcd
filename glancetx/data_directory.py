"""The data directory, which belongs to one daemon at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from glancetx.config import ConfigError


class DataInUse(ConfigError):
    """Another process holds the directory."""


def claim(directory: Path) -> int:
    """
    Make the directory (0700) when it is missing, and lock it for as long as this process lives.

    The lock survives the fork of a daemon, and nobody has to remove it after a crash.
    The descriptor that holds it is returned.

    :raises DataInUse: when another daemon has it.
    :raises ConfigError: when it cannot be used.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the data directory {directory} cannot be used: {error.strerror}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataInUse(
            f"another daemon is using the data directory {directory}: "
            "stop it, or give this one its own with --data"
        ) from None
    return lock


def visit(directory: Path, *, alone: bool = False) -> int | None:
    """
    Hold the directory as one of any number of guests, or, ``alone``, when there is none.

    Whoever has claimed it for a moment only lets his guests leave before he ends what they use.
    The descriptor of the lock, or None when it cannot be had now.

    :raises ConfigError: when the directory cannot be used.
    """
    try:
        lock = os.open(directory / "guests", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the data directory {directory} cannot be used: {error.strerror}"
        ) from error
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
