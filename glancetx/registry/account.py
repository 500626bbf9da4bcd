"""Users of the operating system."""

from __future__ import annotations

import pwd

from attrs import frozen


@frozen
class Account:
    """An unprivileged user whom a child becomes."""

    name: str
    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> Account:
        """
        :raises KeyError: when there is no such user.
        """
        entry = pwd.getpwnam(name)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def numbered(cls, uid: int) -> Account:
        """
        :raises KeyError: when there is no such user.
        """
        entry = pwd.getpwuid(uid)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)
