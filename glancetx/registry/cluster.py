"""The directory of an embedded PostgreSQL. Everything here blocks: call it from a thread."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from glancetx.registry.account import Account
from glancetx.registry.programs import VERSION

#: Who runs PostgreSQL for a daemon that is root, which PostgreSQL refuses to be.
UNPRIVILEGED = "nobody"


class EmbeddedFailure(Exception):
    """The embedded PostgreSQL cannot run, in one sentence."""


class Cluster:
    """
    The data directory, made in one stroke: first under another name, and renamed when it is whole.

    Only its own permissions are set (0700, and its owner), never those of directories above it.
    A lock beside it keeps a second daemon away.
    ``account`` is whom PostgreSQL has to run as, or None for the daemon's own user; it is known
    after `open`.
    """

    def __init__(self, path: Path, user: str | None) -> None:
        self.path = Path(os.path.realpath(path))
        self.account: Account | None = None
        self.directory: int | None = None
        self._user = user
        self._lock: int | None = None
        self._draft = self.path.with_name(self.path.name + ".new")

    def open(self) -> bool:
        """
        Lock the directory and open it, or a new one to be filled; whether it is filled already.

        :raises EmbeddedFailure: when it is used by another daemon, or cannot be used at all.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_lock()
            is_filled = self._is_filled()
            self.account = self._choose_account()
            if not is_filled:
                self._draft_anew()
            self.directory = os.open(self.path if is_filled else self._draft, _DIRECTORY)
        except OSError as error:
            raise EmbeddedFailure(
                f"The registry's directory {self.path} cannot be used: {error.strerror}"
            ) from error
        return is_filled

    def keep(self) -> None:
        """Give the new directory, filled by now, its name."""
        os.rename(self._draft, self.path)
        parent = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def close(self) -> None:
        """Let others have it."""
        for descriptor in self.directory, self._lock:
            if descriptor is not None:
                os.close(descriptor)
        self.directory = self._lock = None

    def read(self, name: str) -> str:
        """The beginning of a file in it, empty when there is none. Does not block."""
        # The directory is another user's when we are root: beware of what he may put there.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(name, flags, dir_fd=self.directory)
        except OSError:
            return ""
        try:
            return os.read(descriptor, 4096).decode("utf-8", "replace")
        finally:
            os.close(descriptor)

    def _take_lock(self) -> None:
        path = self.path.with_name(self.path.name + ".lock")
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedFailure(
                f"The registry's directory {self.path} is in use by another daemon"
            ) from None

    def _is_filled(self) -> bool:
        """Whether it holds a database of our version; nothing, or an empty directory, does not."""
        try:
            version = (self.path / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self.path.exists() and any(self.path.iterdir()):
                raise EmbeddedFailure(
                    f"The registry's directory {self.path} holds something that is no database"
                ) from None
            return False
        if version != str(VERSION):
            raise EmbeddedFailure(
                f"The registry's directory {self.path} was made by PostgreSQL {version},"
                f" and this is PostgreSQL {VERSION}"
            )
        return True

    def _choose_account(self) -> Account | None:
        """Only root needs, and can have, another user; one that owns the directory goes on."""
        try:
            named = Account.named(self._user) if self._user else None
            if os.geteuid() != 0:
                if named is not None and named.uid != os.geteuid():
                    raise EmbeddedFailure(f"Only root can run PostgreSQL as {named.name}")
                return None
            owner = self.path.stat().st_uid if self.path.exists() else 0
            account = named or (Account.numbered(owner) if owner else Account.named(UNPRIVILEGED))
        except KeyError:
            raise EmbeddedFailure(
                "The user that PostgreSQL has to run as, which cannot be root, does not exist"
            ) from None
        if account.uid == 0:
            raise EmbeddedFailure("PostgreSQL refuses to run as root: name another user")
        return account

    def _draft_anew(self) -> None:
        """An empty directory, instead of one that nobody finished."""
        if self._draft.exists():
            shutil.rmtree(self._draft)
        self._draft.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(self._draft, self.account.uid, self.account.gid)


_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
