"""What operators change while the daemon runs."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface


class IReloadable(Interface):
    """Has read something that operators change while the daemon runs."""

    def reload() -> Awaitable[None]:
        """
        Read it again; called on SIGHUP.

        What makes no sense is told of in the log, and what was read before stays in force.
        """
